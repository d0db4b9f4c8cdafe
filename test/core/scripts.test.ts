// The queue of scripts: how many wait and run, what is dropped, and that no call is lost otherwise.
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { setOption } from '../../src/core/admin.ts';
import type { Effect } from '../../src/core/effects.ts';
import { QUEUE_MAX } from '../../src/core/script-queue.ts';
import { RUNNING_MAX, RUNS_MAX } from '../../src/core/scripts.ts';
import type { SentinelState } from '../../src/core/state.ts';
import { step } from '../../src/core/step.ts';
import { fileWith, startFrom } from './small-state.ts';

type Run = Extract<Effect, { kind: 'run-script' }>;
const runsIn = (effects: readonly Effect[]) => effects.filter((effect): effect is Run => effect.kind === 'run-script');

/** A sentinel with a notification script whose first call, for +monitor, is over. */
function started(): { state: SentinelState; tell(text: string, now?: number): Run[]; feed: typeof feedTo } {
  const { state, master } = startFrom(fileWith({ notificationScript: '/n.sh' }));
  feedTo(state, { kind: 'script-exited', job: 1, end: { code: 0, signal: 0 } });
  const tell = (text: string, now = 0) =>
    runsIn(setOption(state, master, { option: 'auth-user', values: [text], patch: {}, dropLinks: false }, now));
  return { state, tell, feed: feedTo };
}

function feedTo(state: SentinelState, input: Parameters<typeof step>[1], now = 0): Run[] {
  return runsIn(step(state, input, { now, wallMs: now }, () => 0));
}

const textOf = ({ argv }: { argv: readonly string[] }) => argv[2]?.split(' ').at(-1);

test('16 run at a time, the oldest first; an end makes room for the next', () => {
  const { state, tell, feed } = started();
  const runs = Array.from({ length: 20 }, (_, index) => tell(String(index))).flat();
  expect(runs.map(textOf)).toEqual(Array.from({ length: 16 }, (_, index) => String(index)));
  expect(runs.map(({ argv }) => argv.slice(0, 2))).toEqual(Array(16).fill(['/n.sh', '+set']));
  const next = feed(state, { kind: 'script-exited', job: runs[3]?.job ?? 0, end: { code: 0, signal: 0 } });
  expect(next.map(textOf)).toEqual(['16']);
});

test('a call that is to be tried again leaves its place to others, and keeps its own in the queue', () => {
  const { state, tell, feed } = started();
  const runs = Array.from({ length: 17 }, (_, index) => tell(String(index))).flat();
  const next = feed(state, { kind: 'script-exited', job: runs[0]?.job ?? 0, end: { code: 1, signal: 0 } });
  expect(next.map(textOf)).toEqual(['16']);
  expect(textOf(state.scripts.jobs[0] ?? { argv: [] })).toBe('0');
  expect(state.scripts.jobs[0]).toMatchObject({ runs: 1, status: { kind: 'scheduled', at: 30_000 } });
});

test('a full queue drops its oldest call that does not run', () => {
  const { state, tell } = started();
  for (let index = 0; index < 300; index++) tell(String(index));
  const texts = state.scripts.jobs.map((job) => Number(textOf(job)));
  expect(texts.slice(0, RUNNING_MAX)).toEqual(Array.from({ length: RUNNING_MAX }, (_, index) => index));
  expect(texts.slice(RUNNING_MAX)).toEqual(Array.from({ length: QUEUE_MAX - RUNNING_MAX }, (_, index) => 60 + index));
});

test('scripts of a master that is monitored no longer are still run', () => {
  const { state, tell, feed } = started();
  for (let index = 0; index < 17; index++) tell(String(index));
  state.masters.clear();
  const next = feed(state, { kind: 'script-exited', job: 2, end: { code: 0, signal: 0 } });
  expect(next).toHaveLength(1);
});

/** What the world may do next. */
const deed = fc.oneof(
  fc.record({ kind: fc.constant('event' as const), count: fc.integer({ min: 1, max: 60 }) }),
  fc.record({ kind: fc.constant('start' as const) }),
  fc.record({
    kind: fc.constant('end' as const),
    which: fc.nat(15),
    code: fc.constantFrom(0, 1, 2),
    signal: fc.constantFrom(0, 0, 9),
  }),
  fc.record({ kind: fc.constant('refuse' as const), which: fc.nat(15) }),
  fc.record({ kind: fc.constant('wait' as const), ms: fc.integer({ min: 1, max: 100_000 }) }),
);

test('whatever happens: at most 256 in the queue, 16 running, 10 runs, and in the end the queue is empty', () => {
  const property = fc.property(fc.array(deed, { maxLength: 60 }), (deeds) => {
    const { state, tell, feed } = started();
    let now = 0;
    /** What the shell runs by now, and whether it said so. */
    const processes = new Map<number, boolean>();
    const take = (runs: readonly Run[]) => {
      for (const { job } of runs) processes.set(job, false);
    };
    const check = () => {
      const { jobs } = state.scripts;
      expect(jobs.length).toBeLessThanOrEqual(QUEUE_MAX);
      expect(processes.size).toBeLessThanOrEqual(RUNNING_MAX);
      expect(jobs.filter(({ status }) => status.kind !== 'scheduled').map(({ id }) => id)).toEqual(
        [...processes.keys()].sort((a, b) => a - b),
      );
      for (const { runs } of jobs) expect(runs).toBeLessThanOrEqual(RUNS_MAX);
    };
    const end = (job: number, code: number, signal: number) => {
      processes.delete(job);
      take(feed(state, { kind: 'script-exited', job, end: { code, signal } }, now));
    };
    for (const each of deeds) {
      const job = 'which' in each ? [...processes.keys()][each.which] : undefined;
      if (each.kind === 'event') for (let index = 0; index < each.count; index++) take(tell(String(index), now));
      else if (each.kind === 'wait') {
        now += each.ms;
        take(feed(state, { kind: 'tick' }, now));
      } else if (each.kind === 'start') {
        for (const [started, said] of processes)
          if (!said) take(feed(state, { kind: 'script-started', job: started, pid: started }, now));
        for (const started of processes.keys()) processes.set(started, true);
      } else if (job === undefined) continue;
      else if (each.kind === 'end') end(job, each.code, each.signal);
      else if (processes.get(job) === false) {
        processes.delete(job);
        take(feed(state, { kind: 'script-refused', job, reason: 'none left' }, now));
      }
      check();
    }
    for (let rounds = 0; state.scripts.jobs.length > 0; rounds++) {
      expect(rounds).toBeLessThan(2000);
      for (const job of [...processes.keys()]) end(job, 0, 0);
      now = Math.max(now + 1, state.scripts.wakeAt ?? 0);
      take(feed(state, { kind: 'tick' }, now));
      check();
    }
  });
  fc.assert(property, { numRuns: 100 });
});
