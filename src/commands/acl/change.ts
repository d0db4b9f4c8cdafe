// ACL, as far as it changes users: one by one, or all of them from the file. Clients that lose what they use are closed.
import { aclFileLine } from '../../config/acl/describe.ts';
import { applyRules, FAULTS, hasSpaces, mergeSelectors } from '../../config/acl/rules.ts';
import { byName, createUser, type User } from '../../config/acl/user.ts';
import { isUsers, readAclUsers } from '../../config/load-users.ts';
import { error, integer, ok, type Reply } from '../../protocol/reply.ts';
import { untilNul } from '../arguments.ts';
import { answer, type Call, closing, type Outcome } from '../outcome.ts';
import { type Session, subscriptionCount } from '../session.ts';
import { logOut } from './login.ts';
import { mayUse } from './permission.ts';

/** ACL SETUSER name [rule …]: all of it or, when one rule is wrong, nothing. */
export function aclSetUser(call: Call): Outcome {
  const { world, args } = call;
  const { users, context } = world.access;
  const [, , name = '', ...words] = args;
  if (hasSpaces(name)) return answer(error("ERR Usernames can't contain spaces or null characters"));
  const { rules, open } = mergeSelectors(words);
  if (open !== undefined) {
    const word = untilNul(words[open] ?? '');
    return answer(error(`ERR Unmatched parenthesis in acl selector starting at '${word}'.`));
  }
  const before = users.get(name);
  const made = applyRules(before ?? createUser(name, context.allChannels), rules, context);
  if ('fault' in made)
    return answer(error(`ERR Error in ACL SETUSER modifier '${untilNul(made.rule)}': ${FAULTS[made.fault]}`));
  users.set(name, made);
  return closing(call, ok, before === undefined ? [] : listenersWithoutRight(call, made));
}

/** Subscribers of this user that listen to what it may not listen to any more. */
function listenersWithoutRight({ world }: Call, user: User): Session[] {
  const selectors = [user.root, ...user.selectors];
  if (selectors.some(({ allChannels }) => allChannels)) return [];
  const patterns = selectors.flatMap(({ channels }) => channels);
  const listens = (session: Session) =>
    [...session.patterns].every((pattern) => mayUse(patterns, pattern, true)) &&
    [...session.channels].every((channel) => mayUse(patterns, channel, false));
  return [...world.sessions.byId.values()].filter(
    (session) => session.user === user.name && subscriptionCount(session) > 0 && !listens(session),
  );
}

/** ACL DELUSER name …: their connections end. */
export function aclDelUser(call: Call): Outcome {
  const { world, args } = call;
  const names = args.slice(2);
  if (names.some((name) => untilNul(name) === 'default'))
    return answer(error("ERR The 'default' user cannot be removed"));
  const gone = new Set(names.filter((name) => world.access.users.delete(name)));
  return closing(
    call,
    integer(gone.size),
    logOutAll(call, (user) => user !== undefined && gone.has(user)),
  );
}

/** Log out everybody whose user `isGone`; they are to be closed. */
function logOutAll({ world }: Call, isGone: (user: string | undefined) => boolean): Session[] {
  const sessions = [...world.sessions.byId.values()].filter(({ user }) => isGone(user));
  sessions.forEach(logOut);
  return sessions;
}

const NO_FILE: Reply = error(
  'ERR This Redis instance is not configured to use an ACL file. You may want to specify users via the ACL SETUSER command and then issue a CONFIG REWRITE (assuming you have a Redis configuration file set) in order to store users in the Redis configuration.',
);

/**
 * ACL LOAD: the users of the file take the place of all there were, or nothing changes. Everybody but the default user
 * has to log in again: their connections are closed.
 */
export function aclLoad(call: Call): Outcome {
  const { users, file, context } = call.world.access;
  if (file === undefined) return answer(NO_FILE);
  const loaded = readAclUsers(file.name, file.read(), context);
  if (!isUsers(loaded)) return answer(error(`ERR ${loaded.error}`));
  users.clear();
  for (const [name, user] of loaded) users.set(name, user);
  const closed = logOutAll(call, (user) => user !== 'default');
  const user = users.get('default');
  // Differs: redis-sentinel 7.0.15 lets the default user's subscribers go on listening to what it may not hear any more.
  const deaf = user === undefined ? [] : listenersWithoutRight(call, user);
  return closing(call, ok, [...new Set([...closed, ...deaf])]);
}

/** ACL SAVE: all users to the file. The reply comes when they are on disk. */
export function aclSave({ world }: Call): Outcome {
  const { users, file, context } = world.access;
  if (file === undefined) return answer(NO_FILE);
  const line = (user: User) => `${aclFileLine(user, context.commands)}\n`;
  const saved = file
    .write(() => [...users.values()].sort(byName).map(line).join(''))
    .then((failure) => (failure === undefined ? ok : NOT_SAVED));
  return { replies: [], later: saved };
}

const NOT_SAVED: Reply = error(
  'ERR There was an error trying to save the ACLs. Please check the server logs for more information',
);
