// The short form of a long life (`npm run sim -- --days 26` is the long one), and settings that are longer than any life.
import { expect, test } from 'vitest';
import { HEARTBEAT_MS, nextDeadline } from '../../src/core/step.ts';
import { type DaysSample, runDays, whatGrows } from './days.ts';
import { whatIsWrong } from './order.ts';
import { createRun, passTime } from './run.ts';
import { boot, clockOf, order } from './sentinel.ts';
import { drawTrial, type Trial } from './trial.ts';

test('an hour with a misfortune in it: nothing grows', { timeout: 300_000 }, async () => {
  const { samples, wrong } = await runDays({ seed: 4, startHours: 0, hours: 1, sampleHours: 0.125, calmHours: 0 });
  expect(wrong).toEqual([]);
  expect(samples).toHaveLength(8);
  expect(samples.at(-1)?.counts[0]?.instances).toBeGreaterThan(4);
});

test('growth of anything is seen', () => {
  const still: DaysSample = {
    hour: 0,
    counts: [{ instances: 5, deadlines: 7 }],
    fileBytes: [500],
    failovers: 1,
    planned: 20,
    heapKb: 8000,
  };
  const samples = (of: (index: number) => Partial<DaysSample>) =>
    Array.from({ length: 20 }, (_, index) => ({ ...still, hour: index, ...of(index) }));
  expect(whatGrows(samples(() => ({})))).toEqual([]);
  expect(whatGrows(samples((index) => ({ counts: [{ instances: 5, deadlines: 7 + index }] })))).toEqual([
    's1: deadlines grows by 9.0 in the second half, limit 4',
  ]);
  expect(whatGrows(samples((index) => ({ fileBytes: [500 + 10 * index] })))).toHaveLength(1);
  expect(whatGrows(samples((index) => ({ planned: 20 + 10 * index })))).toHaveLength(1);
  expect(whatGrows(samples((index) => ({ heapKb: 8000 + 1000 * index })))).toHaveLength(1);
});

/** 24.8 days, the most that the file and SENTINEL SET take; twice as much, as for an election, is beyond a timer of Node. */
const LONGEST_MS = 2 ** 31 - 1;

test('the longest times neither come early nor make a loop', async () => {
  const [downAfterMs, failoverTimeoutMs] = [LONGEST_MS, LONGEST_MS];
  const trial: Trial = {
    ...drawTrial(1),
    sentinels: [1, 2, 3].map(() => ({ downAfterMs, failoverTimeoutMs, saveMs: 1, clockRate: 1, ticks: false })),
    masters: 1,
    replicas: 2,
    quorum: 2,
    unwanted: undefined,
    names: false,
    acquainted: true,
    endMs: 600_000,
    faults: [],
  };
  const run = createRun(trial, true);
  for (const sentinel of run.sentinels) boot(run, sentinel);
  const { lines = [] } = run;
  const [first] = run.sentinels;
  const [master] = run.nodes;
  if (first === undefined || master === undefined) throw new Error('nobody there');
  await passTime(run, 20_000);
  expect(whatIsWrong(run, 0)).toBeUndefined();
  const steps = () => run.net.time.planned;
  const before = steps();
  await passTime(run, 80_000);
  const perMinute = steps() - before;
  // Somebody stands still for five minutes, which is not long against such times: nobody is taken for down.
  master.paused = true;
  await passTime(run, 380_000);
  expect(lines.filter((line) => line.includes('+sdown'))).toEqual([]);
  expect(steps() - before).toBeLessThan(10 * perMinute);
  for (const sentinel of run.sentinels) {
    const { state } = sentinel.life ?? {};
    if (state === undefined) throw new Error('no life');
    const { now } = clockOf(run, sentinel);
    expect(nextDeadline(state) - now).toBeLessThanOrEqual(HEARTBEAT_MS);
    expect(state.deadlines.length).toBeLessThan(50);
  }
  master.paused = false;
  for (const act of master.backlog.splice(0)) act();
  // An order is carried out all the same, at once.
  order(run, first, ['SENTINEL', 'FAILOVER', 'm1'], () => undefined);
  await passTime(run, 400_000, () => lines.some((line) => line.includes('+failover-end')));
  expect(lines.some((line) => line.includes('+switch-master'))).toBe(true);
  expect(run.watch.violation).toBeUndefined();
});
