// `npm run bench`: our figures beside those of redis-sentinel, measured in turn in one run on one machine.
import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { availableParallelism, cpus, totalmem } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { findGenuineSentinel, findRedisServer } from '../src/demo/programs.ts';
import { failoverMeasurements } from './failover.ts';
import { mastersMeasurements } from './masters.ts';
import { type Measurement, measure, type Result } from './measure.ts';
import { table } from './report.ts';
import { requestMeasurements } from './requests.ts';

const USAGE = `npm run bench -- [--short] [--only <text>] [--kind ts|genuine] [--write] [--list]

  --short   fewer rounds: a look, not figures to keep
  --only    measurements whose name contains the text
  --kind    one side only
  --write   replace the table in bench/RESULTS.md
  --list    the names of the measurements
`;

const { values } = parseArgs({
  options: {
    short: { type: 'boolean', default: false },
    only: { type: 'string', default: '' },
    kind: { type: 'string', default: '' },
    write: { type: 'boolean', default: false },
    list: { type: 'boolean', default: false },
    help: { type: 'boolean', default: false },
  },
});

const all: Measurement[] = [
  ...requestMeasurements(values.short),
  ...mastersMeasurements(values.short),
  ...failoverMeasurements(values.short),
];
const chosen = all
  .filter(({ name }) => name.includes(values.only))
  .map((measurement) => ({ ...measurement, rounds: sides(measurement.rounds) }));

if (values.help) print(USAGE);
else if (values.list) for (const { name } of all) print(name);
else if (findGenuineSentinel() === undefined || findRedisServer() === undefined) {
  print('The benchmark compares with redis-sentinel: install redis-server, redis-sentinel and redis-tools first.');
  process.exitCode = 1;
} else await bench();

async function bench(): Promise<void> {
  const results: Result[] = [];
  for (const measurement of chosen) {
    results.push(...(await measure(measurement, (text) => process.stderr.write(`${text}\n`))));
    process.stderr.write(`${table(results.slice(-measurement.rows.length))}\n\n`);
  }
  const text = `${machine()}\n\nFigures: min / median / max (how many).\n\n${table(results)}`;
  print(text);
  if (values.write) keep(text);
}

/** No rounds for the side that was not asked for. */
function sides(rounds: Measurement['rounds']): Measurement['rounds'] {
  if (values.kind === 'ts') return { ...rounds, genuine: 0 };
  return values.kind === 'genuine' ? { ...rounds, ts: 0 } : rounds;
}

function machine(): string {
  const version = (program: string) => execFileSync(program, ['--version']).toString().match(/v=\S+/)?.[0] ?? '';
  const memory = Math.round(totalmem() / 1024 ** 3);
  return `${availableParallelism()} cores (${cpus()[0]?.model ?? 'unknown'}), ${memory} GB; Node.js ${process.version}; redis-sentinel ${version('redis-sentinel')}`;
}

/** What stands below the mark is replaced; what is said about it stays. */
function keep(text: string): void {
  const file = join(process.cwd(), 'bench', 'RESULTS.md');
  const mark = '<!-- measured -->';
  const [above = ''] = readFileSync(file, 'utf8').split(mark);
  writeFileSync(file, `${above}${mark}\n\n${text}\n`);
}

function print(text: string): void {
  process.stdout.write(`${text}\n`);
}
