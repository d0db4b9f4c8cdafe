// npm run soak: three sentinels and their nodes live through what a long life brings. Samples are taken when all is
// quiet; the end is a verdict on growth, and exit code 1 where there is any, or where something went wrong.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import type { SentinelOptions } from '../../src/demo/cluster.ts';
import { freePorts } from '../../src/demo/ports.ts';
import { atExit } from '../../src/demo/processes.ts';
import { sentinelCommand } from '../../src/demo/programs.ts';
import { startTopology, type Topology } from '../../src/demo/topology.ts';
import { textOf } from '../../src/demo/until.ts';
import { createChance } from './chance.ts';
import { allFollow, HAPPENINGS, type Happening } from './happenings.ts';
import { createLoad, type Load, type Places } from './load.ts';
import { PROBE_PATH } from './probe.ts';
import { look, type Sample, snapshot } from './sample.ts';
import { type Figure, judge } from './verdict.ts';

const USAGE = `npm run soak -- [--minutes N] [--seed S] [--snapshots FOLDER]
  --minutes N         how long (60)
  --seed S            what the load says and what happens is drawn from it (1)
  --snapshots FOLDER  heap snapshots of the first sentinel at the middle and at the end, for looking into growth
`;

/** The load lasts at least this long in every round. */
const LOAD_MS = 6000;
/** A client that was told its last word has a second to leave; then it is quiet. */
const QUIET_MS = 2000;
/** A table this often. */
const TABLE_EVERY_MS = 180_000;
/** A cluster that needs longer to be well again is not well. */
const SETTLED_MS = 120_000;
/** Sentinels that are never restarted: these are judged. */
const OLD = 2;

const { values } = parseArgs({
  options: {
    minutes: { type: 'string', default: '60' },
    seed: { type: 'string', default: '1' },
    snapshots: { type: 'string' },
    help: { type: 'boolean', default: false },
  },
});
const minutes = Number(values.minutes);
if (values.help || !(minutes > 0)) {
  process.stdout.write(USAGE);
  process.exit(values.help ? 0 : 2);
}
const tell = (text: string) => void process.stdout.write(`${text}\n`);

async function soak(): Promise<number> {
  const folder = mkdtempSync(join(tmpdir(), 'ts-sentinel-soak-'));
  const forget = atExit(() => rmSync(folder, { recursive: true, force: true }));
  const probes = [1, 2, 3].map((number) => join(folder, `probe-${number}`));
  const topology = await startTopology({
    sentinels: probes.map(withProbe),
    downAfterMs: 3000,
    failoverTimeoutMs: 15_000,
  });
  try {
    const { samples, troubles } = await live(topology, probes);
    return conclude(samples, troubles);
  } finally {
    await topology.stop();
    rmSync(folder, { recursive: true, force: true });
    forget();
  }
}

/** The built sentinel with the probe in it, and with scripts that do nothing. */
function withProbe(path: string): SentinelOptions {
  const [node = '', main = ''] = sentinelCommand('ts');
  const probe = fileURLToPath(new URL('probe.js', import.meta.url));
  return {
    command: [node, '--import', probe, main],
    env: { [PROBE_PATH]: path },
    config: [
      'sentinel deny-scripts-reconfig no',
      'sentinel notification-script mymaster /bin/true',
      'sentinel client-reconfig-script mymaster /bin/true',
    ],
  };
}

interface Life {
  /** Of each sentinel. */
  readonly samples: Sample[][];
  readonly troubles: string[];
}

async function live(topology: Topology, probes: readonly string[]): Promise<Life> {
  const chance = createChance(Number(values.seed));
  const spare = await topology.addMaster('spare', { replicas: 1 });
  for (const sentinel of topology.sentinels) await sentinel.command('SENTINEL', 'REMOVE', 'spare');
  const places = await placesOf(topology);
  const load = createLoad(
    topology.sentinels.map(({ port }) => port),
    () => places,
    chance,
  );
  const life: Life = { samples: probes.map(() => []), troubles: [] };
  const begun = performance.now();
  const passedMs = () => performance.now() - begun;
  let deck: Happening[] = [];
  let toldAt = 0;
  let halfWay = false;
  for (let round = 1; passedMs() < minutes * 60_000; round++) {
    if (deck.length === 0) deck = chance.shuffled(HAPPENINGS);
    const happening = deck.pop() as Happening;
    try {
      await oneRound(load, () => happening.run({ topology, spare, chance, round }));
      await allFollow({ topology, spare }, SETTLED_MS);
      await topology.settled({ withinMs: SETTLED_MS });
      await sleep(QUIET_MS);
      const minute = passedMs() / 60_000;
      for (const [index, probe] of probes.entries()) {
        const sentinel = topology.sentinels[index];
        if (sentinel !== undefined) life.samples[index]?.push(await look(sentinel, probe, minute));
      }
    } catch (error) {
      life.troubles.push(`round ${round}, ${happening.name}: ${textOf(error)}`);
      tell(`round ${round}, ${happening.name}: ${textOf(error)}`);
    }
    // Nothing else ends a sentinel in such a way.
    const ended = topology.sentinels.find(({ running }) => !running);
    if (ended !== undefined) throw new Error(`${ended.name} has ended\n${topology.report()}`);
    if (passedMs() - toldAt >= TABLE_EVERY_MS) {
      toldAt = passedMs();
      tell(`\n${round} rounds, ${load.visits} visits, ${life.troubles.length} troubles`);
      for (const [index, samples] of life.samples.entries()) tell(`sentinel ${index + 1}\n${table(samples.slice(-8))}`);
    }
    if (!halfWay && passedMs() > minutes * 30_000) {
      halfWay = true;
      await keepSnapshot(probes, 'middle');
    }
  }
  await keepSnapshot(probes, 'end');
  return life;
}

async function oneRound(load: Load, happen: () => Promise<void>): Promise<void> {
  load.start();
  try {
    await Promise.all([happen(), sleep(LOAD_MS)]);
  } finally {
    await load.stop();
  }
}

async function keepSnapshot([probe = '']: readonly string[], when: string): Promise<void> {
  if (values.snapshots !== undefined) await snapshot(probe, join(values.snapshots, `${when}.heapsnapshot`));
}

async function placesOf(topology: Topology): Promise<Places> {
  const [deadport = 0, xport = 0] = await freePorts(2);
  const second = topology.sentinels[1];
  return {
    deadport: String(deadport),
    xport: String(xport),
    mport: String(topology.master.port),
    s2port: String(second?.port),
    s2id: String(await second?.command('SENTINEL', 'MYID')),
  };
}

const COLUMNS: readonly (readonly [head: string, figure: keyof Sample, digits: number])[] = [
  ['minute', 'minute', 1],
  ['heap KB', 'heapKb', 0],
  ['buffers KB', 'externalKb', 0],
  ['RSS KB', 'residentKb', 0],
  ['sockets', 'sockets', 0],
  ['other files', 'otherFiles', 0],
  ['handles', 'handles', 0],
  ['conf bytes', 'confBytes', 0],
  ['names', 'names', 0],
  ['delay p99 ms', 'delayP99Ms', 1],
  ['delay max ms', 'delayMaxMs', 1],
];

function table(samples: readonly Sample[]): string {
  const rows = samples.map((sample) => COLUMNS.map(([, figure, digits]) => sample[figure].toFixed(digits)));
  return [COLUMNS.map(([head]) => head), ...rows]
    .map((cells) => cells.map((cell, column) => cell.padStart(COLUMNS[column]?.[0].length ?? 0)).join('  '))
    .join('\n');
}

/** What is kept outside the process must not grow either where the process is restarted. */
const OUTSIDE: Figure[] = ['confBytes', 'names'];

function conclude(samples: readonly Sample[][], troubles: readonly string[]): number {
  let grown = 0;
  for (const [index, own] of samples.entries()) {
    tell(`\nsentinel ${index + 1}\n${table(own.slice(-8))}`);
    tell(`\nsentinel ${index + 1}: ${own.length} samples; growth over the second half, by a straight line`);
    for (const { figure, growth, limit, grows } of judge(own, index < OLD ? undefined : OUTSIDE)) {
      tell(`  ${figure.padEnd(12)} ${growth.toFixed(1).padStart(10)}  limit ${limit}${grows ? '  GROWS' : ''}`);
      if (grows) grown += 1;
    }
  }
  for (const trouble of troubles) tell(`trouble in ${trouble}`);
  tell(grown === 0 && troubles.length === 0 ? 'no growth' : `${grown} figures grow, ${troubles.length} troubles`);
  return grown === 0 && troubles.length === 0 ? 0 : 1;
}

process.exitCode = await soak();
