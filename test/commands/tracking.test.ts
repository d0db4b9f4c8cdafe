// CLIENT TRACKING, CACHING, GETREDIR and TRACKINGINFO: conversations recorded from redis-sentinel 7.0.15.
import { expect, test } from 'vitest';
import { openSession } from '../../src/commands/session.ts';
import { createBench, NOW } from './bench.ts';

const info = (flags: string[], redirect: number, prefixes: string[] = []) => {
  const list = (texts: string[]) =>
    `*${texts.length}\r\n${texts.map((text) => `$${text.length}\r\n${text}\r\n`).join('')}`;
  return `*6\r\n$5\r\nflags\r\n${list(flags)}$8\r\nredirect\r\n:${redirect}\r\n$8\r\nprefixes\r\n${list(prefixes)}`;
};
const OK = '+OK\r\n';
const SYNTAX = '-ERR syntax error\r\n';
const RESTART = 'before disabling tracking for this client, and then re-enabling it with a different mode.\r\n';

test.each<{ why: string; said: [string, string][] }>([
  { why: 'neither on nor off', said: [['TRACKING foo', SYNTAX]] },
  { why: 'an option that nobody knows', said: [['TRACKING on foo', SYNTAX]] },
  { why: 'the same behind off', said: [['TRACKING off foo', SYNTAX]] },
  { why: 'off takes the options of on', said: [['TRACKING off BCAST', OK]] },
  { why: 'REDIRECT without an id', said: [['TRACKING on REDIRECT', SYNTAX]] },
  { why: 'an id is a number', said: [['TRACKING on REDIRECT x', '-ERR value is not an integer or out of range\r\n']] },
  {
    why: 'of a client',
    said: [['TRACKING on REDIRECT 99', '-ERR The client ID you want redirect to does not exist\r\n']],
  },
  {
    why: 'and given once',
    said: [
      [
        'TRACKING on NOLOOP NOLOOP REDIRECT 2 REDIRECT 2',
        '-ERR A client can only redirect to a single other client\r\n',
      ],
    ],
  },
  {
    why: 'redirected',
    said: [
      ['TRACKING on REDIRECT 2', OK],
      ['TRACKINGINFO', info(['on'], 2)],
      ['GETREDIR', ':2\r\n'],
    ],
  },
  {
    why: 'not tracking',
    said: [
      ['GETREDIR', ':-1\r\n'],
      ['TRACKINGINFO', info(['off'], -1)],
    ],
  },
  {
    why: 'broadcasting all',
    said: [
      ['TRACKING on bcast', OK],
      ['TRACKINGINFO', info(['on', 'bcast'], 0, [''])],
    ],
  },
  {
    why: 'a prefix needs BCAST',
    said: [['TRACKING on PREFIX a', '-ERR PREFIX option requires BCAST mode to be enabled\r\n']],
  },
  { why: 'and a text', said: [['TRACKING on BCAST PREFIX', SYNTAX]] },
  {
    why: 'prefixes do not overlap',
    said: [
      [
        'TRACKING on BCAST PREFIX a PREFIX ab',
        "-ERR Prefix 'a' overlaps with another provided prefix 'ab'. Prefixes for a single client must not overlap.\r\n",
      ],
    ],
  },
  {
    why: 'BCAST on and off again, with prefixes in order',
    said: [
      ['TRACKING on BCAST PREFIX b PREFIX a NOLOOP', OK],
      ['TRACKINGINFO', info(['on', 'bcast', 'noloop'], 0, ['a', 'b'])],
      ['TRACKING on', `-ERR You can't switch BCAST mode on/off ${RESTART}`],
      ['TRACKING off', OK],
      ['TRACKINGINFO', info(['off'], -1)],
    ],
  },
  {
    why: 'one way of choosing',
    said: [['TRACKING on OPTIN OPTOUT', "-ERR You can't specify both OPTIN mode and OPTOUT mode\r\n"]],
  },
  {
    why: 'none with BCAST',
    said: [['TRACKING on OPTIN BCAST', '-ERR OPTIN and OPTOUT are not compatible with BCAST\r\n']],
  },
  {
    why: 'choosing what to track',
    said: [
      ['TRACKING on OPTIN', OK],
      ['CACHING no', '-ERR CLIENT CACHING NO is only valid when tracking is enabled in OPTOUT mode.\r\n'],
      ['CACHING yes', OK],
      ['TRACKINGINFO', info(['on', 'optin', 'caching-yes'], 0)],
      ['TRACKINGINFO', info(['on', 'optin', 'caching-yes'], 0)],
      ['TRACKING on OPTOUT', `-ERR You can't switch OPTIN/OPTOUT mode ${RESTART}`],
    ],
  },
  {
    why: 'choosing what not to track',
    said: [
      ['TRACKING on OPTOUT', OK],
      ['CACHING yes', '-ERR CLIENT CACHING YES is only valid when tracking is enabled in OPTIN mode.\r\n'],
      ['CACHING no', OK],
      ['TRACKINGINFO', info(['on', 'optout', 'caching-no'], 0)],
    ],
  },
  {
    why: 'nothing to choose',
    said: [
      [
        'CACHING foo',
        '-ERR CLIENT CACHING can be called only when the client is in tracking mode with OPTIN or OPTOUT mode enabled\r\n',
      ],
      ['TRACKING on', OK],
      ['CACHING foo', SYNTAX],
    ],
  },
])('$why', ({ said }) => {
  const bench = createBench();
  const ends = { address: '127.0.0.1:5001', localAddress: '127.0.0.1:26379', authenticated: true };
  expect(openSession(bench.world.sessions, ends, NOW).id).toBe(2);
  for (const [words, reply] of said) expect([words, bench.say('CLIENT', ...words.split(' '))]).toEqual([words, reply]);
});

test('what CLIENT CACHING said holds for one command', () => {
  const { say, session } = createBench();
  say('CLIENT', 'TRACKING', 'on', 'OPTIN');
  say('CLIENT', 'CACHING', 'yes');
  say('PING');
  expect(session.tracking?.caching).toBe(false);
});

test('CLIENT INFO tells that a connection tracks', () => {
  const { say } = createBench();
  say('CLIENT', 'TRACKING', 'on', 'BCAST');
  expect(say('CLIENT', 'INFO')).toMatch(/ flags=tB .* redir=0 /);
});
