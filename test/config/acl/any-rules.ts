// Sequences of rules that can be given to a user, for property tests and for the comparison with the genuine server.
import fc from 'fast-check';
import { aclTable } from '../../../src/commands/table.ts';
import { ACL_CATEGORIES } from '../../../src/config/acl/acl-commands.ts';

const commands = aclTable.top.flatMap(({ name, subcommands = [] }) => [name, ...subcommands.map((sub) => sub.name)]);
const simple = aclTable.top.filter(({ subcommands }) => subcommands === undefined).map(({ name }) => name);
/** Few of them, so that they meet. */
const patterns = ['a', 'b*', '__sentinel__:hello', '+switch-master', '?x', '[ab]c', '%d'];
const sign = fc.constantFrom('+', '-');

const commandRule = fc.oneof(
  { weight: 5, arbitrary: fc.tuple(sign, fc.constantFrom(...commands)).map((parts) => parts.join('')) },
  {
    weight: 4,
    arbitrary: fc.tuple(sign, fc.constantFrom(...ACL_CATEGORIES)).map(([mark, name]) => `${mark}@${name}`),
  },
  { weight: 1, arbitrary: fc.constantFrom('+@all', '-@all', 'allcommands', 'nocommands') },
  {
    weight: 1,
    arbitrary: fc
      .tuple(fc.constantFrom(...simple), fc.constantFrom('x', 'Y', 'server'))
      .map(([name, word]) => `+${name}|${word}`),
  },
);

const channelRule = fc.oneof(
  // Behind `allchannels` a pattern is a fault: what was given before is taken first.
  fc.constantFrom(...patterns).map((pattern) => ['resetchannels', `&${pattern}`]),
  fc.constantFrom(['allchannels'], ['resetchannels'], ['&*']),
);

const keyRule = fc.oneof(
  fc
    .tuple(fc.constantFrom('~', '%R~', '%W~', '%RW~'), fc.constantFrom(...patterns))
    .map(([kind, pattern]) => ['resetkeys', kind + pattern]),
  fc.constantFrom(['allkeys'], ['resetkeys']),
);

const one = (rule: fc.Arbitrary<string>) => rule.map((text) => [text]);
const selectorRules = fc
  .array(fc.oneof({ weight: 3, arbitrary: one(commandRule) }, { weight: 1, arbitrary: channelRule }), { maxLength: 4 })
  .map((rules) => `(${rules.flat().join(' ')})`);

const userRule = fc.constantFrom(
  ...['on', 'off', 'nopass', 'resetpass', '>pw', '>other', 'sanitize-payload', 'skip-sanitize-payload'],
  ...['reset', 'clearselectors', ''],
);

/** Rules without a fault in them. */
export const anyRules: fc.Arbitrary<string[]> = fc
  .array(
    fc.oneof(
      { weight: 8, arbitrary: one(commandRule) },
      { weight: 2, arbitrary: channelRule },
      { weight: 1, arbitrary: keyRule },
      { weight: 1, arbitrary: one(selectorRules) },
      { weight: 2, arbitrary: one(userRule) },
    ),
    { maxLength: 14 },
  )
  .map((rules) => rules.flat());
