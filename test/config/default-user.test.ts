// The `user default` line: what this version can promise, and what it must refuse instead of weakening it.
import { expect, test } from 'vitest';
import { parseDefaultUser, renderDefaultUser } from '../../src/config/default-user.ts';
import { sha256Hex } from './fake-environment.ts';

const H1 = '1'.repeat(64);
const H2 = 'a'.repeat(64);
const PW = sha256Hex('pw');

test.each([
  {
    why: 'untouched, as 7.0.15 writes it first',
    rules: 'on nopass ~* &* +@all',
    line: 'user default on nopass sanitize-payload ~* &* +@all',
  },
  {
    why: 'untouched, as it writes it later',
    rules: 'on nopass sanitize-payload ~* &* +@all',
    line: 'user default on nopass sanitize-payload ~* &* +@all',
  },
  { why: 'one password', rules: `on #${H1} ~* &* +@all`, line: `user default on sanitize-payload #${H1} ~* &* +@all` },
  {
    why: 'two passwords keep their order',
    rules: `on sanitize-payload #${H2} #${H1} ~* &* +@all`,
    line: `user default on sanitize-payload #${H2} #${H1} ~* &* +@all`,
  },
  {
    why: 'the same password twice is one',
    rules: `on #${H1} #${H1} ~* &* +@all`,
    line: `user default on sanitize-payload #${H1} ~* &* +@all`,
  },
  {
    why: 'clear passwords are hashed',
    rules: 'on >pw allkeys allchannels allcommands',
    line: `user default on sanitize-payload #${PW} ~* &* +@all`,
  },
  {
    why: 'a password ends nopass',
    rules: 'on nopass >pw ~* &* +@all',
    line: `user default on sanitize-payload #${PW} ~* &* +@all`,
  },
  {
    why: 'nopass forgets passwords',
    rules: 'on >pw nopass ~* &* +@all',
    line: 'user default on nopass sanitize-payload ~* &* +@all',
  },
  {
    why: 'a password taken away',
    rules: `on >pw #${H1} <pw ~* &* +@all`,
    line: `user default on sanitize-payload #${H1} ~* &* +@all`,
  },
  {
    why: 'the other payload rule is kept',
    rules: 'on nopass skip-sanitize-payload ~* &* +@all',
    line: 'user default on nopass skip-sanitize-payload ~* &* +@all',
  },
  {
    why: 'what a reset took away can be given again',
    rules: 'off -@all reset on nopass ~* &* +@all',
    line: 'user default on nopass sanitize-payload ~* &* +@all',
  },
])('accepted: $why', ({ rules, line }) => {
  const user = parseDefaultUser(rules.split(' '), { allChannels: false, sha256Hex });
  expect(user).toBeDefined();
  expect(renderDefaultUser(user, undefined)).toBe(line);
});

test.each([
  { why: 'off', rules: 'off' },
  { why: 'never switched on', rules: 'nopass ~* &* +@all' },
  { why: 'no channels, as in files of 6.0', rules: 'on nopass ~* +@all' },
  { why: 'no keys', rules: 'on nopass &* +@all' },
  { why: 'no commands', rules: 'on nopass ~* &*' },
  { why: 'commands taken away', rules: 'on nopass ~* &* +@all -@all' },
  { why: 'one command taken away', rules: 'on nopass ~* &* +@all -sentinel' },
  { why: 'some channels only', rules: 'on nopass ~* &x +@all' },
  { why: 'nobody could log in', rules: 'on ~* &* +@all' },
  { why: 'a hash that is none', rules: 'on #abc ~* &* +@all' },
  { why: 'an upper-case hash', rules: `on #${H2.toUpperCase()} ~* &* +@all` },
  { why: 'a selector', rules: 'on nopass ~* &* +@all (+ping)' },
  { why: 'reset at the end', rules: 'on nopass ~* &* +@all reset' },
  { why: 'taking away a password that is not there', rules: `on nopass !${H1} ~* &* +@all` },
])('refused: $why', ({ rules }) => {
  expect(parseDefaultUser(rules.split(' '), { allChannels: false, sha256Hex })).toBeUndefined();
});

test('acl-pubsub-default allchannels gives the channels that the line does not name', () => {
  expect(parseDefaultUser(['on', 'nopass', '~*', '+@all'], { allChannels: true, sha256Hex })).toBeDefined();
});

test('without a line: as 7.0.15 writes it with and without requirepass', () => {
  expect(renderDefaultUser(undefined, undefined)).toBe('user default on nopass ~* &* +@all');
  expect(renderDefaultUser(undefined, H1)).toBe(`user default on #${H1} ~* &* +@all`);
});
