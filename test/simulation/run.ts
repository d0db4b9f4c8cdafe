// One trial, run: the group is built, time passes, faults come and go, and every step is watched. The same trial gives
// the same run, event by event; nothing here looks at a real clock or at chance.
import type { Ms } from '../../src/core/state.ts';
import { seededDraw } from '../config/generate-state.ts';
import { createTime, happenNext, nextComing } from '../core/fake-time.ts';
import { type Client, startClient } from './client.ts';
import { firstFile } from './conf-file.ts';
import { createNode, type DataNode, keepReplicating, type NodeWorld } from './data-node.ts';
import { onMoment, onSave, planFaults, undoAll } from './faults.ts';
import { addParty, type Network } from './network.ts';
import { runIdOf, sentinelIp } from './odd-peers.ts';
import { whatIsWrong } from './order.ts';
import { boot, clockOf, createSentinel, type Life, order, type Sentinel, type SentinelWorld } from './sentinel.ts';
import type { Fault, Trial } from './trial.ts';
import {
  createWatch,
  describeEffect,
  type Violation,
  type Watch,
  watchAnswer,
  watchEffect,
  watchInput,
  watchStart,
  watchState,
  watchStored,
} from './watch.ts';

export interface Run extends SentinelWorld, NodeWorld {
  readonly trial: Trial;
  readonly nodes: DataNode[];
  readonly sentinels: Sentinel[];
  readonly clients: Client[];
  readonly watch: Watch;
  /** The transcript, where one is wanted. */
  readonly lines: string[] | undefined;
  /** The faults are over. */
  calm: boolean;
  /** How to undo the faults in force, and what was right before them. */
  readonly undos: Set<() => void>;
  readonly originals: Map<object, Record<string, unknown>>;
  /** How many have another address by now. */
  moves: number;
  /** Faults that wait for their moment. */
  readonly armed: Extract<Fault, { kind: 'when' }>[];
  /** What becomes of the process that saves next. */
  fate: { readonly fate: 'dies-before' | 'dies-torn' | 'dies-after'; readonly for: Ms } | undefined;
}

export interface Outcome {
  readonly violation: Violation | undefined;
  readonly failovers: number;
  readonly writes: number;
  readonly simulatedMs: Ms;
  /** From the end of the faults until everything was in order. */
  readonly settledMs: Ms;
  readonly lines: readonly string[];
}

/** Once in order, it must stay so for this long. */
const STABLE_MS: Ms = 2500;
const LOOK_EVERY_MS: Ms = 100;
/** More happenings than this at one instant are a loop that stands still. */
const AT_ONCE_MAX = 20_000;

/** Run a trial; with `told` a transcript is kept. */
export async function runTrial(trial: Trial, told = false): Promise<Outcome> {
  const run = createRun(trial, told);
  let settledMs = 0;
  try {
    settledMs = await play(run);
  } catch (error) {
    run.watch.violation ??= { rule: 'error', why: error instanceof Error ? `${error.stack}` : String(error) };
  }
  const { violation, failovers } = run.watch;
  const writes = run.clients.reduce((sum, client) => sum + client.writes, 0);
  if (violation !== undefined) note(run, `VIOLATION of ${violation.rule}: ${violation.why}`);
  return { violation, failovers, writes, simulatedMs: run.net.time.now, settledMs, lines: run.lines ?? [] };
}

async function play(run: Run): Promise<Ms> {
  const { trial, watch, net } = run;
  for (const sentinel of run.sentinels) boot(run, sentinel);
  for (const sentinel of run.sentinels)
    order(run, sentinel, ['SENTINEL', 'DEBUG', ...tunables(trial)], () => undefined);
  planFaults(run);
  await passTime(run, trial.endMs);
  if (trial.ending === 'calm') {
    undoAll(run);
    note(run, 'all faults end');
  }
  const calmAt = trial.ending === 'calm' ? net.time.now : (trial.faults[0]?.at ?? 0);
  const limit = net.time.now + patience(trial);
  for (;;) {
    await passTime(run, limit, () => whatIsWrong(run, calmAt) === undefined);
    const wrong = whatIsWrong(run, calmAt);
    if (watch.violation !== undefined) return 0;
    if (wrong !== undefined) {
      watch.violation = { rule: 'liveness', why: `after ${net.time.now - calmAt} ms ${wrong}` };
      return 0;
    }
    const orderAt = net.time.now;
    note(run, 'in order');
    // What went wrong before the end may still be noticed after it: only an order that lasts is one.
    await passTime(run, orderAt + STABLE_MS, () => whatIsWrong(run, calmAt) !== undefined);
    if (watch.violation !== undefined || whatIsWrong(run, calmAt) === undefined) return orderAt - calmAt;
  }
}

/** What takes minutes by default, as short as a trial is. */
function tunables({ tiltPeriodMs, scripts }: Trial): readonly string[] {
  const tilt = ['tilt-period', String(tiltPeriodMs)];
  return scripts === 'none' ? tilt : [...tilt, 'script-max-runtime', '700', 'script-retry-delay', '20'];
}

/** In which time everything must be in order again (spec/behavior.md §14 I20). */
function patience({ sentinels, ending, announces }: Trial): Ms {
  if (ending === 'repair') return 0;
  const longest = (of: (facts: Trial['sentinels'][number]) => Ms) => Math.max(...sentinels.map(of));
  // By their names nodes are believed again a minute after they started anew.
  const doubt = announces ? 120_000 : 0;
  return (
    doubt +
    60_000 +
    3 * longest(({ failoverTimeoutMs }) => failoverTimeoutMs) +
    longest(({ downAfterMs }) => downAfterMs)
  );
}

/** Let time pass until `until`, or until there is enough or a violation. Whether there is enough is looked at on time. */
export async function passTime(run: Run, until: Ms, isEnough: () => boolean = () => false): Promise<void> {
  const { time } = run.net;
  let lookAt = time.now;
  let at = -1;
  let count = 0;
  while (run.watch.violation === undefined) {
    const next = nextComing(time);
    if (lookAt < next && lookAt <= until) {
      time.now = lookAt;
      if (isEnough()) return;
      lookAt += LOOK_EVERY_MS;
      continue;
    }
    if (next > until) {
      time.now = until;
      return;
    }
    happenNext(time);
    if (run.promised) {
      run.promised = false;
      // The engine goes on behind the promise of its save, two promises away from here.
      for (let hop = 0; hop < 6; hop += 1) await undefined;
    }
    count = time.now === at ? count + 1 : 0;
    at = time.now;
    if (count > AT_ONCE_MAX) throw new Error(`time stands still at ${at}`);
  }
}

/** Build the group of a trial; its clocks stand at `from`, and nothing runs yet. */
export function createRun(trial: Trial, told: boolean, from: Ms = 0): Run {
  const rand = seededDraw(trial.seed ^ 0x5eed);
  const { latencyMs, lateOneIn, lateMs } = trial;
  const net: Network = {
    time: { ...createTime(), now: from },
    parties: new Map(),
    dns: new Map(),
    rand,
    latency: () => {
      const usual = (latencyMs * (50 + rand(100))) / 100;
      return lateOneIn > 0 && !run.calm && rand(lateOneIn) === 0 ? usual + rand(lateMs) : usual;
    },
  };
  const watch = createWatch(trial.announces);
  const run: Run = {
    trial,
    net,
    rand,
    nodes: [],
    sentinels: [],
    clients: [],
    watch,
    lines: told ? [] : undefined,
    calm: false,
    undos: new Set(),
    originals: new Map(),
    moves: 0,
    armed: [],
    fate: undefined,
    promised: false,
    ...hooksOf(watch, () => run),
  };
  addNodes(run);
  addSentinels(run);
  for (let group = 1; group <= trial.masters; group += 1)
    run.clients.push(startClient(net, `m${group}`, run.sentinels));
  return run;
}

function hooksOf(
  watch: Watch,
  run: () => Run,
): Pick<Run, 'started' | 'stored' | 'stepped' | 'acts' | 'heard' | 'answered' | 'saveMs' | 'saves' | 'obeyed'> {
  const recordOf = ({ record }: Life) => {
    if (record === undefined) throw new Error('a life without a record');
    return record;
  };
  return {
    started(sentinel, life) {
      life.record = watchStart(watch, sentinel, life);
    },
    stored: (sentinel) => watchStored(watch, sentinel),
    stepped: (sentinel, life) => watchState(watch, sentinel, life, recordOf(life)),
    acts(sentinel, life, effect) {
      if (run().lines !== undefined) {
        const text = describeEffect(effect);
        if (text !== undefined) note(run(), `${sentinel.name} ${text}`);
      }
      const record = recordOf(life);
      watchState(watch, sentinel, life, record);
      watchEffect(watch, sentinel, life, record, clockOf(run(), sentinel).now, effect);
      return effect.kind !== 'announce' || onMoment(run(), sentinel, effect.event);
    },
    heard: (sentinel, life, from, input) =>
      watchInput(watch, life, recordOf(life), clockOf(run(), sentinel).now, from, input),
    answered: (sentinel, life, args, replies) => watchAnswer(watch, sentinel, life, args, replies),
    saveMs: ({ disk, rand }) => (disk.mode === 'slow' ? rand(2000) : (disk.saveMs * (50 + rand(100))) / 100),
    saves: (sentinel) => onSave(run(), sentinel),
    obeyed: (node, by) => note(run(), `${node.name} obeys ${by.name}: ${node.role} ${node.follows?.host ?? ''}`),
  };
}

function addNodes(run: Run): void {
  const { trial, net, rand } = run;
  for (let group = 1; group <= trial.masters; group += 1)
    for (let index = 0; index <= trial.replicas; index += 1) {
      const name = `m${group}n${index}`;
      const node = createNode(run, {
        name,
        ip: `10.0.${group}.${index + 1}`,
        group: `m${group}`,
        announcedAs: trial.announces ? name : undefined,
        follows: index === 0 ? undefined : { host: trial.announces ? `m${group}n0` : `10.0.${group}.1`, port: 6379 },
        priority: priorityOf(trial, index),
        syncMs: rand(trial.syncMs + 1),
      });
      run.nodes.push(node);
      addParty(net, node);
      net.dns.set(name, node.ip);
      keepReplicating(run, node);
    }
}

function priorityOf({ unwanted, preferred }: Trial, index: number): number {
  if (index === unwanted) return 0;
  return index === preferred ? 50 : 100;
}

function addSentinels(run: Run): void {
  const { trial, net, rand } = run;
  for (const [index, facts] of trial.sentinels.entries()) {
    const { saveMs, clockRate, ticks } = facts;
    const sentinel = createSentinel(run, {
      name: `s${index + 1}`,
      ip: sentinelIp(index),
      runId: runIdOf(index),
      rand: seededDraw(rand(2 ** 31)),
      text: firstFile(trial, index),
      whole: trial.wholeFiles,
      saveMs,
      clockRate,
      ticks,
    });
    run.sentinels.push(sentinel);
    addParty(net, sentinel);
  }
}

/** A line of the transcript. */
export function note(run: Run, text: string): void {
  run.lines?.push(`${run.net.time.now.toFixed(2).padStart(9)} ${text}`);
}
