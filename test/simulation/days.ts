// A long life in simulated days: does anything that a sentinel keeps grow with time, and does it still work when its
// clock has passed what 31 bits of milliseconds hold (24.8 days)?
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import type { Ms } from '../../src/core/state.ts';
import { seededDraw } from '../config/generate-state.ts';
import { rise } from '../soak/verdict.ts';
import { planFaults } from './faults.ts';
import { whatIsWrong } from './order.ts';
import { createRun, passTime, type Run } from './run.ts';
import { boot, fileText, type Sentinel } from './sentinel.ts';
import type { Fault, Trial } from './trial.ts';

const MINUTE_MS: Ms = 60_000;
const HOUR_MS: Ms = 60 * MINUTE_MS;

export interface Days {
  readonly seed: number;
  /** When the clocks begin, and when the life ends, in simulated hours. */
  readonly startHours: number;
  readonly hours: number;
  /** So many hours pass between two samples. */
  readonly sampleHours: number;
  /** So many hours pass before the first misfortune; then there is one every hour. */
  readonly calmHours: number;
  /** Hears of each sample. */
  told?(sample: DaysSample): void;
}

export interface DaysSample {
  readonly hour: number;
  /** Of each sentinel: how many things there are in each collection of its state, by the collection's name. */
  readonly counts: readonly Readonly<Record<string, number>>[];
  readonly fileBytes: readonly number[];
  readonly failovers: number;
  /** Timers and packets that are under way in the whole simulation. */
  readonly planned: number;
  readonly heapKb: number;
}

/** What may grow by how much, by a straight line over the second half. */
const LIMITS = {
  /** A deadline more or less; after a misfortune everything is as it was. */
  count: 4,
  /** Epochs get longer. */
  fileBytes: 64,
  planned: 50,
  /** The watch over the rules remembers every vote and failover, which the sentinels do not. */
  heapKb: 4096,
};

/** Let so many hours pass. Returns the samples, and in words everything that is wrong. */
export async function runDays(days: Days): Promise<{ samples: readonly DaysSample[]; wrong: readonly string[] }> {
  const run = createRun(trialOf(days), false, days.startHours * HOUR_MS);
  for (const sentinel of run.sentinels) boot(run, sentinel);
  planFaults(run);
  const samples: DaysSample[] = [];
  const wrong: string[] = [];
  for (let hour = days.startHours + days.sampleHours; hour <= days.hours; hour += days.sampleHours) {
    await passTime(run, hour * HOUR_MS);
    if (run.watch.violation !== undefined) {
      wrong.push(`${run.watch.violation.rule}: ${run.watch.violation.why}`);
      break;
    }
    const disorder = whatIsWrong(run, run.net.time.now - 10 * MINUTE_MS);
    if (disorder !== undefined) wrong.push(`after ${hour} hours ${disorder}`);
    const sample = look(run, hour);
    samples.push(sample);
    days.told?.(sample);
  }
  return { samples, wrong: [...wrong, ...whatGrows(samples)] };
}

/** Three sentinels, a master and a replica, asked once a second as with the genuine server's default. */
function trialOf({ seed, startHours, hours, calmHours }: Days): Trial {
  const rand = seededDraw(seed);
  return {
    seed,
    sentinels: [1, 1.0005, 0.9995].map((clockRate) => ({
      downAfterMs: 30_000,
      failoverTimeoutMs: 180_000,
      saveMs: 5,
      clockRate,
      ticks: false,
    })),
    masters: 1,
    replicas: 1,
    quorum: 2,
    parallelSyncs: 1,
    announces: false,
    unwanted: undefined,
    syncMs: 1000,
    tiltPeriodMs: 30_000,
    latencyMs: 1,
    lateOneIn: 0,
    lateMs: 0,
    names: true,
    acquainted: false,
    wholeFiles: true,
    scripts: 'quick',
    ending: 'calm',
    endMs: hours * HOUR_MS,
    faults: Array.from({ length: Math.max(0, hours - startHours - calmHours) }, (_, hour) =>
      faultAt((startHours + calmHours + hour) * HOUR_MS + (1 + rand(20)) * MINUTE_MS, rand),
    ),
  };
}

function faultAt(at: Ms, rand: (below: number) => number): Fault {
  const sentinel = `s${1 + rand(3)}`;
  const node = `m1n${rand(2)}`;
  const anybody = rand(2) === 0 ? sentinel : node;
  const lasts = (1 + rand(10)) * MINUTE_MS;
  const faults: readonly Fault[] = [
    { at, for: lasts, kind: 'crash', who: node },
    { at, for: lasts, kind: 'pause', who: node },
    { at, for: lasts, kind: 'power', who: node },
    { at, for: 20_000, kind: 'crash', who: sentinel },
    { at, for: 20_000, kind: 'pause', who: sentinel },
    { at, for: lasts, kind: 'isolate', who: anybody },
    { at, for: lasts, kind: 'cut', who: sentinel, to: node },
    { at, for: 1, kind: 'break', who: anybody },
    { at, for: lasts, kind: 'disk', who: sentinel, mode: rand(2) === 0 ? 'fails' : 'slow' },
    { at, for: lasts, kind: 'dns', who: sentinel },
    { at, for: 1, kind: 'clock', who: sentinel, by: rand(20_000) - 10_000 },
    { at, for: lasts, kind: 'busy', who: node },
    { at, for: lasts, kind: 'locked', who: node },
    { at, for: 1, kind: 'order', who: sentinel, args: ['FAILOVER', 'm1'] },
    { at, for: 1, kind: 'order', who: sentinel, args: ['FAILOVER', 'm1'] },
    { at, for: 5 * MINUTE_MS, kind: 'when', event: '+try-failover', what: 'crash' },
    { at, for: 1, kind: 'order', who: sentinel, args: ['RESET', 'm1'] },
    { at, for: 1, kind: 'order', who: sentinel, args: ['FLUSHCONFIG'] },
  ];
  return faults[rand(faults.length)] as Fault;
}

function look(run: Run, hour: number): DaysSample {
  return {
    hour,
    counts: run.sentinels.map(countsOf),
    fileBytes: run.sentinels.map((sentinel) => fileText(sentinel).length),
    failovers: run.watch.failovers,
    planned: run.net.time.coming.length,
    heapKb: liveHeapBytes() / 1024,
  };
}

/** The things in each collection of the state, at any depth, and in those of the commands' world. */
function countsOf({ life }: Sentinel): Record<string, number> {
  const counts: Record<string, number> = {};
  if (life === undefined) return counts;
  const { state, world, connections } = life;
  const { access, sessions } = world;
  const places = {
    ...state,
    clients: sessions,
    aclLog: access.log,
    users: access.users,
    sockets: [...connections.keys()],
  };
  for (const [name, value] of Object.entries(places)) if (typeof value === 'object') counts[name] = thingsIn(value);
  return counts;
}

function thingsIn(root: unknown): number {
  const seen = new Set<unknown>();
  const open = [root];
  let count = 0;
  while (open.length > 0) {
    const value = open.pop();
    if (typeof value !== 'object' || value === null || seen.has(value)) continue;
    seen.add(value);
    const inner = value instanceof Map ? [...value.values()] : value instanceof Set ? [...value] : Object.values(value);
    if (value instanceof Map || value instanceof Set || Array.isArray(value)) count += inner.length;
    open.push(...inner);
  }
  return count;
}

function liveHeapBytes(): number {
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc') as () => void;
  collect();
  return process.memoryUsage().heapUsed;
}

/** Whatever rises by more than its limit over the second half of the samples. */
export function whatGrows(samples: readonly DaysSample[]): string[] {
  const half = samples.slice(Math.floor(samples.length / 2));
  const wrong: string[] = [];
  const check = (what: string, limit: number, value: (sample: DaysSample) => number | undefined) => {
    const growth = rise(half.map((sample) => [sample.hour, value(sample) ?? 0]));
    if (growth > limit) wrong.push(`${what} grows by ${growth.toFixed(1)} in the second half, limit ${limit}`);
  };
  for (const index of samples[0]?.counts.keys() ?? []) {
    for (const name of Object.keys(samples[0]?.counts[index] ?? {}))
      check(`s${index + 1}: ${name}`, LIMITS.count, ({ counts }) => counts[index]?.[name]);
    check(`s${index + 1}: the file`, LIMITS.fileBytes, ({ fileBytes }) => fileBytes[index]);
  }
  check('what is planned', LIMITS.planned, ({ planned }) => planned);
  check('the heap, in KB,', LIMITS.heapKb, ({ heapKb }) => heapKb);
  return wrong;
}
