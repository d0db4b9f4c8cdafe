// CLIENT PAUSE: what is held back, how long, and what is refused. The holding back itself: test/shell/server.test.ts.
import { expect, test } from 'vitest';
import { isHeldBack, pauseAt } from '../../src/commands/pause.ts';
import { createBench, NOW } from './bench.ts';

test.each([
  { why: 'no number', words: ['x'], reply: '-ERR timeout is not an integer or out of range\r\n' },
  { why: 'a negative one', words: ['-1'], reply: '-ERR timeout is negative\r\n' },
  { why: 'no clock holds it', words: ['9223372036854775807'], reply: '-ERR timeout is out of range\r\n' },
  { why: 'the mode is looked at first', words: ['x', 'FOO'], reply: '-ERR CLIENT PAUSE mode must be WRITE or ALL\r\n' },
  {
    why: 'too many words',
    words: ['10', 'WRITE', 'x'],
    reply: "-ERR unknown subcommand or wrong number of arguments for 'PAUSE'. Try CLIENT HELP.\r\n",
  },
])('refused: $why', ({ words, reply }) => {
  const { say, world } = createBench();
  expect(say('CLIENT', 'PAUSE', ...words)).toBe(reply);
  expect(world.sessions.pause).toBeUndefined();
});

test('a pause of everything ends by itself, one millisecond is not too early', () => {
  const { outcome, world } = createBench();
  outcome('CLIENT', 'PAUSE', '1500');
  expect(isHeldBack(world.sessions, 'ping', NOW + 1499)).toBe(true);
  expect(isHeldBack(world.sessions, 'ping', NOW + 1500)).toBe(false);
  expect(pauseAt(world.sessions, NOW)).toBeUndefined();
});

test('a pause of writes holds back PUBLISH, until CLIENT UNPAUSE', () => {
  const { outcome, say, world } = createBench();
  outcome('CLIENT', 'PAUSE', '1500', 'write');
  expect(say('PING')).toBe('+PONG\r\n');
  expect(outcome('PUBLISH', 'x', 'y')).toEqual({ replies: [], held: true });
  expect(say('CLIENT', 'UNPAUSE')).toBe('+OK\r\n');
  expect(isHeldBack(world.sessions, 'publish', NOW)).toBe(false);
});

test('a second pause makes the first one longer or stricter, never shorter or milder', () => {
  const { outcome, world } = createBench();
  outcome('CLIENT', 'PAUSE', '1500', 'WRITE');
  outcome('CLIENT', 'PAUSE', '200', 'ALL');
  expect(world.sessions.pause).toEqual({ until: NOW + 1500, everything: true });
});

test('errors that come before the command is run are told during a pause, too', () => {
  const { outcome, say } = createBench();
  outcome('CLIENT', 'PAUSE', '1500');
  expect(say('FOO')).toMatch(/^-ERR unknown command/);
  expect(say('CLIENT', 'PAUSE')).toMatch(/^-ERR wrong number/);
  expect(outcome('AUTH', 'x').held).toBe(true);
});

test('CLIENT REPLY SKIP skips the reply to the request that was held back, not that of its first try', () => {
  const { outcome, session } = createBench();
  outcome('CLIENT', 'PAUSE', '1500', 'WRITE');
  outcome('CLIENT', 'REPLY', 'SKIP');
  expect(outcome('PUBLISH', 'x', 'y').held).toBe(true);
  expect(session.replies).toBe('skip-next');
});
