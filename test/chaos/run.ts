import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { SentinelKind } from '../../src/demo/programs.ts';
import { until } from '../../src/demo/until.ts';
import { checkHistory } from './check.ts';
import { type Field, type Moments, suffer } from './faults.ts';
import { type EpisodeFigures, figuresOf, lostWrites } from './figures.ts';
import { type LineOf, only, toRows } from './history.ts';
import { createNetwork } from './network.ts';
import { type Observer, observe } from './observer.ts';
import { lookForOrder } from './order.ts';
import {
  CLIENT_HOSTS,
  type DataHost,
  describeFault,
  drawEpisode,
  type Episode,
  type Ms,
  type Plan,
  SENTINEL_HOSTS,
  type SentinelHost,
} from './plan.ts';
import { createRecorder, type Recorder } from './recorder.ts';
import { startServers } from './servers.ts';
import type { Violation } from './violation.ts';
import { startWriters, type Writers } from './writers.ts';

export interface RunOptions {
  readonly plan: Plan;
  readonly sentinels: Readonly<Record<SentinelHost, SentinelKind>>;
  /** The number of the first episode. */
  readonly from: number;
  /** No episode begins after this time. */
  readonly forMs: Ms;
  /** An empty folder for disks, logs and the history. */
  readonly dir: string;
  readonly say: (text: string) => void;
  /** Asked between episodes: the run is to end. */
  readonly isStopped: () => boolean;
}

export interface Outcome {
  readonly episodes: readonly EpisodeFigures[];
  readonly violations: readonly Violation[];
  readonly lost: number;
  readonly acknowledged: number;
}

/** A minute and three failover-timeouts: what the simulation allows as well. */
const orderMs = ({ settings }: Plan): Ms => 60_000 + 3 * settings.failoverTimeoutMs;
const START_MS: Ms = 60_000;
const LOOK_MS: Ms = 250;
/** Order counts when it is still there a moment later. */
const STEADY_MS: Ms = 500;
const QUIET_MS: Ms = 12_000;

/** Needs a network, a mount and a process namespace of its own: whatever it starts and mounts goes with them. */
export async function runChaos(options: RunOptions): Promise<Outcome> {
  const { plan, sentinels, dir, say } = options;
  const recorder = createRecorder(join(dir, 'history.jsonl'));
  recorder.write({ at: recorder.now(), kind: 'run', seed: plan.seed, sentinels, settings: plan.settings });
  const network = await createNetwork();
  const servers = await startServers(dir, plan.settings, sentinels, recorder);
  const observer = observe(servers, recorder);
  const writers = startWriters(dir, recorder);
  const field: Field = { servers, network, recorder, closed: new Map(), moments: momentsOf(recorder) };
  const kinds = SENTINEL_HOSTS.map((host) => `${host} ${sentinels[host]}`).join(', ');
  say(`seed ${plan.seed}: ${kinds}; ${JSON.stringify(plan.settings)}; slow links by ${network.shaper}`);
  if (!servers.canSlowDisks) say('no C compiler: disks are not slowed down');
  await until('order at the beginning', () => isInOrder(field, writers, 0), { withinMs: START_MS, everyMs: LOOK_MS });
  const begun = recorder.now();
  for (let index = options.from; recorder.now() - begun < options.forMs && !options.isStopped(); index++) {
    const goesOn = await play(field, writers, observer, plan, drawEpisode(plan, index), say);
    if (!goesOn) break;
  }
  await beQuiet(field, writers, plan, say);
  await finish(field, writers, observer);
  await recorder.close();
  const lines = recorder.lines();
  return {
    episodes: figuresOf(lines),
    violations: checkHistory(lines),
    lost: lostWrites(lines).length,
    acknowledged: only(lines, 'write').filter(({ error }) => error === undefined).length,
  };
}

/** One episode; false: order did not come back, and nothing that came after it would mean anything. */
async function play(
  field: Field,
  writers: Writers,
  observer: Observer,
  plan: Plan,
  episode: Episode,
  say: (text: string) => void,
): Promise<boolean> {
  const { recorder, servers } = field;
  const { index, label, calmMs } = episode;
  await sleep(calmMs);
  const master = await masterNow(field, writers);
  const faults = episode.faults.filter(({ kind }) => kind !== 'slow-disk' || servers.canSlowDisks);
  const from = recorder.now();
  const tell = (at: Ms, step: LineOf<'episode'>['step'], more: { why?: string } = {}) =>
    recorder.write({ at, kind: 'episode', index, step, label, ...more });
  tell(from, 'begins');
  await Promise.all(faults.map((fault) => suffer(field, index, fault, master)));
  const over = recorder.now();
  tell(over, 'faults-over');
  const inOrderAt = await waitForOrder(field, writers, over, orderMs(plan));
  if (typeof inOrderAt === 'number') tell(inOrderAt, 'in-order');
  else tell(recorder.now(), 'disorder', { why: inOrderAt.wrong });
  observer.readLogs();
  const lines = recorder.lines(from - 1500);
  const [figures] = figuresOf(lines).filter((each) => each.index === index);
  say(lineOf(episode, from - (only(recorder.lines(), 'episode')[0]?.at ?? from), figures, inOrderAt));
  return typeof inOrderAt === 'number';
}

function lineOf(
  { index, label, faults }: Episode,
  sinceMs: Ms,
  figures: EpisodeFigures | undefined,
  order: Ms | { readonly wrong: string },
): string {
  const time = new Date(sinceMs).toISOString().slice(11, 19);
  const done = typeof order === 'number' ? `order after ${figures?.repairMs} ms` : `NO ORDER: ${order.wrong}`;
  const seen = `${figures?.unavailableMs} ms without a write, ${figures?.failovers} failovers, ${done}`;
  return `${time} #${index} ${label}: ${seen}  [${faults.map(describeFault).join('; ')}]`;
}

/** When order was there, and stayed for a moment; or what was wrong at the last. */
async function waitForOrder(field: Field, writers: Writers, since: Ms, withinMs: Ms): Promise<Ms | { wrong: string }> {
  const { recorder, servers } = field;
  let foundAt: Ms | undefined;
  for (;;) {
    const at = recorder.now();
    const found = await lookForOrder(servers, writers.last(), since);
    if ('master' in found) {
      foundAt ??= at;
      if (at - foundAt >= STEADY_MS) return foundAt;
    } else {
      foundAt = undefined;
      if (recorder.now() - since > withinMs) return found;
    }
    await sleep(LOOK_MS);
  }
}

async function isInOrder(field: Field, writers: Writers, since: Ms): Promise<boolean> {
  return (
    writers.last().size === 2 * CLIENT_HOSTS.length &&
    'master' in (await lookForOrder(field.servers, writers.last(), since))
  );
}

/** Order was there a moment ago: who is the master? */
function masterNow({ servers, recorder }: Field, writers: Writers): Promise<DataHost> {
  return until(
    'a master to do something to',
    async () => {
      const found = await lookForOrder(servers, writers.last(), recorder.now() - 3000);
      return 'master' in found ? found.master : undefined;
    },
    { everyMs: LOOK_MS, withinMs: START_MS },
  );
}

/** After everything: it stays in order. */
async function beQuiet(field: Field, writers: Writers, plan: Plan, say: (text: string) => void): Promise<void> {
  const { recorder } = field;
  recorder.write({ at: recorder.now(), kind: 'quiet', step: 'begins' });
  await sleep(QUIET_MS);
  const over = recorder.now();
  const found = await waitForOrder(field, writers, over, orderMs(plan));
  if (typeof found === 'number') recorder.write({ at: over, kind: 'quiet', step: 'over' });
  else recorder.write({ at: over, kind: 'quiet', step: 'disorder', why: found.wrong });
  if (typeof found !== 'number') say(`at the end: ${found.wrong}`);
}

/** See what is left of the writes, and how the sentinels end and leave their files. */
async function finish({ servers, recorder }: Field, writers: Writers, observer: Observer): Promise<void> {
  await writers.stop();
  for (const [writer, { to }] of writers.last()) {
    const host = (['d1', 'd2', 'd3'] as const).find((each) => each === to);
    if (host === undefined) continue;
    const numbers = (await servers.of(host).client.command('LRANGE', `writes:${writer}`, '0', '-1')) as string[];
    recorder.write({ at: recorder.now(), kind: 'kept', on: host, writer, rows: toRows(numbers.map(Number)) });
  }
  observer.stop();
  servers.endSupervision();
  for (const host of SENTINEL_HOSTS) {
    await servers.of(host).stop();
    await servers.checkFile(host);
  }
  observer.readLogs();
}

function momentsOf(recorder: Recorder): Moments {
  const waiting: { channel: string; found: (by: SentinelHost) => void }[] = [];
  recorder.onLine((line) => {
    if (line.kind !== 'event' || line.via !== 'pubsub') return;
    for (const each of waiting.filter(({ channel }) => channel === line.channel)) {
      waiting.splice(waiting.indexOf(each), 1);
      each.found(line.by);
    }
  });
  return {
    next: (channel, within) =>
      Promise.race([
        new Promise<SentinelHost>((found) => waiting.push({ channel, found })),
        sleep(within, undefined, { ref: false }),
      ]),
  };
}
