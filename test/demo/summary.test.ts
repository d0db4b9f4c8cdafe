// The demo's last words: honest about what was lost, and right about why a replica was chosen.
import { expect, test } from 'vitest';
import { createPaint } from '../../src/demo/paint.ts';
import {
  type Candidate,
  milestonesOf,
  type Outcome,
  seconds,
  summaryLines,
  whyChosen,
} from '../../src/demo/summary.ts';

const replica = (name: string, more: Partial<Candidate> = {}): Candidate => ({
  name,
  priority: 100,
  offset: 500,
  runId: `${name.at(-1)}000000000`,
  flags: 'slave',
  ...more,
});

test.each([
  { why: 'nobody else', others: [], text: 'it was the only replica' },
  { why: 'unreachable rival', others: [replica('node 1', { flags: 's_down,slave' })], text: 'node 1 was out of reach' },
  { why: 'priority 0 is never', others: [replica('node 1', { priority: 0 })], text: 'must never be promoted' },
  { why: 'lower priority wins', others: [replica('node 1', { priority: 101 })], text: '(100 < 101)' },
  { why: 'priority before offset', others: [replica('node 1', { priority: 101, offset: 999 })], text: '(100 < 101)' },
  { why: 'more data wins', others: [replica('node 1', { offset: 499 })], text: 'more data (offset 500 > 499)' },
  { why: 'smaller run id wins', others: [replica('node 3')], text: 'smaller run id decides (2000000… < 3000000…)' },
  {
    why: 'our look was too old',
    others: [replica('node 1', { offset: 501 })],
    text: 'node 1 came first (offset 501 > 500)',
  },
  {
    why: 'run id against us',
    others: [replica('node 1')],
    text: 'node 1 came first (smaller run id 1000000… < 2000000…)',
  },
  {
    why: 'one reason each',
    others: [replica('node 1', { offset: 1 }), replica('node 3')],
    text: '; same priority (100)',
  },
])('why chosen: $why', ({ others, text }) => {
  expect(whyChosen(replica('node 2'), others)).toContain(text);
});

const good: Outcome = {
  how: 'killed',
  struckAt: 1_000,
  oldMaster: 'node 1 (127.0.0.1:7001)',
  newMaster: 'node 2 (127.0.0.1:7002)',
  milestones: [{ at: 2_050, what: 'Seen down', who: 'by sentinel 3' }],
  why: 'it was the only replica',
  refusals: [{ beganAt: 1_001, endedAt: 2_501, attempts: 300, firstError: 'read ECONNRESET' }],
  acknowledged: 1_234,
  lost: 0,
  lostWithinMs: 0,
  returnedAt: 11_400,
  problems: [],
};

test('the summary of a failover that went well', () => {
  expect(`\n${summaryLines(good, 100, createPaint(false)).join('\n')}`).toMatchInlineSnapshot(`
    "
    Summary: node 1 (127.0.0.1:7001) was killed
      Seen down             after 1.05 s, by sentinel 3
      New master            node 2 (127.0.0.1:7002)
      Chosen because        it was the only replica
      Writes refused        for 1.50 s (300 attempts; the first said: read ECONNRESET)
      Acknowledged writes   1,234, all of them on the new master
      Old master            a replica again after 10.4 s
      All sentinels and nodes agree."
  `);
});

test.each([
  { why: 'lost writes', more: { lost: 3, lostWithinMs: 1.2 }, text: '3 of them lost: acknowledged in the last 2 ms' },
  {
    why: 'refused to the end',
    more: { refusals: [{ beganAt: 1, endedAt: undefined, attempts: 1, firstError: 'x' }] },
    text: 'to the end (1 attempt;',
  },
  { why: 'never refused', more: { refusals: [] }, text: 'never' },
  { why: 'no new master', more: { newMaster: undefined }, text: 'none' },
  { why: 'no return', more: { returnedAt: undefined }, text: 'did not come back' },
  { why: 'problems', more: { problems: ['node 3 sleeps'] }, text: 'Not as it should be:\n    - node 3 sleeps' },
  { why: 'a hang', more: { how: 'hung' as const }, text: 'was stopped with SIGSTOP' },
])('the summary tells: $why', ({ more, text }) => {
  expect(summaryLines({ ...good, ...more }, 200, createPaint(false)).join('\n')).toContain(text);
});

test('milestones: the first after the strike, of the master only', () => {
  const about = (at: number, channel: string, payload: string) => ({ at, channel, payload });
  const streams = [
    {
      who: 'a',
      events: [about(5, '+sdown', 'master m'), about(30, '+sdown', 'master m'), about(50, '+switch-master', 'm')],
    },
    { who: 'b', events: [about(20, '+sdown', 'slave s'), about(25, '+sdown', 'master m')] },
  ];
  expect(milestonesOf(streams, 10)).toEqual([
    { at: 25, what: 'Seen down', who: 'by b' },
    { at: 50, what: 'Clients told', who: 'by a' },
  ]);
});

test.each([
  { ms: 0, text: '0.00' },
  { ms: 1_234, text: '1.23' },
  { ms: 9_999, text: '10.0' },
])('seconds($ms) is $text', ({ ms, text }) => {
  expect(seconds(ms)).toBe(text);
});
