// The order of checks, the errors of words that do not fit, and what the connection's state forbids.
import { expect, test } from 'vitest';
import { named } from '../../src/commands/command.ts';
import { commandTable } from '../../src/commands/table.ts';
import { createBench, fieldNames } from './bench.ts';

test.each([
  {
    why: 'an unknown command',
    args: ['FOO', 'bar', 'baz'],
    says: "-ERR unknown command 'FOO', with args beginning with: 'bar' 'baz' \r\n",
  },
  {
    why: 'without arguments the blank stays',
    args: ['foo'],
    says: "-ERR unknown command 'foo', with args beginning with: \r\n",
  },
  {
    why: 'line ends in it become blanks',
    args: ['a\r\nb'],
    says: "-ERR unknown command 'a  b', with args beginning with: \r\n",
  },
  {
    why: 'an unknown subcommand',
    args: ['sentinel', 'Foo'],
    says: "-ERR unknown subcommand 'Foo'. Try SENTINEL HELP.\r\n",
  },
  {
    why: 'too few words',
    args: ['SENTINEL', 'MASTER'],
    says: "-ERR wrong number of arguments for 'sentinel|master' command\r\n",
  },
  { why: 'too many words', args: ['role', 'x'], says: "-ERR wrong number of arguments for 'role' command\r\n" },
  { why: 'a container alone', args: ['client'], says: "-ERR wrong number of arguments for 'client' command\r\n" },
  {
    why: 'a bar makes no command',
    args: ['SENTINEL|MYID'],
    says: "-ERR unknown command 'SENTINEL|MYID', with args beginning with: \r\n",
  },
  {
    why: 'QUIT is unknown to a sentinel',
    args: ['QUIT'],
    says: "-ERR unknown command 'QUIT', with args beginning with: \r\n",
  },
  {
    why: 'an unknown master',
    args: ['sentinel', 'masTer', 'MyMaster'],
    says: '-ERR No such master with that name\r\n',
  },
  {
    why: 'an unknown master’s address is no error',
    args: ['sentinel', 'get-master-addr-by-name', 'x'],
    says: '*-1\r\n',
  },
])('$why', ({ args, says }) => {
  expect(createBench().say(...args)).toBe(says);
});

test('what an error repeats of the client’s words is cut at 128 bytes', () => {
  const { say } = createBench();
  expect(say('x'.repeat(200), 'y'.repeat(200), 'z')).toBe(
    `-ERR unknown command '${'x'.repeat(128)}', with args beginning with: '${'y'.repeat(128)}' \r\n`,
  );
});

test('without the password only AUTH and HELLO run; unknown names and wrong numbers of words are told first', () => {
  const { say, session } = createBench({ password: 'sesame' });
  expect(say('PING')).toBe('-NOAUTH Authentication required.\r\n');
  expect(say('FOO')).toMatch(/^-ERR unknown command/);
  expect(say('ROLE', 'x')).toMatch(/^-ERR wrong number/);
  expect(say('HELLO', '3')).toMatch(/^-NOAUTH HELLO must be called/);
  expect(say('AUTH', 'wrong')).toBe('-WRONGPASS invalid username-password pair or user is disabled.\r\n');
  expect(say('AUTH', 'nobody', 'sesame')).toBe('-WRONGPASS invalid username-password pair or user is disabled.\r\n');
  expect(say('AUTH', 'sesame')).toBe('+OK\r\n');
  expect(session.authenticated).toBe(true);
  expect(say('PING')).toBe('+PONG\r\n');
  expect(say('AUTH', 'wrong')).toMatch(/^-WRONGPASS/);
  expect(say('PING')).toBe('+PONG\r\n');
});

test('HELLO applies its options from left to right, and fails where the first one does', () => {
  const { say, session } = createBench();
  expect(say('HELLO', '4')).toBe('-NOPROTO unsupported protocol version\r\n');
  expect(say('HELLO', 'x')).toBe('-ERR Protocol version is not an integer or out of range\r\n');
  expect(say('HELLO', '3', 'SETNAME', 'me', 'FOO')).toBe("-ERR Syntax error in HELLO option 'FOO'\r\n");
  expect([session.name, session.protocol]).toEqual(['me', 2]);
  expect(say('HELLO', '3')).toMatch(/^%6\r\n\$6\r\nserver\r\n\$5\r\nredis\r\n/);
  expect(say('HELLO', '2')).toMatch(/^\*12\r\n/);
});

test('a RESP2 client that listens may only talk about that; a RESP3 client may say anything', () => {
  const { say } = createBench();
  expect(say('SUBSCRIBE', '+sdown', '+odown')).toBe(
    '*3\r\n$9\r\nsubscribe\r\n$6\r\n+sdown\r\n:1\r\n*3\r\n$9\r\nsubscribe\r\n$6\r\n+odown\r\n:2\r\n',
  );
  expect(say('PING')).toBe('*2\r\n$4\r\npong\r\n$0\r\n\r\n');
  expect(say('SENTINEL', 'MYID')).toMatch(/^-ERR Can't execute 'sentinel\|myid': only/);
  expect(say('FOO')).toMatch(/^-ERR unknown command/);
  expect(say('UNSUBSCRIBE')).toMatch(/:0\r\n$/);
  expect(say('UNSUBSCRIBE')).toBe('*3\r\n$11\r\nunsubscribe\r\n$-1\r\n:0\r\n');
  say('HELLO', '3');
  expect(say('PSUBSCRIBE', '*')).toBe('>3\r\n$10\r\npsubscribe\r\n$1\r\n*\r\n:1\r\n');
  expect(say('PING')).toBe('+PONG\r\n');
});

test('CLIENT REPLY SKIP and OFF are obeyed', () => {
  const { say } = createBench();
  expect(say('CLIENT', 'REPLY', 'SKIP')).toBe('');
  expect(say('PING')).toBe('');
  expect(say('PING')).toBe('+PONG\r\n');
  expect(say('CLIENT', 'REPLY', 'OFF')).toBe('');
  expect(say('PING')).toBe('');
  expect(say('CLIENT', 'REPLY', 'ON')).toBe('+OK\r\n');
});

test('a browser is hung up on', () => {
  expect(createBench().outcome('POST', '/')).toEqual({ replies: [], abandon: true });
  expect(createBench().outcome('host:', 'here')).toEqual({ replies: [], abandon: true });
});

test('a vote that could not be saved is not told', () => {
  const { outcome } = createBench();
  const ask = ['SENTINEL', 'is-master-down-by-addr', '10.0.0.1', '6379', '1', 'f'.repeat(40)];
  const told = outcome(...ask);
  expect(told.replies).toEqual([
    {
      kind: 'array',
      items: [
        { kind: 'integer', value: 0 },
        { kind: 'bulk', text: 'f'.repeat(40) },
        { kind: 'integer', value: 1n },
      ],
    },
  ]);
  expect(told.ifUnsaved).toEqual({
    kind: 'array',
    items: [
      { kind: 'integer', value: 0 },
      { kind: 'bulk', text: '*' },
      { kind: 'integer', value: 0n },
    ],
  });
  expect(told.effects?.[0]).toMatchObject({ kind: 'persist' });
});

test.each(['-1', '9223372036854775808', 'x', ''])('an epoch of %j is refused without side effect', (epoch) => {
  const { say, state } = createBench();
  expect(say('SENTINEL', 'is-master-down-by-addr', '10.0.0.1', '6379', epoch, 'f'.repeat(40))).toBe(
    '-ERR value is not an integer or out of range\r\n',
  );
  expect(state.currentEpoch).toBe(0n);
});

test('of a vote that was given before a restart only the epoch is known, and told', () => {
  const { say, state } = createBench();
  Object.assign(state, { currentEpoch: 7n });
  Object.assign(state.masters.get('mymaster') ?? {}, { leaderEpoch: 7n });
  expect(say('SENTINEL', 'is-master-down-by-addr', '10.0.0.1', '6379', '7', 'f'.repeat(40))).toBe(
    '*3\r\n:0\r\n$1\r\n*\r\n:7\r\n',
  );
});

test('a vote in an epoch that no election led to is not given, and told of once', () => {
  const { say, outcome, state } = createBench();
  const ask = (epoch: bigint, candidate = 'f'.repeat(40)) =>
    ['SENTINEL', 'is-master-down-by-addr', '10.0.0.1', '6379', String(epoch), candidate] as const;
  const noVote = '*3\r\n:0\r\n$1\r\n*\r\n:0\r\n';
  expect(say(...ask(5n))).toContain(`${'f'.repeat(40)}\r\n:5\r\n`);
  const beyond = 5n + 2n ** 40n + 1n;
  const told = (epoch: bigint) => outcome(...ask(epoch)).effects?.filter(({ kind }) => kind === 'log');
  expect(told(beyond)).toEqual([
    {
      kind: 'log',
      level: 'warning',
      text: `master mymaster 10.0.0.1 6379: a request for our vote was refused, its epoch ${beyond} is more than 2^40 beyond ours (5). Who may talk to the sentinels and their nodes?`,
    },
  ]);
  expect(told(2n ** 63n - 1n)).toEqual([]);
  // What we voted for before is not told, either: `*` is what harms no peer, whatever it thinks its epoch is.
  expect(say(...ask(2n ** 63n - 1n))).toBe(noVote);
  expect(say(...ask(2n ** 63n - 1n, '*'))).toBe(noVote);
  expect(state.currentEpoch).toBe(5n);
  expect(state.masters.get('mymaster')?.leaderEpoch).toBe(5n);
  // The furthest that is taken.
  expect(say(...ask(beyond - 1n))).toContain(`:${beyond - 1n}\r\n`);
});

test('the fields of a master stand in the order that clients count on', () => {
  const { outcome } = createBench();
  const [reply] = outcome('SENTINEL', 'MASTER', 'mymaster').replies;
  expect(fieldNames(reply)).toEqual([
    ...['name', 'ip', 'port', 'runid', 'flags', 'link-pending-commands', 'link-refcount', 'last-ping-sent'],
    ...['last-ok-ping-reply', 'last-ping-reply', 'down-after-milliseconds', 'info-refresh', 'role-reported'],
    ...['role-reported-time', 'config-epoch', 'num-slaves', 'num-other-sentinels', 'quorum', 'failover-timeout'],
    'parallel-syncs',
  ]);
});

test('SENTINEL SET applies what stands before the first error, tells each change, and hides the password', () => {
  const { outcome, state } = createBench();
  const { replies, effects } = outcome(
    'SENTINEL',
    'SET',
    'mymaster',
    'quorum',
    '3',
    'auth-pass',
    'secret',
    'foo',
    'bar',
  );
  expect(replies).toEqual([
    { kind: 'error', text: "ERR Unknown option or number of arguments for SENTINEL SET 'foo'" },
  ]);
  expect(state.masters.get('mymaster')?.options).toMatchObject({ quorum: 3, authPass: 'secret' });
  const told = (effects ?? []).filter(({ kind }) => kind === 'announce');
  expect(told).toHaveLength(2);
});

test('every command of the table answers HELP, COMMAND INFO and COMMAND DOCS', () => {
  const { say } = createBench();
  for (const { name, subcommands = [] } of commandTable.values()) {
    expect(say('COMMAND', 'INFO', name)).not.toBe('*1\r\n$-1\r\n');
    expect(say('COMMAND', 'DOCS', name)).toContain('summary');
    if (subcommands.length > 0) expect(say(name, 'HELP')).toContain('Subcommands are:');
  }
});

test.each([
  { args: ['PING'] },
  { args: ['ROLE'] },
  { args: ['SENTINEL', 'MYID'] },
  { args: ['SENTINEL', 'MASTERS'] },
  { args: ['SENTINEL', 'MASTER', 'mymaster'] },
  { args: ['SENTINEL', 'REPLICAS', 'mymaster'] },
  { args: ['SENTINEL', 'SENTINELS', 'mymaster'] },
  { args: ['SENTINEL', 'GET-MASTER-ADDR-BY-NAME', 'mymaster'] },
  { args: ['SENTINEL', 'GET-MASTER-ADDR-BY-NAME', 'nobody'] },
])('$args may be answered again without being asked: it changes nothing', ({ args }) => {
  const { outcome, state, world, session } = createBench();
  outcome('PING');
  const before = structuredClone(state);
  const sessionBefore = structuredClone(session);
  const first = outcome(...args);
  expect(first.repeatable).toBe(true);
  expect(outcome(...args)).toEqual(first);
  expect(first.replies.some(({ kind }) => kind === 'error')).toBe(false);
  expect(structuredClone(state)).toEqual(before);
  expect(world.access.log).toEqual([]);
  expect({ ...session, lastCommand: '' }).toEqual({ ...sessionBefore, lastCommand: '' });
});

test.each([
  { why: 'its error counts', before: [], args: ['SENTINEL', 'MASTER', 'nobody'] },
  { why: 'it changes something', before: [], args: ['SENTINEL', 'SET', 'mymaster', 'quorum', '2'] },
  { why: 'the next one is answered', before: ['CLIENT', 'REPLY', 'SKIP'], args: ['PING'] },
  { why: 'it waits', before: ['CLIENT', 'PAUSE', '1000'], args: ['PING'] },
])('each $args is run: $why', ({ before, args }) => {
  const { outcome } = createBench();
  if (before.length > 0) outcome(...before);
  expect(outcome(...args).repeatable).toBeUndefined();
});

/** What every object in JavaScript has, and nobody may find in a table of ours. */
const INHERITED = Object.getOwnPropertyNames(Object.prototype);

test.each([
  {
    words: ['SENTINEL', 'SET', 'mymaster', '$', 'x'],
    says: "Unknown option or number of arguments for SENTINEL SET '$'",
  },
  { words: ['SENTINEL', 'CONFIG', 'SET', '$', 'x'], says: "Invalid argument '$' to SENTINEL CONFIG SET" },
  { words: ['SENTINEL', 'DEBUG', '$', '5'], says: "Unknown option or number of arguments for SENTINEL DEBUG '$'" },
  { words: ['CLIENT', 'LIST', 'TYPE', '$'], says: "Unknown client type '$'" },
  { words: ['CLIENT', 'KILL', 'TYPE', '$'], says: "Unknown client type '$'" },
  { words: ['COMMAND', 'LIST', 'FILTERBY', '$', 'x'], says: 'syntax error' },
  { words: ['ACL', 'SETUSER', 'u', '$'], says: "Error in ACL SETUSER modifier '$': Syntax error" },
  { words: ['ACL', 'CAT', '$'], says: "Unknown category '$'" },
])('$words: what an object inherits is an unknown word, as to redis-sentinel 7.0.15', ({ words, says }) => {
  for (const name of INHERITED) {
    const fill = (text: string) => text.replace('$', () => name);
    expect(createBench().say(...words.map(fill))).toBe(`-ERR ${fill(says)}\r\n`);
  }
});

test('in no place of any command does what an object inherits mean anything', () => {
  const shapes = [...named(commandTable)].flatMap(({ fullName, spec }) => {
    const [verb, least] = [fullName.split('|'), Math.abs(spec.arity)];
    return [0, 1, 2].map((more) => [...verb, ...Array<string>(Math.max(0, least - verb.length + more)).fill('1')]);
  });
  for (const name of INHERITED) {
    const other = `x${name.slice(1, -1)}x`;
    for (const shape of shapes)
      for (let at = 0; at < shape.length; at += 1) {
        const answerTo = (word: string) => createBench().say(...shape.with(at, word));
        // What is told of the word itself differs; nothing else may.
        expect(answerTo(name).replaceAll(name, other), `${shape.with(at, name)}`).toBe(answerTo(other));
      }
  }
});
