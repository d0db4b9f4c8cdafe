// npm run sim: many seeds, one seed with its transcript, or a trial from a file. Ends with 1 when an invariant broke.
import { type ChildProcess, fork } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { type DaysSample, runDays } from './days.ts';
import { type Outcome, runTrial } from './run.ts';
import { shrink } from './shrink.ts';
import { drawTrial, type Trial } from './trial.ts';

const USAGE = `npm run sim -- [--seeds N] [--from S] [--jobs J] [--stop] [--trial FILE] [--days D]
  --seeds N     how many seeds (1000)      --from S   the first of them (1)
  --jobs J      processes (1)              --stop     end at the first violation
  --trial FILE  run the trial in a JSON file and print its transcript
  --days D      one group that lives for D simulated days: does anything grow?
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
    help: { type: 'boolean', default: false },
  },
});

// An error of a turn that waited for its save: the engine leaves it to the process, which ends of it, and so do we.
process.on('unhandledRejection', (error) => {
  say(`error in seed ${current}: ${error instanceof Error ? error.stack : String(error)}`);
  process.exit(1);
});
let current = 0;

process.exitCode = await main();

async function main(): Promise<number> {
  const { SIM_SEED } = process.env;
  if (values.help) {
    say(USAGE);
    return 0;
  }
  if (values.trial !== undefined) return tellTrial(JSON.parse(readFileSync(values.trial, 'utf8')).trial);
  if (values.days !== undefined) return tellDays(Number(values.days));
  if (SIM_SEED !== undefined) return tellTrial(drawTrial(Number(SIM_SEED)));
  const [seeds, from, jobs] = [values.seeds, values.from, values.jobs].map(Number) as [number, number, number];
  if (![seeds, from, jobs].every((value) => Number.isSafeInteger(value) && value > 0)) {
    say(USAGE);
    return 2;
  }
  const begun = performance.now();
  const totals = jobs === 1 ? await runSeeds(from, seeds) : await runJobs(from, seeds, jobs);
  if (process.send !== undefined) process.send(totals);
  else say(summary(totals, performance.now() - begun));
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

async function runSeeds(from: number, count: number): Promise<Totals> {
  const totals = noTotals();
  let toldAt = performance.now();
  for (let seed = from; seed < from + count; seed += 1) {
    current = seed;
    const trial = drawTrial(seed);
    const outcome = await runTrial(trial);
    add(totals, outcome);
    if (outcome.violation !== undefined) {
      const { rule, why } = outcome.violation;
      say(`SIM_SEED=${seed} violates ${rule}: ${why}`);
      if (values.stop) break;
      if (totals.failed <= SHRUNK_MAX) say(JSON.stringify(await shrink(trial, rule)));
    }
    if (performance.now() - toldAt > PROGRESS_EVERY_MS) {
      toldAt = performance.now();
      say(`${new Date().toISOString()} ${totals.seeds} of ${count} seeds from ${from}, ${totals.failed} failed`);
    }
  }
  return totals;
}

function add(totals: Totals, { violation, failovers, writes, simulatedMs, settledMs }: Outcome): void {
  totals.seeds += 1;
  if (violation !== undefined) totals.failed += 1;
  totals.failovers += failovers;
  totals.writes += writes;
  totals.simulatedMs += simulatedMs;
  totals.settledMaxMs = Math.max(totals.settledMaxMs, settledMs);
}

async function runJobs(from: number, count: number, jobs: number): Promise<Totals> {
  const share = Math.ceil(count / jobs);
  const running: Promise<Totals>[] = [];
  for (let first = from; first < from + count; first += share) {
    const seeds = Math.min(share, from + count - first);
    const flags = values.stop ? ['--stop'] : [];
    const child = fork(process.argv[1] ?? '', ['--from', String(first), '--seeds', String(seeds), ...flags]);
    running.push(totalsOf(child));
  }
  const all = await Promise.all(running);
  return all.reduce((sum, each) => {
    for (const key of ['seeds', 'failed', 'failovers', 'writes', 'simulatedMs'] as const) sum[key] += each[key];
    sum.settledMaxMs = Math.max(sum.settledMaxMs, each.settledMaxMs);
    return sum;
  }, noTotals());
}

function totalsOf(child: ChildProcess): Promise<Totals> {
  return new Promise((resolve, reject) => {
    let totals: Totals | undefined;
    child.on('message', (message) => {
      totals = message as Totals;
      child.disconnect();
    });
    child.on('exit', (code) => {
      if (totals !== undefined) resolve(totals);
      else reject(new Error(`a job ended with ${code}`));
    });
  });
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
  const shape = { hours: days * 24, sampleHours: SAMPLE_HOURS, calmHours: CALM_DAYS * 24 };
  const { samples, wrong } = await runDays({ seed: Number(values.from), ...shape, told });
  say(JSON.stringify(samples.at(-1)));
  for (const text of wrong) say(`WRONG: ${text}`);
  say(wrong.length === 0 ? 'nothing grows' : `${wrong.length} things are wrong`);
  return wrong.length === 0 ? 0 : 1;
}
