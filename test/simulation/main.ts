// npm run sim: many seeds, one seed with its transcript, or a trial from a file. Ends with 1 when an invariant broke.
import { readFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { type DaysSample, runDays } from './days.ts';
import { type Result, runJobs, work } from './jobs.ts';
import { runTrial } from './run.ts';
import { shrink } from './shrink.ts';
import { drawTrial, type Trial } from './trial.ts';

const USAGE = `npm run sim -- [--seeds N] [--from S] [--jobs J] [--stop] [--trial FILE] [--days D [--from-day D]]
  --seeds N     how many seeds (1000)      --from S   the first of them (1)
  --jobs J      processes (1)              --stop     end at the first violation
  --trial FILE  run the trial in a JSON file and print its transcript
  --days D      one group that lives for D simulated days: does anything grow?   --from-day D   its clocks begin there (0)
  An interrupt ends it behind the seeds that run, and tells from which seed to go on.
  SIM_SEED=7 npm run sim   runs one seed, prints its transcript and, when it fails, its shrunken trial
`;

interface Totals {
  seeds: number;
  failed: number;
  failovers: number;
  writes: number;
  simulatedMs: number;
  settledMaxMs: number;
}

const noTotals = (): Totals => ({ seeds: 0, failed: 0, failovers: 0, writes: 0, simulatedMs: 0, settledMaxMs: 0 });
const say = (text: string) => void process.stdout.write(`${text}\n`);
/** A line tells how far it is, this often. */
const PROGRESS_EVERY_MS = 30_000;
/** So many failing seeds are shrunk; the others are only named. */
const SHRUNK_MAX = 3;

/** Of a long life, a sample is told this often, in simulated hours; misfortunes come after the first days. */
const SAMPLE_HOURS = 6;
const CALM_DAYS = 2;

const { values } = parseArgs({
  options: {
    seeds: { type: 'string', default: '1000' },
    from: { type: 'string', default: '1' },
    jobs: { type: 'string', default: '1' },
    stop: { type: 'boolean', default: false },
    trial: { type: 'string' },
    days: { type: 'string' },
    'from-day': { type: 'string', default: '0' },
    help: { type: 'boolean', default: false },
  },
});

// An error of a turn that waited for its save: the engine leaves it to the process, which ends of it, and so do we.
process.on('unhandledRejection', (error) => {
  say(`error in seed ${current}: ${error instanceof Error ? error.stack : String(error)}`);
  process.exit(1);
});
let current = 0;
let shrunk = 0;
let isOver = false;

process.exitCode = await main();

async function main(): Promise<number> {
  const { SIM_SEED } = process.env;
  if (values.help) {
    say(USAGE);
    return 0;
  }
  if (process.send !== undefined) {
    work(runSeed);
    return 0;
  }
  if (values.trial !== undefined) {
    const read: unknown = JSON.parse(readFileSync(values.trial, 'utf8'));
    // As a failing seed prints it, or as it is kept in the folder of trials.
    return tellTrial((typeof read === 'object' && read !== null && 'trial' in read ? read.trial : read) as Trial);
  }
  if (values.days !== undefined) return tellDays(Number(values.days));
  if (SIM_SEED !== undefined) return tellTrial(drawTrial(Number(SIM_SEED)));
  const [seeds, from, jobs] = [values.seeds, values.from, values.jobs].map(Number) as [number, number, number];
  if (![seeds, from, jobs].every((value) => Number.isSafeInteger(value) && value > 0)) {
    say(USAGE);
    return 2;
  }
  return runMany(from, from + seeds, jobs);
}

async function runMany(from: number, end: number, jobs: number): Promise<number> {
  const totals = noTotals();
  const begun = performance.now();
  let toldAt = begun;
  process.once('SIGINT', () => {
    isOver = true;
  });
  const told = (result: Result) => {
    add(totals, result);
    if (result.failed && values.stop) isOver = true;
    if (performance.now() - toldAt < PROGRESS_EVERY_MS) return;
    toldAt = performance.now();
    say(`${new Date().toISOString()} of ${end - from}: ${summary(totals, toldAt - begun)}`);
  };
  const died = (seed: number, how: string) => {
    say(`SIM_SEED=${seed} ended its process: ${how}`);
    told({ seed, failed: true, failovers: 0, writes: 0, simulatedMs: 0, settledMs: 0 });
  };
  const next =
    jobs === 1
      ? await runHere(from, end, told)
      : await runJobs(from, end, {
          jobs,
          program: process.argv[1] ?? '',
          args: values.stop ? ['--stop'] : [],
          told,
          died,
          isOver: () => isOver,
        });
  say(summary(totals, performance.now() - begun));
  if (next < end) say(`go on with --from ${next} --seeds ${end - next}`);
  return totals.failed === 0 ? 0 : 1;
}

function summary(totals: Totals, tookMs: number): string {
  const { seeds, failed, failovers, writes, simulatedMs, settledMaxMs } = totals;
  const hours = (simulatedMs / 3_600_000).toFixed(1);
  const rate = (tookMs / Math.max(1, seeds)).toFixed(1);
  return (
    `${seeds} seeds, ${failed} failed; ${failovers} failovers, ${writes} writes in ${hours} simulated hours; ` +
    `slowest return to order ${(settledMaxMs / 1000).toFixed(1)} s; ${(tookMs / 1000).toFixed(0)} s, ${rate} ms per seed`
  );
}

/** In this very process. Returns the first seed that was not run. */
async function runHere(from: number, end: number, told: (result: Result) => void): Promise<number> {
  let seed = from;
  for (; seed < end && !isOver; seed += 1) {
    told(await runSeed(seed));
    // An interrupt is heard of between two seeds only.
    await new Promise(setImmediate);
  }
  return seed;
}

/** Run one seed; when it fails, say so, and of the first ones what they are when they are made smaller. */
async function runSeed(seed: number): Promise<Result> {
  current = seed;
  const trial = drawTrial(seed);
  const { violation, failovers, writes, simulatedMs, settledMs } = await runTrial(trial);
  if (violation !== undefined) {
    say(`SIM_SEED=${seed} violates ${violation.rule}: ${violation.why}`);
    shrunk += 1;
    if (!values.stop && shrunk <= SHRUNK_MAX) say(JSON.stringify(await shrink(trial, violation.rule)));
  }
  return { seed, failed: violation !== undefined, failovers, writes, simulatedMs, settledMs };
}

function add(totals: Totals, { failed, failovers, writes, simulatedMs, settledMs }: Result): void {
  totals.seeds += 1;
  if (failed) totals.failed += 1;
  totals.failovers += failovers;
  totals.writes += writes;
  totals.simulatedMs += simulatedMs;
  totals.settledMaxMs = Math.max(totals.settledMaxMs, settledMs);
}

async function tellTrial(trial: Trial): Promise<number> {
  say(JSON.stringify({ ...trial, faults: `${trial.faults.length} faults` }));
  const { lines, violation, settledMs } = await runTrial(trial, true);
  for (const line of lines) say(line);
  if (violation === undefined) {
    say(`in order ${settledMs} ms after the faults`);
    return 0;
  }
  say(`shrunken:\n${JSON.stringify(await shrink(trial, violation.rule))}`);
  return 1;
}

async function tellDays(days: number): Promise<number> {
  const told = ({ hour, counts, fileBytes, failovers, planned, heapKb }: DaysSample) => {
    const things = counts.map((each) => Object.values(each).reduce((sum, count) => sum + count, 0));
    say(
      `day ${(hour / 24).toFixed(2)}: ${failovers} failovers; things in the states ${things.join(' ')}; ` +
        `files ${fileBytes.join(' ')} bytes; ${planned} planned; heap ${heapKb.toFixed(0)} KB`,
    );
  };
  const startHours = Number(values['from-day']) * 24;
  const shape = { startHours, hours: startHours + days * 24, sampleHours: SAMPLE_HOURS, calmHours: CALM_DAYS * 24 };
  const { samples, wrong } = await runDays({ seed: Number(values.from), ...shape, told });
  say(JSON.stringify(samples.at(-1)));
  for (const text of wrong) say(`WRONG: ${text}`);
  say(wrong.length === 0 ? 'nothing grows' : `${wrong.length} things are wrong`);
  return wrong.length === 0 ? 0 : 1;
}
