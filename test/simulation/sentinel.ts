// A whole sentinel of the simulation: the production core, engine, commands and configuration code, with a wire, a disk,
// clocks and chance that are fake. What it remembers across a crash is the text of its file, and nothing else.
import { createHash } from 'node:crypto';
import { execute } from '../../src/commands/execute.ts';
import type { CommandWorld, Outcome, ProcessFacts } from '../../src/commands/outcome.ts';
import { closeSession, createSessions, openSession, type Session } from '../../src/commands/session.ts';
import { commandTable } from '../../src/commands/table.ts';
import { type LoadedConfig, loadConfig } from '../../src/config/load.ts';
import { rewriteConfig } from '../../src/config/rewrite.ts';
import { createState } from '../../src/core/create.ts';
import { type DurableState, durableState } from '../../src/core/durable.ts';
import type { Clock, Input, NodeReply } from '../../src/core/effects.ts';
import type { ConnectionId, Ms, RunId, SentinelState } from '../../src/core/state.ts';
import type { Reply } from '../../src/protocol/reply.ts';
import { type Audience, createEngine, type Engine, type OuterEffect } from '../../src/shell/engine.ts';
import { SaveError } from '../../src/shell/store.ts';
import { accessWith } from '../commands/bench.ts';
import { fakeEnvironment } from '../config/fake-environment.ts';
import type { Draw } from '../config/generate-state.ts';
import { createTimer, plan, setTimer, type Timer } from '../core/fake-time.ts';
import { close, connect, inProcess, kill, type Network, type Party, partyFacts, type Socket, send } from './network.ts';
import { type Mumble, mumbled } from './odd-peers.ts';
import { type Processes, startScript } from './scripts.ts';
import type { Record } from './watch.ts';

export interface Disk {
  /** The text that was last rendered; what was saved since is in `saved`. */
  text: string;
  /** The text that was read at the last start, and what was read: a file that nobody wrote need not be read again. */
  read: { readonly text: string; readonly loaded: LoadedConfig };
  /** What the file says, in the state's terms. */
  saved: DurableState;
  /** Render and read the file at each save, not only at each start. */
  readonly whole: boolean;
  mode: 'works' | 'fails' | 'slow';
  readonly saveMs: Ms;
}

/** One start of the process: nothing of it outlives a crash. */
export interface Life {
  readonly state: SentinelState;
  readonly engine: Engine;
  readonly world: CommandWorld;
  readonly loaded: LoadedConfig;
  readonly connections: Map<ConnectionId, Socket>;
  /** The operator's scripts that run. */
  readonly processes: Processes;
  readonly timer: Timer;
  /** What it hears it acts on only when its save is done. */
  saving: boolean;
  /** What the watch saw of it. */
  record: Record | undefined;
  /** Inputs that wait for the next tick, where the sentinel acts on ticks only. */
  readonly untilTick: (() => void)[];
}

export interface Sentinel extends Party {
  readonly kind: 'sentinel';
  /** Another one only when its file was lost. */
  runId: RunId;
  readonly disk: Disk;
  readonly rand: Draw;
  /** Monotonic milliseconds that pass in one of the simulation. */
  readonly clockRate: number;
  wallOffsetMs: Ms;
  /** It acts on ticks of 50 to 100 ms, as the genuine server does; requests it answers at once. */
  readonly ticks: boolean;
  /** Its resolver does not answer, or late. */
  nameless: boolean;
  /** How its answers to peers are wrong. */
  mumbles: Mumble | undefined;
  life: Life | undefined;
}

/** What the run wants to know of its sentinels, and may do to them. */
export interface SentinelWorld {
  readonly net: Network;
  /** Microtasks are waiting: a save was settled. */
  promised: boolean;
  started(sentinel: Sentinel, life: Life): void;
  /** What is in `disk.saved` is on its disk. */
  stored(sentinel: Sentinel): void;
  /** Something was stepped. */
  stepped(sentinel: Sentinel, life: Life): void;
  /** An effect is about to be carried out. False: the process died of it. */
  acts(sentinel: Sentinel, life: Life, effect: OuterEffect): boolean;
  /** A reply or message from the other end of a connection reached the core. */
  heard(sentinel: Sentinel, life: Life, from: Socket | undefined, input: Input): void;
  /** A request was answered. */
  answered(sentinel: Sentinel, life: Life, args: readonly string[], replies: readonly Reply[]): void;
  /** How long a save takes that begins now. */
  saveMs(sentinel: Sentinel): Ms;
  /** A save is about to be on disk. `torn`: the process died before it was told, the old text or the new is there. */
  saves(sentinel: Sentinel): 'goes-on' | 'dies-before' | 'dies-torn' | 'dies-after';
}

const sha256Hex = (bytes: string) => createHash('sha256').update(bytes, 'latin1').digest('hex');
const environment = fakeEnvironment({ sha256Hex });
/** No client listens. */
const NOBODY: Audience = [];
/** When the simulated world began, as Unix time. */
const WALL_START_MS = Date.UTC(2026, 0, 1);

export function createSentinel(
  world: SentinelWorld,
  facts: {
    name: string;
    ip: string;
    runId: RunId;
    rand: Draw;
    text: string;
    whole: boolean;
    saveMs: Ms;
    clockRate: number;
    ticks: boolean;
  },
): Sentinel {
  const { name, ip, runId, rand, text, whole, saveMs, clockRate, ticks } = facts;
  const loaded = loadConfig(text, environment);
  const sentinel: Sentinel = {
    kind: 'sentinel',
    ...partyFacts(name, ip, 26379),
    runId,
    disk: { text, read: { text, loaded }, saved: loaded.durable, whole, mode: 'works', saveMs },
    rand,
    clockRate,
    wallOffsetMs: WALL_START_MS,
    ticks,
    nameless: false,
    mumbles: undefined,
    life: undefined,
    accept: (socket) => serve(world, sentinel, socket),
  };
  return sentinel;
}

/** Its process is not running: its file is another one from now on. */
export function writeFile({ disk }: Sentinel, text: string): void {
  const loaded = loadConfig(text, environment);
  disk.text = text;
  disk.read = { text, loaded };
  disk.saved = loaded.durable;
}

export function clockOf({ net }: SentinelWorld, sentinel: Sentinel): Clock {
  const now = Math.trunc(net.time.now * sentinel.clockRate);
  return { now, wallMs: now + sentinel.wallOffsetMs };
}

/** The whole text of the file; rendered now if it was not at its last save. */
export function fileText({ disk, life }: Sentinel): string {
  if (life !== undefined) disk.text = rewriteConfig(disk.text, disk.saved, life.loaded.inEffect);
  return disk.text;
}

/** Start the process from what its file says. */
export function boot(world: SentinelWorld, sentinel: Sentinel): void {
  const { disk, rand } = sentinel;
  if (disk.read.text !== disk.text) disk.read = { text: disk.text, loaded: loadConfig(disk.text, environment) };
  const { loaded } = disk.read;
  const clock = clockOf(world, sentinel);
  const facts = { myId: sentinel.runId, requirePass: undefined, port: sentinel.port };
  const { state, effects } = createState(loaded.durable, facts, clock, rand);
  const commands: CommandWorld = {
    state,
    sessions: createSessions(),
    rand,
    access: accessWith(),
    table: commandTable,
    isExecutable: () => true,
    facts: () => processFacts(sentinel),
  };
  const life: Life = {
    state,
    world: commands,
    loaded,
    connections: new Map(),
    processes: new Map(),
    timer: createTimer(),
    saving: false,
    record: undefined,
    untilTick: [],
    engine: createEngine(state, {
      clock: () => clockOf(world, sentinel),
      rand,
      save: () => save(world, sentinel, life),
      audience: () => NOBODY,
      perform: (effect) => {
        if (sentinel.life === life && world.acts(sentinel, life, effect)) perform(world, sentinel, life, effect);
      },
      afterInputs: (callback) => plan(world.net.time, world.net.time.now, () => run(world, sentinel, life, callback)),
      setTimer: (callback, delayMs) => wakeAfter(world, sentinel, life, callback, delayMs),
    }),
  };
  sentinel.life = life;
  sentinel.condition = 'up';
  world.started(sentinel, life);
  life.engine.start(effects);
  if (sentinel.ticks) tick(world, sentinel, life);
}

/** Run something in this life of the process, if it still is this life. */
function run(world: SentinelWorld, sentinel: Sentinel, life: Life, act: () => void): void {
  if (sentinel.life !== life || sentinel.condition !== 'up') return;
  if (sentinel.paused) {
    sentinel.backlog.push(() => run(world, sentinel, life, act));
    return;
  }
  act();
  if (sentinel.life === life) world.stepped(sentinel, life);
}

/** The same for what comes from outside: a sentinel that acts on ticks looks at it at the next one. */
function feed(world: SentinelWorld, sentinel: Sentinel, life: Life, act: () => void): void {
  if (sentinel.ticks) life.untilTick.push(act);
  else {
    act();
    if (sentinel.life === life) world.stepped(sentinel, life);
  }
}

function tick(world: SentinelWorld, sentinel: Sentinel, life: Life): void {
  const { time } = world.net;
  plan(time, time.now + 50 + sentinel.rand(51), () =>
    run(world, sentinel, life, () => {
      for (const act of life.untilTick.splice(0)) {
        if (sentinel.life !== life) return;
        act();
        world.stepped(sentinel, life);
      }
      tick(world, sentinel, life);
    }),
  );
}

function wakeAfter(world: SentinelWorld, sentinel: Sentinel, life: Life, callback: () => void, delayMs: Ms): void {
  const { time } = world.net;
  // A timer comes when its time is over, or a little later.
  const at = time.now + Math.max(delayMs, 1) / sentinel.clockRate + sentinel.rand(100) / 100;
  const order = setTimer(time, life.timer, at, () =>
    run(world, sentinel, life, () => {
      if (life.timer.order !== order) return;
      if (sentinel.ticks) life.untilTick.push(callback);
      else callback();
    }),
  );
}

/** The process dies, or its machine. */
export function killSentinel(world: SentinelWorld, sentinel: Sentinel, condition: 'down' | 'off'): void {
  fileText(sentinel);
  sentinel.life = undefined;
  kill(world.net, sentinel, condition);
}

function save(world: SentinelWorld, sentinel: Sentinel, life: Life): Promise<void> {
  const { disk } = sentinel;
  const { time } = world.net;
  const saved = durableState(life.state);
  life.saving = true;
  return new Promise((resolve, reject) => {
    plan(time, time.now + world.saveMs(sentinel), () => {
      if (sentinel.life !== life) return;
      // What became of it is settled here, however much later the process hears of it.
      const fails = disk.mode === 'fails';
      const fate = fails ? 'goes-on' : world.saves(sentinel);
      if (fate === 'dies-before') return killSentinel(world, sentinel, 'down');
      if (!fails && (fate !== 'dies-torn' || sentinel.rand(2) === 0)) {
        disk.saved = saved;
        if (disk.whole) disk.saved = loadConfig(fileText(sentinel), environment).durable;
        world.stored(sentinel);
      }
      if (fate !== 'goes-on') return killSentinel(world, sentinel, 'down');
      inProcess(sentinel, () => {
        if (sentinel.life !== life) return;
        world.promised = true;
        life.saving = false;
        if (fails) reject(new SaveError('No space left on device'));
        else resolve();
      });
    });
  });
}

function perform(world: SentinelWorld, sentinel: Sentinel, life: Life, effect: OuterEffect): void {
  switch (effect.kind) {
    case 'connect':
      return open(world, sentinel, life, effect.connection, effect.host, effect.port);
    case 'disconnect': {
      const socket = life.connections.get(effect.connection);
      life.connections.delete(effect.connection);
      return socket === undefined ? undefined : close(world.net, socket);
    }
    case 'send': {
      const socket = life.connections.get(effect.connection);
      if (socket !== undefined) send(world.net, socket, { kind: 'request', args: effect.args });
      return;
    }
    case 'resolve':
      return resolve(world, sentinel, life, effect.name);
    case 'run-script':
      return runScript(world, sentinel, life, effect);
    case 'crash':
      return killSentinel(world, sentinel, 'down');
    case 'kill-script':
      return life.processes.get(effect.job)?.();
    case 'announce':
    case 'log':
      return;
    default:
      return unreachable(effect);
  }
}

function runScript(
  world: SentinelWorld,
  sentinel: Sentinel,
  life: Life,
  call: Extract<OuterEffect, { kind: 'run-script' }>,
): void {
  startScript(world.net.time, sentinel.rand, life.processes, call, (input) =>
    run(world, sentinel, life, () => feed(world, sentinel, life, () => life.engine.input(input))),
  );
}

function resolve(world: SentinelWorld, sentinel: Sentinel, life: Life, name: string): void {
  const { time } = world.net;
  const ip = sentinel.nameless ? undefined : world.net.dns.get(name);
  plan(time, time.now + sentinel.rand(sentinel.nameless ? 3000 : 20), () =>
    run(world, sentinel, life, () => {
      const answer: Input =
        ip === undefined
          ? { kind: 'resolve-failed', name, reason: 'Temporary failure in name resolution' }
          : { kind: 'resolved', name, ips: [ip] };
      feed(world, sentinel, life, () => life.engine.input(answer));
    }),
  );
}

/** An effect nobody carries out does not compile. */
function unreachable(effect: never): never {
  throw new Error(`unknown effect ${JSON.stringify(effect)}`);
}

function open(
  world: SentinelWorld,
  sentinel: Sentinel,
  life: Life,
  connection: ConnectionId,
  host: string,
  port: number,
): void {
  const tell = (input: Input) =>
    feed(world, sentinel, life, () => {
      if (life.connections.get(connection) !== socket) return;
      if (input.kind === 'closed') life.connections.delete(connection);
      world.heard(sentinel, life, socket.other, input);
      life.engine.input(input);
    });
  const socket = connect(world.net, sentinel, host, port, {
    opened: () => tell({ kind: 'connected', connection, localIp: sentinel.ip }),
    closed: (reason) => tell({ kind: 'closed', connection, reason }),
    packet: (packet) => {
      if (packet.kind === 'reply') tell({ kind: 'reply', connection, reply: packet.reply });
      if (packet.kind === 'message') tell({ kind: 'message', connection, text: packet.text });
    },
  });
  life.connections.set(connection, socket);
}

/** A client or a peer connected to us: its requests run one after the other. */
function serve(world: SentinelWorld, sentinel: Sentinel, socket: Socket): void {
  const { life } = sentinel;
  if (life === undefined) return;
  const { sessions } = life.world;
  const ends = { address: 'client:1', localAddress: `${sentinel.ip}:${sentinel.port}`, authenticated: true };
  const session = openSession(sessions, ends, clockOf(world, sentinel).now);
  const requests: (readonly string[])[] = [];
  let waiting = false;
  const next = () => {
    while (!waiting && sentinel.life === life) {
      const args = requests.shift();
      if (args === undefined) return;
      const answer = (replies: readonly Reply[]) => {
        waiting = false;
        for (const reply of replies)
          send(world.net, socket, { kind: 'reply', reply: mumbled(sentinel, args, toNodeReply(reply)) });
        // Like the server, which reads on when the turn is through.
        if (requests.length > 0) plan(world.net.time, world.net.time.now, () => run(world, sentinel, life, next));
      };
      waiting = !request(world, sentinel, life, session, args, answer);
    }
  };
  socket.events = {
    packet: (packet) => {
      if (packet.kind === 'request') requests.push(packet.args);
      next();
    },
    closed: () => closeSession(sessions, session),
  };
}

/** Run one request through the engine. Returns false when it waits for a save. */
function request(
  world: SentinelWorld,
  sentinel: Sentinel,
  life: Life,
  session: Session,
  args: readonly string[],
  answer: (replies: readonly Reply[]) => void,
): boolean {
  const now = life.engine.request(
    (clock) => execute(life.world, session, args, clock),
    (outcome: Outcome, saved) => {
      if (sentinel.life !== life) return;
      const replies = !saved && outcome.ifUnsaved !== undefined ? [outcome.ifUnsaved] : outcome.replies;
      world.answered(sentinel, life, args, replies);
      answer(replies);
    },
  );
  if (sentinel.life === life) world.stepped(sentinel, life);
  return now;
}

/** An operator's command, typed on the sentinel's own machine. */
export function order(
  world: SentinelWorld,
  sentinel: Sentinel,
  args: readonly string[],
  answer: (replies: readonly Reply[]) => void,
): void {
  const { life } = sentinel;
  if (life === undefined) return;
  inProcess(sentinel, () => {
    if (sentinel.life !== life) return;
    const ends = { address: 'operator:1', localAddress: '', authenticated: true };
    const session = openSession(life.world.sessions, ends, clockOf(world, sentinel).now);
    request(world, sentinel, life, session, args, (replies) => {
      closeSession(life.world.sessions, session);
      answer(replies);
    });
  });
}

function toNodeReply(reply: Reply): NodeReply {
  switch (reply.kind) {
    case 'integer':
      return { kind: 'integer', value: BigInt(reply.value) };
    case 'error':
      return reply;
    case 'null':
    case 'null-array':
      return { kind: 'null' };
    case 'array':
    case 'set':
    case 'push':
      return { kind: 'array', items: reply.items.map(toNodeReply) };
    case 'fields':
      return { kind: 'array', items: reply.texts.map((each) => ({ kind: 'text', text: each })) };
    case 'written':
      return { kind: 'text', text: reply.parts.join('') };
    case 'map':
      return { kind: 'array', items: reply.entries.flat().map(toNodeReply) };
    default:
      return { kind: 'text', text: reply.text };
  }
}

function processFacts(sentinel: Sentinel): ProcessFacts {
  const counts = { connectionsReceived: 0, commandsProcessed: 0, bytesIn: 0, bytesOut: 0 };
  return {
    version: '7.0.15',
    pid: 1,
    runId: sentinel.runId,
    port: sentinel.port,
    configFile: '/sentinel.conf',
    executable: '/ts-sentinel',
    os: 'Linux',
    archBits: 64,
    supervised: 'no',
    uptimeSeconds: 1,
    maxClients: 10_000,
    ...counts,
    connectionsRejected: 0,
    errorReplies: 0,
    cpu: { system: 0, user: 0 },
  };
}
