// npm run chaos: a real cluster under drawn faults. The first process makes namespaces and starts itself again in them:
// whatever is started, mounted or given an address there ends with it, however it ends.
import { spawn, spawnSync } from 'node:child_process';
import { cpSync, mkdtempSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { findGenuineSentinel, type SentinelKind } from '../../src/demo/programs.ts';
import { type Report, toTable } from './figures.ts';
import { drawPlan, type Plan, type SentinelHost } from './plan.ts';
import { runChaos } from './run.ts';

const USAGE = `npm run chaos -- [--minutes N] [--seed S] [--mixed | --genuine] [--from I] [--json FILE] [--keep]
  --minutes N   how long episodes begin (10)       --seed S    what is drawn from (1)
  --mixed       one or two redis-sentinels of three, drawn from the seed
  --genuine     three redis-sentinels              --json FILE write the figures there
  --from I      begin with the episode of this number (0)
  --keep        keep logs and history also when nothing is wrong
npm run chaos -- --table FILE…   the figures of several runs side by side, as markdown
Ends with 1 when ts-sentinel broke a rule, with 2 when the run could not be done.
`;

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    minutes: { type: 'string', default: '10' },
    seed: { type: 'string', default: '1' },
    mixed: { type: 'boolean', default: false },
    genuine: { type: 'boolean', default: false },
    from: { type: 'string', default: '0' },
    json: { type: 'string' },
    keep: { type: 'boolean', default: false },
    table: { type: 'boolean', default: false },
    /** Set by the first process for the second: the folder of the run. */
    inside: { type: 'string' },
    help: { type: 'boolean', default: false },
  },
});
const say = (text: string) => void process.stdout.write(`${text}\n`);
const minutes = Number(values.minutes);
const seed = Number(values.seed);
const from = Number(values.from);
const group = values.genuine ? 'genuine' : values.mixed ? 'mixed' : 'ts';
const FOLDER = 'ts-sentinel-chaos-';

process.exitCode = await main();

async function main(): Promise<number> {
  if (values.table) {
    say(toTable(positionals.map((file) => JSON.parse(readFileSync(file, 'utf8')) as Report)));
    return 0;
  }
  const isSound =
    minutes > 0 && [seed, from].every((n) => Number.isSafeInteger(n) && n >= 0) && !(values.mixed && values.genuine);
  if (values.help || positionals.length > 0 || !isSound) {
    say(USAGE);
    return values.help ? 0 : 2;
  }
  return values.inside === undefined ? outside() : inside(values.inside);
}

/** Make a folder and namespaces, and wait for what happens in them. */
async function outside(): Promise<number> {
  if (group !== 'ts' && findGenuineSentinel() === undefined) return refuse('redis-sentinel is not installed');
  const wanted = ['--net', '--mount', '--pid', '--fork', '--kill-child', '--mount-proc'];
  const spaces = process.getuid?.() === 0 ? wanted : ['--map-root-user', ...wanted];
  const tried = spawnSync('unshare', [...spaces, 'ip', 'link', 'add', 'br0', 'type', 'bridge'], { encoding: 'utf8' });
  if (tried.status !== 0)
    return refuse(
      `hosts need namespaces and a bridge, which are refused here: ${tried.stderr || tried.error?.message}`,
    );
  removeLeftovers();
  const dir = mkdtempSync(join(tmpdir(), `${FOLDER}${process.pid}-`));
  const self = [process.execPath, ...process.argv.slice(1), '--inside', dir];
  // When we end, our end of the pipe closes, and whoever is inside ends of that.
  const child = spawn('unshare', [...spaces, ...self], { stdio: ['pipe', 'inherit', 'inherit'], detached: true });
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => child.stdin.end());
  const code = await new Promise<number>((resolve) => child.on('close', (status) => resolve(status ?? 2)));
  if (code === 0 && !values.keep) rmSync(dir, { recursive: true, force: true });
  else {
    const kept = dir.replace(FOLDER, `${FOLDER}kept-`);
    renameSync(dir, kept);
    say(`logs and history: ${kept}`);
  }
  return code;
}

function refuse(why: string): number {
  say(why.trim());
  return 2;
}

/** Folders of runs whose first process is gone: all else went with it. */
function removeLeftovers(): void {
  for (const name of readdirSync(tmpdir())) {
    const pid = new RegExp(`^${FOLDER}(\\d+)-`).exec(name)?.[1];
    if (pid !== undefined && !isAlive(Number(pid))) rmSync(join(tmpdir(), name), { recursive: true, force: true });
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

/** The first process of its namespace: all others there end when it does. */
async function inside(dir: string): Promise<number> {
  let stopped = false;
  process.stdin.resume().on('end', () => {
    if (stopped) return;
    stopped = true;
    say('interrupted');
    process.exit(2);
  });
  const plan = drawPlan(seed);
  const sentinels = sentinelsOf(plan);
  const forMs = minutes * 60_000;
  try {
    const outcome = await runChaos({ plan, sentinels, from, forMs, dir, say, isStopped: () => stopped });
    const { episodes, violations, acknowledged, lost } = outcome;
    const report: Report = {
      seed,
      group,
      minutes,
      sentinels,
      episodes,
      violations: violations.map(({ rule, why, ours }) => ({ rule, why, ours })),
    };
    if (values.json !== undefined) writeFileSync(values.json, `${JSON.stringify(report, undefined, 1)}\n`);
    say(`\n${toTable([report])}\n`);
    for (const { rule, why, ours, proof } of violations) {
      say(`${ours ? 'VIOLATION' : 'redis-sentinel breaks'} ${rule}: ${why}`);
      for (const line of proof) say(`  ${new Date(line.at).toISOString()} ${JSON.stringify(line)}`);
    }
    const wrong = violations.filter(({ ours }) => ours).length;
    say(`${episodes.length} episodes, ${acknowledged} writes acknowledged, ${lost} of them lost; ${wrong} violations`);
    if (violations.length > 0) keepDisks(dir);
    return wrong === 0 ? 0 : 1;
  } catch (error) {
    say(error instanceof Error ? (error.stack ?? error.message) : String(error));
    keepDisks(dir);
    return 2;
  } finally {
    // The servers are still running, and end with us.
    setImmediate(() => process.exit());
  }
}

/** The disks of sentinels are gone with this process: their files are copied beside the logs. */
function keepDisks(dir: string): void {
  for (const host of ['s1', 's2', 's3']) cpSync(join(dir, host), join(dir, `disk-of-${host}`), { recursive: true });
}

function sentinelsOf(plan: Plan): Readonly<Record<SentinelHost, SentinelKind>> {
  if (values.mixed) return plan.mixed;
  const kind = values.genuine ? 'genuine' : 'ts';
  return { s1: kind, s2: kind, s3: kind };
}
