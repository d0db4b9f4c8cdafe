// The pure parts of the chaos run: what a seed stands for, and that the checks find each thing that must not be.
import { describe, expect, test } from 'vitest';
import { checkHistory } from './check.ts';
import { figuresOf, longestGap, type Report, toTable } from './figures.ts';
import { eventIn, factsIn, isOutcry, type Line, toRows } from './history.ts';
import {
  addressOf,
  type DATA_HOSTS,
  drawEpisode,
  drawPlan,
  type Fault,
  HOSTS,
  LABELS,
  nameOf,
  SENTINEL_HOSTS,
  SEVERAL,
  type SentinelHost,
} from './plan.ts';
import { RULES } from './violation.ts';

const IDS: Record<SentinelHost, string> = { s1: 'a'.repeat(40), s2: 'b'.repeat(40), s3: 'c'.repeat(40) };
const D1 = `${addressOf('d1')} 6379`;
const slave = (host: (typeof DATA_HOSTS)[number]) =>
  `slave ${addressOf(host)}:6379 ${addressOf(host)} 6379 @ mymaster ${D1}`;

const run = (unwanted: 'd2' | undefined, kind: 'ts' | 'genuine' = 'ts'): Line => ({
  at: 0,
  kind: 'run',
  seed: 1,
  sentinels: { s1: kind, s2: kind, s3: 'ts' },
  settings: { quorum: 2, downAfterMs: 1000, failoverTimeoutMs: 6000, parallelSyncs: 1, unwanted },
});
const event = (at: number, by: SentinelHost, channel: string, payload = ''): Line => ({
  at,
  kind: 'event',
  by,
  via: 'log',
  channel,
  payload,
});
const vote = (at: number, by: SentinelHost, candidate: SentinelHost, epoch: number) =>
  event(at, by, '+vote-for-leader', `${IDS[candidate]} ${epoch}`);
const step = (
  at: number,
  name: 'begins' | 'faults-over' | 'in-order' | 'disorder',
  label = 'kill -9 master',
  index = 0,
): Line => ({ at, kind: 'episode', index, step: name, label });
const file = (at: number, by: SentinelHost, more: Partial<Extract<Line, { kind: 'file' }>> = {}): Line => ({
  at,
  kind: 'file',
  by,
  loads: true,
  master: 'd3',
  epoch: 1,
  configEpoch: 1,
  leaderEpoch: 1,
  ...more,
});
const view = (at: number, by: SentinelHost, master: string, configEpoch: number, flags = 'master'): Line => ({
  at,
  kind: 'view',
  by,
  master,
  configEpoch,
  flags,
});
const write = (n: number, sentAt: number): Line => ({
  at: sentAt + 1,
  kind: 'write',
  writer: 'c1',
  n,
  sentAt,
  to: 'd1',
});
const started = (who: SentinelHost): Line => ({ at: 1, kind: 'process', who, step: 'started', id: IDS[who] });

/** s1 replaces d1 by d3, with the vote of s2; s2 is restarted; all as it should be. */
const good: readonly Line[] = [
  run('d2'),
  ...SENTINEL_HOSTS.map(started),
  { at: 2, kind: 'network', cut: [] },
  view(10, 's1', 'd1', 0),
  write(1, 90),
  step(100, 'begins'),
  { at: 101, kind: 'process', who: 'd1', step: 'ended' },
  event(1200, 's1', '+odown', `master mymaster ${D1} #quorum 2/2`),
  event(1201, 's1', '+new-epoch', '1'),
  event(1202, 's1', '+try-failover', `master mymaster ${D1}`),
  vote(1203, 's1', 's1', 1),
  event(1203, 's2', '+new-epoch', '1'),
  vote(1204, 's2', 's1', 1),
  event(1205, 's1', '+elected-leader', `master mymaster ${D1}`),
  event(1206, 's1', '+selected-slave', slave('d3')),
  event(1210, 's1', '+promoted-slave', slave('d3')),
  view(1211, 's1', 'd1', 1, 'master,failover_in_progress'),
  { at: 1212, kind: 'hello', by: 's1', epoch: 1, master: 'd3', configEpoch: 1 },
  event(1230, 's1', '+switch-master', `mymaster ${D1} ${addressOf('d3')} 6379`),
  view(1300, 's2', 'd3', 1),
  write(2, 1400),
  { at: 1450, kind: 'process', who: 's2', step: 'ended' },
  file(1460, 's2'),
  { ...started('s2'), at: 1500 },
  { at: 1501, kind: 'role', by: 'd3', role: 'master' },
  step(2000, 'faults-over'),
  step(2600, 'in-order'),
  { at: 10_000, kind: 'quiet', step: 'begins' },
  { at: 20_000, kind: 'quiet', step: 'over' },
  { at: 20_001, kind: 'kept', on: 'd3', writer: 'c1', rows: [[1, 2]] },
];

const with_ = (...more: readonly Line[]) => [...good, ...more].sort((a, b) => a.at - b.at);
const broken = (lines: readonly Line[]) => [...new Set(checkHistory(lines).map(({ rule }) => rule))];

test('nothing is found in a history without fault', () => {
  expect(checkHistory(good)).toEqual([]);
});

const SECOND_TRY = [
  event(3800, 's3', '+new-epoch', '2'),
  event(3801, 's3', '+try-failover', `master mymaster ${D1}`),
  vote(3802, 's3', 's3', 2),
];
const ALONE: Line = { at: 3780, kind: 'network', cut: ['s1>s3', 's2>s3'] };
const GRACEFUL = [
  step(4000, 'begins', 'SENTINEL FAILOVER', 1),
  { at: 4001, kind: 'order', by: 's1', answer: 'OK' } as const,
  event(4100, 's1', '+switch-master', `mymaster ${D1} ${addressOf('d3')} 6379`),
];

const BROKEN: { why: string; rule: (typeof RULES)[number]; lines: readonly Line[] }[] = [
  { why: 'a second candidate in one epoch', rule: 'one-vote', lines: with_(vote(1400, 's2', 's3', 1)) },
  {
    why: 'the same after a restart',
    rule: 'one-vote',
    lines: with_(vote(1700, 's2', 's3', 1)),
  },
  {
    why: 'two leaders in one epoch',
    rule: 'one-leader',
    lines: with_(
      event(1203, 's3', '+new-epoch', '1'),
      event(1204, 's3', '+try-failover'),
      vote(1205, 's3', 's3', 1),
      event(1206, 's3', '+elected-leader'),
    ),
  },
  {
    why: 'a leader by its own vote alone',
    rule: 'majority',
    lines: with_(...SECOND_TRY, event(3900, 's3', '+elected-leader')),
  },
  {
    why: 'a leader by votes of another epoch',
    rule: 'majority',
    lines: with_(vote(3790, 's2', 's3', 3), ...SECOND_TRY, event(3900, 's3', '+elected-leader')),
  },
  {
    why: 'a leader that nobody could hear',
    rule: 'minority',
    lines: with_(
      { ...ALONE, at: 2700 },
      vote(3803, 's2', 's3', 2),
      ...SECOND_TRY,
      event(3900, 's3', '+elected-leader'),
    ),
  },
  {
    why: 'a leader while all others are stopped',
    rule: 'minority',
    lines: with_(
      { at: 2700, kind: 'process', who: 's1', step: 'stopped' },
      { at: 2700, kind: 'process', who: 's2', step: 'stopped' },
      vote(3803, 's2', 's3', 2),
      ...SECOND_TRY,
      event(3900, 's3', '+elected-leader'),
    ),
  },
  {
    why: 'odown without a quorum',
    rule: 'odown',
    lines: with_(event(1300, 's3', '+odown', `master mymaster ${D1} #quorum 1/2`)),
  },
  { why: 'an epoch twice', rule: 'epoch', lines: with_(event(1700, 's1', '+new-epoch', '1')) },
  { why: 'a file behind the current epoch', rule: 'epoch', lines: with_(file(1470, 's2', { epoch: 0 })) },
  { why: 'a config epoch that goes back', rule: 'epoch', lines: with_(view(1600, 's2', 'd1', 0)) },
  {
    why: 'a file behind the config epoch',
    rule: 'epoch',
    lines: with_(file(1470, 's2', { configEpoch: 0, master: 'd1' })),
  },
  { why: 'a vote that is not in the file', rule: 'vote-kept', lines: with_(file(1470, 's2', { leaderEpoch: 0 })) },
  { why: 'two addresses in one config epoch', rule: 'one-config', lines: with_(view(1600, 's3', 'd2', 1)) },
  { why: 'the same in a file', rule: 'one-config', lines: with_(file(1600, 's3', { master: 'd2' })) },
  {
    why: 'a replica with priority 0 is chosen',
    rule: 'unwanted',
    lines: with_(event(1400, 's1', '+selected-slave', slave('d2'))),
  },
  {
    why: 'a replica with priority 0 is a master',
    rule: 'unwanted',
    lines: with_({ at: 1400, kind: 'role', by: 'd2', role: 'master' }),
  },
  {
    why: 'a write lost after an ordered switch was announced',
    rule: 'announced',
    lines: with_(...GRACEFUL, write(7, 4101), step(4200, 'in-order', 'SENTINEL FAILOVER', 1)),
  },
  {
    why: 'a sentinel died by itself',
    rule: 'alive',
    lines: with_({ at: 1400, kind: 'process', who: 's1', step: 'died', how: 'exit code 1' }),
  },
  { why: 'an error that nobody handled', rule: 'alive', lines: with_({ at: 1, kind: 'outcry', by: 's1', text: 'x' }) },
  { why: 'a file that does not load', rule: 'file', lines: with_(file(1470, 's2', { loads: false, why: 'line 3' })) },
  { why: 'order does not come back', rule: 'liveness', lines: with_(step(2700, 'disorder')) },
  { why: 'an attempt in the quiet', rule: 'quiet', lines: with_(event(15_000, 's1', '+try-failover')) },
  { why: 'disorder in the quiet', rule: 'quiet', lines: with_({ at: 15_000, kind: 'quiet', step: 'disorder' }) },
];

describe('what must not be is found', () => {
  test.each(BROKEN)('$rule: $why', ({ rule, lines }) => {
    expect(broken(lines)).toContain(rule);
    for (const { proof, ours } of checkHistory(lines)) {
      expect(proof.length).toBeGreaterThan(0);
      expect(ours).toBe(true);
    }
  });
  test('for every rule', () => expect(new Set(BROKEN.map(({ rule }) => rule))).toEqual(new Set(RULES)));
});

describe('what may be is let pass', () => {
  test.each<{ why: string; lines: readonly Line[] }>([
    {
      why: 'a retry in a later epoch',
      lines: with_(...SECOND_TRY, vote(3803, 's2', 's3', 2), event(3900, 's3', '+elected-leader')),
    },
    {
      why: 'a failover by order needs no majority',
      lines: with_(
        { at: 3799, kind: 'order', by: 's3', answer: 'OK' },
        ALONE,
        ...SECOND_TRY,
        event(3900, 's3', '+elected-leader'),
      ),
    },
    {
      why: 'votes that came just before the others were cut off',
      lines: with_(
        ...SECOND_TRY,
        vote(3803, 's2', 's3', 2),
        { ...ALONE, at: 3804 },
        event(3805, 's3', '+elected-leader'),
      ),
    },
    { why: 'a write lost with a killed master', lines: with_(write(3, 95)) },
    {
      why: 'a write lost before the ordered switch was announced',
      lines: with_(...GRACEFUL, write(7, 4050), step(4200, 'in-order', 'SENTINEL FAILOVER', 1)),
    },
    {
      why: 'an attempt in the quiet while the machine stood still',
      lines: with_({ at: 14_900, kind: 'stalled', ms: 900 }, event(15_000, 's1', '+try-failover')),
    },
    { why: 'a data node that died', lines: with_({ at: 1400, kind: 'process', who: 'd1', step: 'died' }) },
  ])('$why', ({ lines }) => {
    expect(checkHistory(lines)).toEqual([]);
  });

  test('what redis-sentinel breaks is told, and not ours', () => {
    const lines = [run(undefined, 'genuine'), ...with_(vote(1400, 's2', 's3', 1)).slice(1)];
    expect(checkHistory(lines).map(({ rule, ours }) => ({ rule, ours }))).toEqual([{ rule: 'one-vote', ours: false }]);
  });
});

describe('figures', () => {
  test('of an episode', () => {
    expect(figuresOf(with_(write(3, 99)))).toEqual([
      {
        seed: 1,
        index: 0,
        label: 'kill -9 master',
        // From the last write before the kill that is still there to the first one after it.
        unavailableMs: 1401 - 91,
        repairMs: 600,
        failovers: 1,
        acknowledged: 3,
        lost: 1,
      },
    ]);
  });

  test.each([
    { why: 'between two writes', instants: [5, 10, 40, 45, 60], gap: 30 },
    { why: 'begun before', instants: [1, 30, 45, 60], gap: 29 },
    { why: 'nothing before', instants: [45, 60], gap: 35 },
    { why: 'nothing after', instants: [5, 10, 20], gap: 30 },
    { why: 'nothing at all', instants: [], gap: 40 },
    { why: 'outside does not count', instants: [0, 9, 12, 48, 51, 500], gap: 36 },
  ])('the longest time without a write: $why', ({ instants, gap }) => {
    expect(longestGap(instants, 10, 50)).toBe(gap);
  });

  test('side by side, only with the episodes that all have met', () => {
    const figures = figuresOf(good);
    const report = (group: string, episodes: Report['episodes']): Report => ({
      seed: 1,
      group,
      minutes: 1,
      sentinels: {},
      episodes,
      violations: [],
    });
    const more = figures.map((each) => ({ ...each, index: 1, unavailableMs: 9999 }));
    expect(toTable([report('ts', [...figures, ...more]), report('genuine', figures)]).split('\n')).toEqual([
      '| fault | times | three ts-sentinels: ms without a write | failovers | lost | three redis-sentinels: ms without a write | failovers | lost |',
      '| :-- | --: | --: | --: | --: | --: | --: | --: |',
      '| kill -9 master | 1 | 1310 / 1310 | 1 | 0 | 1310 / 1310 | 1 | 0 |',
      '| all | 1 | 1310 / 1310 | 1 | 0 | 1310 / 1310 | 1 | 0 |',
    ]);
  });
});

describe('the plan of a seed', () => {
  const episodes = (seed: number, count: number) =>
    Array.from({ length: count }, (_, index) => drawEpisode(drawPlan(seed), index));
  const kinds = LABELS.length - 1;

  test('is always the same, and another for another seed', () => {
    expect(episodes(7, 60)).toEqual(episodes(7, 60));
    expect(episodes(7, 60)).not.toEqual(episodes(8, 60));
    expect(drawPlan(7)).toEqual(drawPlan(7));
  });

  test('has each kind of fault before any comes again, some of them together', () => {
    const first = (fault: Fault | undefined) => ({
      ...fault,
      for: 0,
      who: fault?.kind === 'split' ? 'split' : fault?.who,
    });
    for (const seed of [1, 2, 3, 4, 5]) {
      const round = episodes(seed, kinds);
      expect(
        new Set(round.map(({ label }) => label)).size + round.filter(({ label }) => label === SEVERAL).length,
      ).toBeGreaterThanOrEqual(kinds);
      expect(new Set(round.map(({ faults }) => JSON.stringify(first(faults[0])))).size).toBeGreaterThan(kinds / 2);
    }
    expect(episodes(1, 400).some(({ faults }) => faults.length === 3)).toBe(true);
  });

  test('never troubles one host in two ways at once, but for cutting it off', () => {
    const cutting = ['isolate', 'split', 'one-way', 'flap'];
    for (const { faults } of episodes(3, 1000)) {
      const struck = faults.filter(({ kind }) => !cutting.includes(kind)).map(({ who }) => who);
      expect(new Set(struck).size).toBe(struck.length);
      expect(faults.filter(({ kind }) => kind === 'split').length).toBeLessThan(2);
    }
  });

  test('mixes two of one kind with one of the other, either way', () => {
    const counts = Array.from(
      { length: 40 },
      (_, seed) => Object.values(drawPlan(seed).mixed).filter((kind) => kind === 'ts').length,
    );
    expect(new Set(counts)).toEqual(new Set([1, 2]));
  });

  test('every host has an address of its own, and is known by it', () => {
    for (const host of HOSTS) expect(nameOf(`${addressOf(host)}:6379`)).toBe(host);
    expect(nameOf('10.1.1.1')).toBe('10.1.1.1');
  });
});

describe('what is read', () => {
  test('events in the log', () => {
    expect(eventIn('s1', '12:X 28 Nov 2026 10:29:20.123 # +vote-for-leader abc 7')).toEqual({
      at: Date.UTC(2026, 10, 28, 10, 29, 20, 123),
      kind: 'event',
      by: 's1',
      via: 'log',
      channel: '+vote-for-leader',
      payload: 'abc 7',
    });
    expect(eventIn('s1', '12:X 28 Nov 2026 10:29:20.123 # Next failover delay: I will not')).toBeUndefined();
  });

  test('a file', () => {
    const text =
      'port 1\nsentinel monitor mymaster 10.0.0.1 6379 2\nsentinel config-epoch mymaster 3\nsentinel leader-epoch mymaster 5\nsentinel current-epoch 6\n';
    expect(factsIn(text)).toEqual({ master: '10.0.0.1', epoch: 6, configEpoch: 3, leaderEpoch: 5 });
    expect(factsIn('')).toEqual({ master: '', epoch: 0, configEpoch: 0, leaderEpoch: 0 });
  });

  test.each([
    { text: 'Error: unhandled rejection', outcry: true },
    { text: '    at Object.<anonymous> (/x/y.js:1:2)', outcry: true },
    { text: '1:X 28 Nov 2026 10:29:20.123 # +sdown master mymaster 10.0.0.1 6379', outcry: false },
    { text: 'WARNING: Sentinel was not able to save the new configuration on disk!!!', outcry: false },
  ])('outcries: $text', ({ text, outcry }) => {
    expect(isOutcry(text)).toBe(outcry);
  });

  test('rows of numbers', () => {
    expect(toRows([3, 1, 2, 7, 8, 8, 10])).toEqual([
      [1, 3],
      [7, 8],
      [10, 10],
    ]);
  });
});
