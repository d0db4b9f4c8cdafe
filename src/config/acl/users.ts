// All users of a configuration: the default one, those of `user` lines, those of an ACL file.
// Error texts and their order are those of redis-sentinel 7.0.15 (spec/config.md §7.3).
import { trimLine } from '../tokens.ts';
import {
  allCommands,
  applyRule,
  applyRules,
  FAULTS,
  hasSpaces,
  isFault,
  mergeSelectors,
  type RuleContext,
} from './rules.ts';
import { createUser, type User } from './user.ts';

/** By name. The default user is always there. */
export type Users = ReadonlyMap<string, User>;

/** The user of every new connection; with the hash of a password it asks for it. */
export function defaultUser({ commands }: RuleContext, passwordHash?: string): User {
  const user = createUser('default', true);
  const root = { ...user.root, allKeys: true, commands: allCommands(commands) };
  const passwords = passwordHash === undefined ? [] : [passwordHash];
  return { ...user, on: true, nopass: passwordHash === undefined, passwords, root };
}

/** A `user` line that was read, its selectors joined. */
export interface DeclaredUser {
  readonly name: string;
  readonly rules: readonly string[];
}

/**
 * A `user` line, as far as it can be judged while the file is read: commands and categories are looked up when all of
 * it was read. `words` begins with the name. The error is the genuine one, with the word it takes for the faulty one.
 */
export function declareUser(
  words: readonly string[],
  known: readonly DeclaredUser[],
  context: RuleContext,
): DeclaredUser | { readonly error: string } {
  const [name = '', ...rest] = words;
  const line = ['user', ...words];
  const failure = (at: number, reason: string) => ({ error: `Error in user declaration '${line[at]}': ${reason}` });
  if (known.some((user) => user.name === name))
    return failure(1, 'Duplicate user found. A user can only be defined once in config files');
  const { rules, open } = mergeSelectors(rest);
  // The genuine server tells whatever went wrong last, which is this for a file without other faults.
  if (open !== undefined) return failure(open, FAULTS['unknown-command']);
  let user = createUser(name, context.allChannels);
  for (const [at, rule] of rules.entries()) {
    const next = applyRule(user, rule, context);
    if (!isFault(next)) user = next;
    else if (next !== 'unknown-command') return failure(at, FAULTS[next]);
  }
  return { name, rules };
}

/** The users that declarations make, or the log lines with which the start ends. */
export function settleUsers(
  declared: readonly DeclaredUser[],
  passwordHash: string | undefined,
  context: RuleContext,
): Users | { readonly error: readonly string[] } {
  const users = new Map([['default', defaultUser(context, passwordHash)]]);
  const refuse = (reason: string) => ({ error: [reason, 'Critical error while loading ACLs. Exiting.'] });
  for (const { name, rules } of declared) {
    if (hasSpaces(name)) return refuse('Spaces not allowed in ACL usernames');
    const made = applyRules(firstOf(name, context), rules, context);
    if ('fault' in made)
      return refuse(`Error loading ACL rule '${made.rule}' for the user named '${name}': ${FAULTS[made.fault]}`);
    users.set(name, made);
  }
  return users;
}

/** What the rules of a `user` line begin with: the default user was there before, and is reset. */
function firstOf(name: string, { allChannels }: RuleContext): User {
  const user = createUser(name, allChannels);
  return name === 'default' ? { ...user, payload: 'sanitize-payload' } : user;
}

/**
 * The users of an ACL file, or everything that is wrong with it in one line. `file`: its name in those words.
 * Words are divided by single blanks, and nothing is quoted. Without a line of its own, `default` needs no password.
 */
export function parseAclFile(text: string, file: string, context: RuleContext): Users | { readonly error: string } {
  const users = new Map<string, User>();
  let errors = '';
  text.split('\n').forEach((raw, at) => {
    const line = trimLine(raw);
    if (line !== '') errors += addFileLine(users, line, `${file}:${at + 1}`, at + 1, context);
  });
  if (errors !== '')
    return {
      error: `${errors}WARNING: ACL errors detected, no change to the previously active ACL rules was performed`,
    };
  if (!users.has('default')) users.set('default', defaultUser(context));
  return users;
}

/** What is wrong with the line, each fault ended by a blank; empty: nothing. */
function addFileLine(users: Map<string, User>, line: string, place: string, number: number, context: RuleContext) {
  const [keyword, name, ...words] = line.split(' ');
  if (keyword !== 'user' || name === undefined)
    return `${place} should start with user keyword followed by the username. `;
  if (hasSpaces(name)) return `'${place}: username '${name}' contains invalid characters. `;
  if (users.has(name)) return `WARNING: Duplicate user '${name}' found on line ${number}. `;
  let user = createUser(name, context.allChannels);
  users.set(name, user);
  const { rules, open } = mergeSelectors(words);
  // Differs: redis-sentinel 7.0.15 reads through a null pointer here, and ends.
  if (open !== undefined) return `${place}: Unmatched parenthesis in selector definition. `;
  let errors = '';
  let told = false;
  for (const rule of rules.map((word) => word.replace(/^[\t\r\n]+|[\t\r\n]+$/g, ''))) {
    const next = applyRule(user, rule, context);
    if (!isFault(next)) user = next;
    else if (next === 'unknown-command') errors += `${place}: Error in applying operation '${rule}': ${FAULTS[next]}. `;
    else if (!told) {
      // Later faults may come from this one; and what is told holds no password.
      errors += `${place}: ${FAULTS[next]}. `;
      told = true;
    }
  }
  users.set(name, user);
  return errors;
}
