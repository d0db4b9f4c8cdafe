// Which errors of a client are its right, and what counts as well again.
import { expect, test } from 'vitest';
import { distinctErrors, isSteady, longestPause, unacceptable } from './judge.ts';
import type { Line } from './program.ts';

const error = (at: number, text: string): Line => ({ at, event: 'error', where: 'write', text });
const write = (at: number, n = at): Line => ({ at, event: 'write', n });
const outages = [{ from: 100, to: 200 }];

test.each([
  { why: 'the master is gone', at: 150, text: 'connect ECONNREFUSED 127.0.0.1:6379', ok: true },
  { why: 'the connection broke', at: 150, text: 'Unexpected end of stream.', ok: true },
  { why: 'it is a replica now', at: 150, text: "READONLY You can't write against a read only replica.", ok: true },
  { why: 'nobody knows a master', at: 150, text: "MasterNotFoundError: No master found for 'mymaster'", ok: true },
  { why: 'before the outage', at: 99, text: 'connect ECONNREFUSED 127.0.0.1:6379', ok: false },
  { why: 'after the outage', at: 201, text: 'connect ECONNREFUSED 127.0.0.1:6379', ok: false },
  { why: 'no such command', at: 150, text: "ERR unknown command 'FOO'", ok: false },
  { why: 'not logged in', at: 150, text: 'NOAUTH Authentication required.', ok: false },
  { why: 'may not', at: 150, text: 'NOPERM this user has no permissions', ok: false },
  { why: 'a reply of another form', at: 150, text: 'TypeError: value.map is not a function', ok: false },
  { why: 'unreadable bytes', at: 150, text: 'Protocol error, got "x" as reply type byte', ok: false },
])('an error, $why: acceptable $ok', ({ at, text, ok }) => {
  expect(unacceptable([write(1), error(at, text)], outages) === undefined).toBe(ok);
});

test('errors that differ in numbers only are one', () => {
  const lines = [error(1, 'port 1'), error(2, 'port 22'), write(3), error(4, 'other')];
  expect(distinctErrors(lines)).toEqual(['write: other', 'write: port #']);
});

test.each([
  { why: 'between two writes', lines: [write(100), write(150), write(180)], ms: 50 },
  { why: 'from the blow to the first write', lines: [write(90), write(170), write(180)], ms: 70 },
  { why: 'a write that comes after all does not count further', lines: [write(110), write(900)], ms: 90 },
])('the longest pause: $why', ({ lines, ms }) => {
  expect(longestPause(lines, 100, 200)).toBe(ms);
});

test.each([
  { why: 'enough writes', lines: [write(10), write(11)], steady: true },
  { why: 'too few', lines: [write(10)], steady: false },
  { why: 'too few since the error', lines: [write(10), error(11, 'x'), write(12)], steady: false },
  { why: 'too few since the instant', lines: [write(4), write(10)], steady: false },
])('steady: $why', ({ lines, steady }) => {
  expect(isSteady(lines, 5, 2)).toBe(steady);
});
