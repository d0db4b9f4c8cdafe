// ACL, as far as it only tells: who we are, who there is, what categories there are, what somebody may do.
import { ACL_CATEGORIES } from '../../config/acl/acl-commands.ts';
import { channelWords, commandWords, keyWords, userFlags, userText } from '../../config/acl/describe.ts';
import { byName, type Selector, type User } from '../../config/acl/user.ts';
import { array, bulk, bulks, error, map, nullBulk, ok, type Reply, set } from '../../protocol/reply.ts';
import { NOT_AN_INTEGER, parseInteger, untilNul, wrongNumberFor } from '../arguments.ts';
import { answer, type Call, type CommandWorld, type Outcome } from '../outcome.ts';
import { fitsArity, lookUp } from '../spec.ts';
import { denialOf } from './permission.ts';

export const aclWhoAmI = ({ session }: Call): Outcome =>
  answer(session.user === undefined ? nullBulk : bulk(session.user));

const sortedUsers = ({ access }: CommandWorld): User[] => [...access.users.values()].sort(byName);

export const aclUsers = ({ world }: Call): Outcome => answer(bulks(sortedUsers(world).map(({ name }) => name)));

/** ACL LIST: each user as the rules that make it. */
export const aclList = ({ world }: Call): Outcome =>
  answer(bulks(sortedUsers(world).map((user) => userText(user, world.access.context.commands))));

/** ACL GETUSER name. */
export function aclGetUser({ world, args }: Call): Outcome {
  const user = world.access.users.get(args[2] ?? '');
  if (user === undefined) return answer(nullBulk);
  return answer(
    map([
      ['flags', set(userFlags(user).map(bulk))],
      ['passwords', bulks(user.passwords)],
      ...selectorFields(user.root, world),
      ['selectors', array(user.selectors.map((selector) => map(selectorFields(selector, world))))],
    ]),
  );
}

function selectorFields(selector: Selector, { access }: CommandWorld): [string, Reply][] {
  return [
    ['commands', bulk(commandWords(selector.commands, access.context.commands).join(' '))],
    ['keys', bulk(keyWords(selector).join(' '))],
    ['channels', bulk(channelWords(selector).join(' '))],
  ];
}

/** ACL CAT [category]: all categories, or the commands of one under the names they have without `rename-command`. */
export function aclCat({ world, args }: Call): Outcome {
  const [container = '', sub = '', category, ...more] = args;
  if (more.length > 0) return answer(wrongNumberFor(container, sub));
  if (category === undefined) return answer(bulks(ACL_CATEGORIES));
  const members = world.access.context.commands.inCategory.get(untilNul(category).toLowerCase());
  if (members === undefined) return answer(error(`ERR Unknown category '${untilNul(category).slice(0, 128)}'`));
  return answer(bulks(members.map(({ name }) => name)));
}

/** ACL DRYRUN user command [argument …]: what would be said, without doing it. */
export function aclDryRun({ world, table, args }: Call): Outcome {
  const [, , name = '', ...request] = args;
  const user = world.access.users.get(name);
  if (user === undefined) return answer(error(`ERR User '${untilNul(name)}' not found`));
  const found = lookUp(table, request);
  if (found === undefined || found.spec === undefined)
    return answer(error(`ERR Command '${untilNul(request[0] ?? '')}' not found`));
  const { spec, fullName } = found;
  if (!fitsArity(spec, request.length)) return answer(error(`ERR wrong number of arguments for '${fullName}' command`));
  const denial = denialOf(user, spec, fullName, request);
  if (denial === undefined) return answer(ok);
  const what =
    denial.reason === 'command' ? `run the '${fullName}' command` : `access the '${request[denial.at]}' channel`;
  return answer(bulk(`This user has no permissions to ${what}`));
}

const PASSWORD_BITS = 256n;
const PASSWORD_BITS_MAX = 4096n;

/** ACL GENPASS [bits]: hex digits from the generator that `rand` is, four bits each, rounded up. */
export function aclGenPass({ world, args }: Call): Outcome {
  const [container = '', sub = '', text, ...more] = args;
  if (more.length > 0) return answer(wrongNumberFor(container, sub));
  const bits = text === undefined ? PASSWORD_BITS : parseInteger(text);
  if (bits === undefined) return answer(NOT_AN_INTEGER);
  if (bits < 1n || bits > PASSWORD_BITS_MAX)
    return answer(
      error(
        'ERR ACL GENPASS argument must be the number of bits for the output password, a positive number up to 4096',
      ),
    );
  const digits = Array.from({ length: Math.ceil(Number(bits) / 4) }, () => world.rand(16).toString(16));
  return answer(bulk(digits.join('')));
}
