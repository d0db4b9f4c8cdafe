// The table told to clients: COMMAND, HELP and ACL CAT are walks over it, and each row can be shown.
import { describe, expect, test } from 'vitest';
import { named } from '../../src/commands/command.ts';
import { execute } from '../../src/commands/execute.ts';
import { commandTable, renamedTable } from '../../src/commands/table.ts';
import { render } from '../../src/protocol/resp-writer.ts';
import { createBench, NOW } from './bench.ts';

const rows = [...named(commandTable)];
/** The bulk strings of a reply, flattened. */
const bulksOf = (text: string) => [...text.matchAll(/\$\d+\r\n([^\r]*)\r\n/g)].map(([, bulk]) => bulk);

describe.each(rows)('$fullName', ({ spec }) => {
  test('has a name in lower case, an arity, flags and categories of the known sets', () => {
    expect(spec.name).toMatch(/^[a-z]+(-[a-z]+)*$/);
    expect(spec.arity).not.toBe(0);
    for (const category of spec.categories)
      expect(category).toMatch(/^@(admin|slow|fast|dangerous|connection|pubsub)$/);
    for (const flag of spec.flags)
      expect(flag).toMatch(/^(admin|noscript|loading|stale|fast|pubsub|no_auth|no_multi|allow_busy)$/);
  });

  test('can be run, or is a container', () => {
    expect(spec.run !== undefined || spec.subcommands !== undefined).toBe(true);
  });

  test('is described in ASCII: replies are byte strings', () => {
    const texts = [spec.summary, spec.usage ?? '', spec.since, spec.group, ...(spec.help ?? []).flat()];
    for (const text of texts) expect(text).toMatch(/^[ -~]*$/);
  });
});

test('no two rows have one name', () => {
  expect(new Set(rows.map(({ fullName }) => fullName)).size).toBe(rows.length);
});

test('the names that redis-sentinel 7.0.15 has at the top', () => {
  expect([...commandTable.keys()]).toEqual([
    ...['acl', 'auth', 'client', 'command', 'hello', 'info', 'ping', 'psubscribe', 'publish', 'punsubscribe', 'role'],
    ...['sentinel', 'shutdown', 'subscribe', 'unsubscribe'],
  ]);
});

test.each([
  { why: 'all', filter: [], count: rows.length },
  { why: 'by category, whatever the case', filter: ['FILTERBY', 'ACLCAT', 'PUBSUB'], count: 5 },
  { why: 'an unknown category', filter: ['FILTERBY', 'ACLCAT', 'nosuch'], count: 0 },
  { why: 'by pattern, whatever the case', filter: ['filterby', 'pattern', 'SENTINEL|my*'], count: 1 },
  { why: 'there are no modules', filter: ['FILTERBY', 'MODULE', 'x'], count: 0 },
])('COMMAND LIST $filter: $why', ({ filter, count }) => {
  expect(bulksOf(createBench().say('COMMAND', 'LIST', ...filter))).toHaveLength(count);
});

test.each([
  { args: ['LIST', 'FILTERBY'], says: '-ERR syntax error\r\n' },
  { args: ['LIST', 'FILTERBY', 'foo', 'x'], says: '-ERR syntax error\r\n' },
  { args: ['COUNT'], says: ':15\r\n' },
  { args: ['GETKEYS', 'ROLE', 'x', 'y'], says: '-ERR The command has no key arguments\r\n' },
  { args: ['GETKEYS', 'sentinel', 'nosuch'], says: '-ERR Invalid command specified\r\n' },
  { args: ['GETKEYSANDFLAGS', 'get', 'x'], says: '-ERR Invalid command specified\r\n' },
  { args: ['INFO', 'nosuch', 'sentinel|nosuch'], says: '*2\r\n$-1\r\n$-1\r\n' },
  { args: ['DOCS', 'nosuch'], says: '*0\r\n' },
])('COMMAND $args', ({ args, says }) => {
  expect(createBench().say('COMMAND', ...args)).toBe(says);
});

test('an entry: ten elements, sets where RESP3 has them', () => {
  const { say } = createBench();
  const entry =
    '*10\r\n$13\r\nsentinel|myid\r\n:2\r\n*1\r\n+admin\r\n:0\r\n:0\r\n:0\r\n*3\r\n+@admin\r\n+@slow\r\n+@dangerous\r\n*0\r\n*0\r\n*0\r\n';
  expect(say('COMMAND', 'INFO', 'SENTINEL|MYID')).toBe(`*1\r\n${entry}`);
  say('HELLO', '3');
  expect(say('COMMAND', 'INFO', 'SENTINEL|MYID')).toBe(
    `*1\r\n${entry.replace('*1\r\n', '~1\r\n').replace('*3\r\n', '~3\r\n').replaceAll('*0\r\n', '~0\r\n')}`,
  );
});

test('DOCS: how it is called, and what is to be used instead', () => {
  const { say } = createBench();
  expect(say('COMMAND', 'DOCS', 'acl|getuser')).toMatch(
    /\$9\r\narguments\r\n\*1\r\n\*4\r\n\$4\r\nname\r\n\$8\r\nusername\r\n/,
  );
  expect(say('COMMAND', 'DOCS', 'sentinel|slaves')).toMatch(
    /doc_flags\r\n\*1\r\n\+deprecated\r\n\$16\r\ndeprecated_since\r\n\$5\r\n5\.0\.0\r\n/,
  );
});

test('HELP: usage at the margin, what it does indented, HELP last', () => {
  const [title, ...lines] = createBench().say('COMMAND', 'HELP').split('\r\n+').slice(1);
  expect(title).toBe('COMMAND <subcommand> [<arg> [value] [opt] ...]. Subcommands are:');
  expect(lines.filter((line) => !line.startsWith('    '))).toEqual([
    ...['(no subcommand)', 'COUNT', 'LIST', 'INFO [<command-name> ...]', 'DOCS [<command-name> ...]'],
    ...['GETKEYS <full-command>', 'GETKEYSANDFLAGS <full-command>', 'HELP'],
  ]);
});

test.each([
  { args: ['WHOAMI'], says: '$7\r\ndefault\r\n' },
  { args: ['USERS'], says: '*1\r\n$7\r\ndefault\r\n' },
  { args: ['CAT', 'nosuch'], says: "-ERR Unknown category 'nosuch'\r\n" },
  {
    args: ['Cat', 'a', 'b'],
    says: "-ERR unknown subcommand or wrong number of arguments for 'Cat'. Try ACL HELP.\r\n",
  },
  { args: ['GENPASS', '5'], says: '$2\r\n00\r\n' },
  { args: ['GENPASS', 'x'], says: '-ERR value is not an integer or out of range\r\n' },
  {
    args: ['GENPASS', '4097'],
    says: '-ERR ACL GENPASS argument must be the number of bits for the output password, a positive number up to 4096\r\n',
  },
])('ACL $args', ({ args, says }) => {
  expect(createBench().say('ACL', ...args)).toBe(says);
});

test('ACL CAT: 21 categories; one that commands here are of; one that none is of', () => {
  const { say } = createBench();
  expect(bulksOf(say('ACL', 'CAT'))).toHaveLength(21);
  expect(bulksOf(say('ACL', 'CAT', 'PubSub'))).toEqual([
    ...['psubscribe', 'publish', 'punsubscribe', 'subscribe', 'unsubscribe'],
  ]);
  expect(say('ACL', 'CAT', 'scripting')).toBe('*0\r\n');
});

describe('rename-command', () => {
  const names = new Map([...commandTable.keys()].map((name) => [name, name]));
  names.delete('ping');
  names.set('p2', 'ping');
  names.delete('role');
  names.delete('sentinel');
  names.set('s2', 'sentinel');

  // As redis-sentinel 7.0.15 answered with these names.
  test.each([
    {
      why: 'the old name is unknown',
      args: ['ping'],
      says: "-ERR unknown command 'ping', with args beginning with: \r\n",
    },
    { why: 'the new one works, in any case', args: ['P2'], says: '+PONG\r\n' },
    {
      why: 'errors tell the old one',
      args: ['p2', 'a', 'b'],
      says: "-ERR wrong number of arguments for 'ping' command\r\n",
    },
    {
      why: 'but for unknown subcommands',
      args: ['s2', 'nosuch'],
      says: "-ERR unknown subcommand 'nosuch'. Try S2 HELP.\r\n",
    },
    { why: 'what has no name is not counted', args: ['COMMAND', 'COUNT'], says: ':14\r\n' },
    { why: 'nor listed', args: ['COMMAND', 'LIST', 'FILTERBY', 'PATTERN', 'r*'], says: '*0\r\n' },
    {
      why: 'lists tell the old one',
      args: ['COMMAND', 'LIST', 'FILTERBY', 'PATTERN', 'pi*'],
      says: '*1\r\n$4\r\nping\r\n',
    },
    {
      why: 'descriptions are found by the new one',
      args: ['COMMAND', 'INFO', 'p2', 'ping'],
      says: /^\*2\r\n\*10\r\n\$4\r\nping\r\n[\s\S]*\$-1\r\n$/,
    },
    { why: 'HELP tells the new one', args: ['S2', 'HELP'], says: /^\*\d+\r\n\+S2 <subcommand> / },
    { why: 'rights are given to the old one', args: ['ACL', 'SETUSER', 'u', '+ping', '+role'], says: '+OK\r\n' },
    {
      why: 'and to nothing else',
      args: ['ACL', 'SETUSER', 'u', '+p2'],
      says: /Unknown command or category name in ACL/,
    },
    { why: 'DRYRUN runs the new one', args: ['ACL', 'DRYRUN', 'default', 'p2'], says: '+OK\r\n' },
    {
      why: 'and not the old one',
      args: ['ACL', 'DRYRUN', 'default', 'ping'],
      says: "-ERR Command 'ping' not found\r\n",
    },
    {
      why: 'ACL CAT tells the old ones, all of them',
      args: ['ACL', 'CAT', 'fast'],
      says: /\nping\r\n[\s\S]*\nrole\r\n/,
    },
  ])('$why', ({ args, says }) => {
    const bench = createBench();
    const world = { ...bench.world, table: renamedTable(names) };
    const { replies } = execute(world, bench.session, args, { now: NOW, wallMs: 0 });
    expect(replies.map((reply) => render(reply, 2)).join('')).toMatch(says);
  });
});
