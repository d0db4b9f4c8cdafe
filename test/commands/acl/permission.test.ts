// Rights at work: what a client may not say, in which order it is told, and what is noted of it.
import { describe, expect, test } from 'vitest';
import { closeSession, openSession } from '../../../src/commands/session.ts';
import { createBench } from '../bench.ts';

/** A client of user `u`, whose rules these are, and an administrator who speaks first. */
function clientOf(...rules: string[]) {
  const bench = createBench();
  expect(bench.say('ACL', 'SETUSER', 'u', 'on', 'nopass', ...rules)).toBe('+OK\r\n');
  expect(bench.say('AUTH', 'u', '')).toBe('+OK\r\n');
  return bench;
}

const NO_CHANNEL = '-NOPERM this user has no permissions to access one of the channels used as arguments\r\n';
const noCommand = (name: string) => `-NOPERM this user has no permissions to run the '${name}' command\r\n`;

describe('commands', () => {
  test.each([
    { why: 'without the right', rules: [], args: ['PING'], says: noCommand('ping') },
    { why: 'with it', rules: ['+ping'], args: ['PING'], says: '+PONG\r\n' },
    { why: 'AUTH is always allowed', rules: [], args: ['AUTH', 'u', 'x'], says: '+OK\r\n' },
    {
      why: 'a subcommand by its full name',
      rules: ['+client|id'],
      args: ['client', 'LIST'],
      says: noCommand('client|list'),
    },
    {
      why: 'a subcommand that is taken from its container',
      rules: ['+client', '-client|getname'],
      args: ['client', 'getname'],
      says: noCommand('client|getname'),
    },
    {
      why: 'an unknown command is told first',
      rules: [],
      args: ['FOO'],
      says: "-ERR unknown command 'FOO', with args beginning with: \r\n",
    },
    {
      why: 'and an unknown subcommand',
      rules: [],
      args: ['client', 'x'],
      says: "-ERR unknown subcommand 'x'. Try CLIENT HELP.\r\n",
    },
    {
      why: 'and a wrong number of words',
      rules: [],
      args: ['role', 'x'],
      says: "-ERR wrong number of arguments for 'role' command\r\n",
    },
    { why: 'a first argument in any case', rules: ['+ping|Hey'], args: ['PING', 'hEY'], says: '$3\r\nhEY\r\n' },
    { why: 'another first argument', rules: ['+ping|Hey'], args: ['PING', 'you'], says: noCommand('ping') },
    { why: 'no first argument', rules: ['+ping|Hey'], args: ['PING'], says: noCommand('ping') },
    { why: 'by a selector', rules: ['(+role)', '(+ping)'], args: ['PING'], says: '+PONG\r\n' },
    {
      why: 'a newer word with the right to the old one',
      rules: ['+sentinel|masters'],
      args: ['sentinel', 'primaries'],
      says: /^\*1/,
    },
    {
      why: 'and without it',
      rules: ['+@all', '-sentinel|masters'],
      args: ['sentinel', 'primaries'],
      says: noCommand('sentinel|primaries'),
    },
    {
      why: 'a newer command by itself',
      rules: ['+client|setinfo'],
      args: ['client', 'setinfo', 'lib-name', 'x'],
      says: '+OK\r\n',
    },
    {
      why: 'a newer command taken away by itself',
      rules: ['+@all', '-client|setinfo'],
      args: ['client', 'setinfo', 'lib-name', 'x'],
      says: noCommand('client|setinfo'),
    },
  ])('$why', ({ rules, args, says }) => expect(clientOf(...rules).say(...args)).toMatch(says));
});

describe('channels', () => {
  test.each([
    { why: 'one that matches', rules: ['&a*'], args: ['SUBSCRIBE', 'abc'], says: /^\*3/ },
    { why: 'one of several that does not', rules: ['&a*'], args: ['SUBSCRIBE', 'abc', 'zzz'], says: NO_CHANNEL },
    { why: 'a pattern, letter for letter', rules: ['&a*'], args: ['PSUBSCRIBE', 'a*'], says: /^\*3/ },
    { why: 'a narrower pattern is another one', rules: ['&a*'], args: ['PSUBSCRIBE', 'ab*'], says: NO_CHANNEL },
    { why: 'publishing', rules: ['&a*'], args: ['PUBLISH', 'zzz', 'x'], says: NO_CHANNEL },
    {
      why: 'publishing where it may',
      rules: ['&a*'],
      args: ['PUBLISH', 'abc', 'x'],
      says: '-ERR Only HELLO messages are accepted by Sentinel instances.\r\n',
    },
    { why: 'leaving needs no right', rules: [], args: ['UNSUBSCRIBE', 'zzz'], says: /^\*3/ },
    { why: 'all channels', rules: ['allchannels'], args: ['SUBSCRIBE', 'zzz'], says: /^\*3/ },
    {
      why: 'a selector has to allow the command and the channel',
      rules: ['-subscribe', '&zzz', '(+subscribe &a)'],
      args: ['SUBSCRIBE', 'zzz'],
      says: NO_CHANNEL,
    },
    { why: 'the command comes first', rules: ['-subscribe'], args: ['SUBSCRIBE', 'zzz'], says: noCommand('subscribe') },
  ])('$why', ({ rules, args, says }) => expect(clientOf('+@all', ...rules).say(...args)).toMatch(says));
});

describe('ACL DRYRUN says what would be said', () => {
  const dryRun = (rules: string[], ...request: string[]) => {
    const { say } = createBench();
    say('ACL', 'SETUSER', 'u', ...rules);
    return say('ACL', 'DRYRUN', 'u', ...request);
  };
  const bulk = (text: string) => `$${text.length}\r\n${text}\r\n`;
  const cannot = (what: string) => bulk(`This user has no permissions to ${what}`);

  test.each([
    { why: 'allowed', rules: ['+role'], request: ['role'], says: '+OK\r\n' },
    { why: 'a command', rules: [], request: ['Client', 'LIST'], says: cannot("run the 'client|list' command") },
    { why: 'logging in is always allowed', rules: [], request: ['auth', 'x'], says: '+OK\r\n' },
    {
      why: 'the channel',
      rules: ['+subscribe', '&a'],
      request: ['subscribe', 'a', 'z'],
      says: cannot("access the 'z' channel"),
    },
    {
      why: 'of two selectors the one that got further',
      rules: ['+subscribe', '&abc', '(+subscribe &zzz)'],
      request: ['subscribe', 'abc', 'zzz'],
      says: cannot("access the 'zzz' channel"),
    },
    {
      why: 'whichever it is',
      rules: ['+subscribe', '&abc', '(+subscribe &zzz)'],
      request: ['subscribe', 'zzz', 'abc'],
      says: cannot("access the 'abc' channel"),
    },
    { why: 'an unknown command', rules: [], request: ['get', 'x'], says: "-ERR Command 'get' not found\r\n" },
    { why: 'an unknown subcommand', rules: [], request: ['client', 'x'], says: "-ERR Command 'client' not found\r\n" },
    {
      why: 'a wrong number of words',
      rules: [],
      request: ['client'],
      says: "-ERR wrong number of arguments for 'client' command\r\n",
    },
  ])('$why', ({ rules, request, says }) => expect(dryRun(rules, ...request)).toBe(says));

  test('an unknown user', () => {
    expect(createBench().say('ACL', 'DRYRUN', 'nobody', 'ping')).toBe("-ERR User 'nobody' not found\r\n");
  });
});

describe('ACL LOG', () => {
  test('one entry for each kind, newest first, its count and the client', () => {
    const bench = clientOf('+acl|log', '+subscribe', '&ok');
    for (const request of [
      ['ROLE'],
      ['SUBSCRIBE', 'ok', 'no'],
      ['ROLE'],
      ['auth', 'u2', 'secret'],
      ['HELLO', '3', 'AUTH', 'u2', 'secret'],
    ])
      bench.say(...request);
    const { log } = bench.world.access;
    expect(log.map(({ reason, object, username, count }) => ({ reason, object, username, count }))).toEqual([
      { reason: 'auth', object: 'HELLO', username: 'u2', count: 1 },
      { reason: 'auth', object: 'auth', username: 'u2', count: 1 },
      { reason: 'command', object: 'role', username: 'u', count: 2 },
      { reason: 'channel', object: 'no', username: 'u', count: 1 },
    ]);
    expect(log[3]?.clientInfo).toMatch(/^id=1 addr=127.0.0.1:5000 .* cmd=subscribe user=u redir=-1 resp=2$/);
    expect(bench.say('ACL', 'LOG', '1')).toMatch(
      /^\*1\r\n\*14\r\n\$5\r\ncount\r\n:1\r\n\$6\r\nreason\r\n\$4\r\nauth\r\n\$7\r\ncontext\r\n\$8\r\ntoplevel\r\n\$6\r\nobject\r\n\$5\r\nHELLO\r\n\$8\r\nusername\r\n\$2\r\nu2\r\n\$11\r\nage-seconds\r\n\$1\r\n0\r\n\$11\r\nclient-info\r\n\$\d+\r\nid=1 /,
    );
    expect(JSON.stringify(log)).not.toContain('secret');
  });

  test('what is more than a minute apart, or not among the ten newest, is another entry', () => {
    const { world, say } = clientOf();
    say('ROLE');
    const [first] = world.access.log;
    if (first !== undefined) first.at -= 60_000;
    say('ROLE');
    expect(world.access.log.map(({ count }) => count)).toEqual([2]);
    if (world.access.log[0] !== undefined) world.access.log[0].at -= 60_001;
    say('ROLE');
    expect(world.access.log.map(({ count }) => count)).toEqual([1, 2]);
    for (let n = 0; n < 10; n++) say('AUTH', `x${n}`, '');
    say('ROLE');
    expect(world.access.log).toHaveLength(13);
  });

  test('acllog-max-len bounds it', () => {
    const { say, world } = createBench({ logMaxLen: 2 });
    for (const name of ['a', 'b', 'c']) say('AUTH', name, 'x');
    expect(world.access.log.map(({ username }) => username)).toEqual(['c', 'b']);
  });

  test.each([
    { args: [], says: '*0\r\n' },
    { args: ['-1'], says: '*0\r\n' },
    { args: ['99999999999999999999'], says: '-ERR value is not an integer or out of range\r\n' },
    { args: ['reset'], says: '+OK\r\n' },
    { args: ['1', '2'], says: "-ERR unknown subcommand or wrong number of arguments for 'LOG'. Try ACL HELP.\r\n" },
  ])('ACL LOG $args', ({ args, says }) => expect(createBench().say('ACL', 'LOG', ...args)).toBe(says));
});

test('a request of a client whose user was removed meanwhile is not run', () => {
  const { world, say, session } = clientOf('+@all');
  world.access.users.delete('u');
  expect(say('PING')).toBe('-NOAUTH Authentication required.\r\n');
  closeSession(world.sessions, session);
  const ends = { address: 'a', localAddress: 'b', authenticated: true };
  expect(openSession(world.sessions, ends, 0).user).toBe('default');
});
