// ACL, as far as there is one user: who we are, what categories there are, random passwords.
import { bulk, bulks, error } from '../protocol/reply.ts';
import { NOT_AN_INTEGER, parseInteger, wrongNumberFor } from './arguments.ts';
import { named } from './command.ts';
import { answer, type Call, type Outcome } from './outcome.ts';

export const aclWhoAmI = (): Outcome => answer(bulk('default'));

export const aclUsers = (): Outcome => answer(bulks(['default']));

/** The categories of redis-sentinel 7.0.15 in its order; most have no command here. */
const CATEGORIES = [
  ...['keyspace', 'read', 'write', 'set', 'sortedset', 'list', 'hash', 'string', 'bitmap', 'hyperloglog', 'geo'],
  ...['stream', 'pubsub', 'admin', 'fast', 'slow', 'blocking', 'dangerous', 'connection', 'transaction', 'scripting'],
];

/** ACL CAT [category]: all categories, or the commands of one. */
export function aclCat({ table, args }: Call): Outcome {
  const [container = '', sub = '', category, ...more] = args;
  if (more.length > 0) return answer(wrongNumberFor(container, sub));
  if (category === undefined) return answer(bulks(CATEGORIES));
  const wanted = category.toLowerCase();
  if (!CATEGORIES.includes(wanted)) return answer(error(`ERR Unknown category '${category}'`));
  const members = [...named(table)].filter(({ spec }) => spec.categories.includes(`@${wanted}`));
  return answer(bulks(members.map(({ fullName }) => fullName)));
}

const PASSWORD_BITS = 256;
const PASSWORD_BITS_MAX = 4096n;

/** ACL GENPASS [bits]: hex digits from the generator that `rand` is, four bits each, rounded up. */
export function aclGenPass({ world, args }: Call): Outcome {
  const [container = '', sub = '', text, ...more] = args;
  if (more.length > 0) return answer(wrongNumberFor(container, sub));
  const bits = text === undefined ? BigInt(PASSWORD_BITS) : parseInteger(text);
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
