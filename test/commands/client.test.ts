// CLIENT: lines, filters, who is killed, and the texts of what does not fit.
import { expect, test } from 'vitest';
import { openSession, subscribe } from '../../src/commands/session.ts';
import { createBench, NOW } from './bench.ts';

/** Our own client (id 1), one that listens (id 2) and a plain one from elsewhere (id 3). */
function threeClients() {
  const bench = createBench();
  const { sessions } = bench.world;
  const open = (address: string) =>
    openSession(sessions, { address, localAddress: '127.0.0.1:26379', authenticated: true }, NOW - 5000);
  const listener = open('10.0.0.7:1000');
  subscribe(sessions, listener, 'channels', '+sdown');
  return { ...bench, listener, plain: open('[::1]:1001') };
}

const LONGEST = 'x'.repeat(4096);
const LONG_NAME = '-ERR Client names cannot be longer than 4096 bytes.\r\n';
const INVALID_NAME = '-ERR Client names cannot contain spaces, newlines or special characters.\r\n';

test.each([
  { why: 'a name with a blank', args: ['SETNAME', 'a b'], says: INVALID_NAME },
  { why: 'a name with a line end', args: ['SETNAME', 'a\n'], says: INVALID_NAME },
  { why: 'a name beyond ASCII', args: ['SETNAME', 'é'], says: INVALID_NAME },
  { why: 'the greatest printable byte', args: ['SETNAME', '~'], says: '+OK\r\n' },
  { why: 'the longest name', args: ['SETNAME', LONGEST], says: '+OK\r\n' },
  { why: 'one byte more', args: ['SETNAME', `${LONGEST}x`], says: LONG_NAME },
  { why: 'length is looked at first', args: ['SETNAME', ` ${LONGEST}`], says: LONG_NAME },
  { why: 'the longest library', args: ['SETINFO', 'LIB-NAME', LONGEST], says: '+OK\r\n' },
  {
    why: 'a longer library',
    args: ['SETINFO', 'Lib-Name', `${LONGEST}x`],
    says: '-ERR Lib-Name cannot be longer than 4096 bytes.\r\n',
  },
  {
    why: 'a longer version',
    args: ['SETINFO', 'LIB-VER', `${LONGEST}x`],
    says: '-ERR LIB-VER cannot be longer than 4096 bytes.\r\n',
  },
  { why: 'the library (7.2)', args: ['SETINFO', 'lib-NAME', 'ioredis'], says: '+OK\r\n' },
  {
    why: 'the library with a blank',
    args: ['SETINFO', 'LIB-ver', '1 2'],
    says: '-ERR LIB-ver cannot contain spaces, newlines or special characters.\r\n',
  },
  { why: 'another attribute', args: ['SETINFO', 'foo', 'x'], says: "-ERR Unrecognized option 'foo'\r\n" },
  { why: 'an unknown type', args: ['LIST', 'TYPE', 'foo'], says: "-ERR Unknown client type 'foo'\r\n" },
  { why: 'a type that nobody is of', args: ['LIST', 'TYPE', 'master'], says: '$0\r\n\r\n' },
  { why: 'ids that nobody has', args: ['LIST', 'ID', '99', '98'], says: '$0\r\n\r\n' },
  { why: 'an id that is none', args: ['LIST', 'ID', '1', 'x'], says: '-ERR Invalid client ID\r\n' },
  { why: 'LIST TYPE without a type', args: ['LIST', 'TYPE'], says: '-ERR syntax error\r\n' },
  { why: 'KILL of nobody', args: ['KILL', '1.2.3.4:5'], says: '-ERR No such client\r\n' },
  { why: 'KILL with half a filter', args: ['KILL', 'ID', '7', 'ADDR'], says: '-ERR syntax error\r\n' },
  { why: 'KILL ID 0', args: ['KILL', 'ID', '0'], says: '-ERR client-id should be greater than 0\r\n' },
  { why: 'KILL of an unknown user', args: ['KILL', 'USER', 'bob'], says: "-ERR No such user 'bob'\r\n" },
  { why: 'UNBLOCK of no number', args: ['UNBLOCK', 'x'], says: '-ERR value is not an integer or out of range\r\n' },
  {
    why: 'UNBLOCK: the reason is looked at first',
    args: ['UNBLOCK', 'x', 'foo'],
    says: '-ERR CLIENT UNBLOCK reason should be TIMEOUT or ERROR\r\n',
  },
  { why: 'UNBLOCK: nobody is blocked', args: ['UNBLOCK', '1', 'error'], says: ':0\r\n' },
  {
    why: 'UNBLOCK with too many words',
    args: ['unblock', '1', 'a', 'b'],
    says: "-ERR unknown subcommand or wrong number of arguments for 'unblock'. Try CLIENT HELP.\r\n",
  },
  { why: 'REPLY maybe', args: ['REPLY', 'maybe'], says: '-ERR syntax error\r\n' },
  { why: 'NO-EVICT maybe', args: ['NO-EVICT', 'maybe'], says: '-ERR syntax error\r\n' },
])('CLIENT $args: $why', ({ args, says }) => {
  expect(createBench().say('CLIENT', ...args)).toBe(says);
});

test('HELLO SETNAME takes no longer name, either; a refused one changes nothing', () => {
  const { say, session } = createBench();
  say('CLIENT', 'SETNAME', 'me');
  expect(say('HELLO', '3', 'SETNAME', `${LONGEST}x`)).toBe(LONG_NAME);
  say('CLIENT', 'SETINFO', 'LIB-NAME', 'mine');
  say('CLIENT', 'SETINFO', 'LIB-NAME', `${LONGEST}x`);
  expect(session).toMatchObject({ name: 'me', libName: 'mine', protocol: 2 });
});

test('a line has the genuine fields in their order; the library only where it was told', () => {
  const { say } = createBench();
  say('CLIENT', 'SETNAME', 'me');
  const line = (text: string) => text.slice(text.indexOf('\n') + 1, -2);
  expect(line(say('CLIENT', 'INFO'))).toBe(
    'id=1 addr=127.0.0.1:5000 laddr=127.0.0.1:26379 fd=8 name=me age=0 idle=0 flags=N db=0 sub=0 psub=0 ssub=0 multi=-1 ' +
      'qbuf=0 qbuf-free=0 argv-mem=0 multi-mem=0 rbs=0 rbp=0 obl=0 oll=0 omem=0 tot-mem=0 events=r ' +
      'cmd=client|info user=default redir=-1 resp=2\n',
  );
  say('CLIENT', 'SETINFO', 'LIB-NAME', 'ioredis');
  expect(line(say('CLIENT', 'LIST'))).toMatch(/ resp=2 lib-name=ioredis lib-ver=\n$/);
});

test('INFO is a verbatim text in RESP3', () => {
  const { say } = createBench();
  say('HELLO', '3');
  expect(say('CLIENT', 'INFO')).toMatch(/^=\d+\r\ntxt:id=1 /);
});

test.each([
  {
    why: 'by address; a plain OK',
    args: ['[::1]:1001'],
    reply: { kind: 'simple', text: 'OK' },
    kill: [3],
    close: false,
  },
  { why: 'our own address', args: ['127.0.0.1:5000'], reply: { kind: 'simple', text: 'OK' }, kill: [], close: true },
  {
    why: 'a type leaves us out',
    args: ['TYPE', 'normal'],
    reply: { kind: 'integer', value: 1 },
    kill: [3],
    close: false,
  },
  {
    why: 'unless we are meant',
    args: ['TYPE', 'normal', 'SKIPME', 'NO'],
    reply: { kind: 'integer', value: 2 },
    kill: [3],
    close: true,
  },
  { why: 'who listens', args: ['type', 'pubsub'], reply: { kind: 'integer', value: 1 }, kill: [2], close: false },
  {
    why: 'all filters must fit',
    args: ['ID', '2', 'TYPE', 'normal'],
    reply: { kind: 'integer', value: 0 },
    kill: [],
    close: false,
  },
  {
    why: 'everybody is the default user',
    args: ['USER', 'default'],
    reply: { kind: 'integer', value: 2 },
    kill: [2, 3],
    close: false,
  },
  {
    why: 'our end of the connection',
    args: ['LADDR', '127.0.0.1:26379'],
    reply: { kind: 'integer', value: 2 },
    kill: [2, 3],
    close: false,
  },
])('CLIENT KILL $args: $why', ({ args, reply, kill, close }) => {
  expect(threeClients().outcome('CLIENT', 'KILL', ...args)).toEqual({ replies: [reply], kill, close });
});

test('who listens is shown as such, and counts as of that type', () => {
  const { say } = threeClients();
  const text = say('CLIENT', 'LIST', 'TYPE', 'pubsub');
  expect(text).toContain('id=2 addr=10.0.0.7:1000 ');
  expect(text).toContain(' age=5 idle=5 flags=P db=0 sub=1 psub=0 ');
  expect(text).not.toContain('id=1 ');
});
