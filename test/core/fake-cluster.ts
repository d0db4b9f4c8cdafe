// A cluster in one process: the core as it is, with data nodes, peers, wires and disks that are fake.
// Used by the scenarios: one core, scripted peers. Whole sentinels under random faults are in test/simulation.
import { answerIsMasterDown, type DownAnswer } from '../../src/core/answer.ts';
import { createState } from '../../src/core/create.ts';
import { type DurableState, durableState } from '../../src/core/durable.ts';
import type { Clock, Effect, Input, NodeReply } from '../../src/core/effects.ts';
import { addressKey, addressOf } from '../../src/core/query.ts';
import type { ConnectionId, Ms, Rand, RunId, SentinelState } from '../../src/core/state.ts';
import { nextDeadline, step } from '../../src/core/step.ts';
import { type FakeNode, serveNode } from './fake-node.ts';
import { createTime, type FakeTime, happenNext, nextComing, plan } from './fake-time.ts';

/** Hung: the process stands still, its connections do not. */
export type Condition = 'up' | 'hung' | 'crashed';

/** A peer that does what a scenario says. */
export interface FakePeer {
  readonly kind: 'peer';
  readonly name: string;
  readonly ip: string;
  readonly port: number;
  readonly runId: RunId;
  condition: Condition;
  /** What it says of the master; `auto`: down as soon as that node does not run. */
  says: 'down' | 'up' | 'auto' | 'nothing';
  /** Whom it votes for: the one who asks, somebody else, or nobody. */
  votesFor: 'asker' | 'nobody' | RunId;
  currentEpoch: bigint;
  readonly votes: Map<string, { leader: RunId; epoch: bigint }>;
}

/** A whole sentinel: the core, its disk, its process. */
export interface FakeSentinel {
  readonly kind: 'sentinel';
  readonly name: string;
  readonly ip: string;
  readonly port: number;
  readonly runId: RunId;
  readonly rand: Rand;
  condition: Condition;
  state: SentinelState;
  /** What is on its disk. */
  saved: DurableState;
  diskFails: boolean;
  connections: Map<ConnectionId, FakeConnection>;
}

export type Endpoint = FakeNode | FakePeer | FakeSentinel;

export interface FakeConnection {
  readonly id: ConnectionId;
  readonly owner: FakeSentinel;
  readonly target: Endpoint | undefined;
  status: 'connecting' | 'open' | 'closed';
  /** The process at the other end has this connection no longer. */
  gone: boolean;
  subscribed: boolean;
  transaction: (readonly string[])[] | undefined;
  /** Arrival times of the last request and reply: a wire does not reorder. */
  requestAt: Ms;
  replyAt: Ms;
  /** What has come to an end that hangs or cannot be reached. */
  readonly requests: (readonly string[])[];
  readonly replies: Input[];
}

/** What a test wants to know of, in the order in which it happens. */
export interface Hooks {
  effect?(sentinel: FakeSentinel, effect: Effect): void;
  saved?(sentinel: FakeSentinel, ok: boolean): void;
  /** A peer's question was answered; `told`: the vote was in the answer. */
  answered?(sentinel: FakeSentinel, answer: DownAnswer, told: boolean): void;
}

export interface Cluster {
  readonly time: FakeTime;
  readonly endpoints: Map<string, Endpoint>;
  readonly byAddress: Map<string, Endpoint>;
  /** What each host name stands for, in lower case; without an answer: `silent`. Other names do not exist. */
  readonly dns: Map<string, readonly string[] | 'silent'>;
  /** Pairs of names that cannot reach each other. */
  readonly blocked: Set<string>;
  latency: () => Ms;
  /** Wall time minus monotonic time. */
  wallOffsetMs: Ms;
  hooks: Hooks;
}

export function createCluster(latency: () => Ms, hooks: Hooks = {}): Cluster {
  return {
    time: createTime(),
    endpoints: new Map(),
    byAddress: new Map(),
    dns: new Map(),
    blocked: new Set(),
    latency,
    wallOffsetMs: Date.UTC(2026, 0, 1),
    hooks,
  };
}

export function addEndpoint(cluster: Cluster, endpoint: Endpoint): void {
  cluster.endpoints.set(endpoint.name, endpoint);
  cluster.byAddress.set(addressKey(addressOf(endpoint.ip, endpoint.port)), endpoint);
}

export function endpointAt(cluster: Cluster, host: string, port: number): Endpoint | undefined {
  const ips = cluster.dns.get(host.toLowerCase());
  const ip = Array.isArray(ips) ? ips[0] : host;
  return cluster.byAddress.get(addressKey(addressOf(ip, port)));
}

export function sentinelsOf(cluster: Cluster): FakeSentinel[] {
  return [...cluster.endpoints.values()].filter((endpoint) => endpoint.kind === 'sentinel');
}

export function nodesOf(cluster: Cluster): FakeNode[] {
  return [...cluster.endpoints.values()].filter((endpoint) => endpoint.kind === 'node');
}

/** A sentinel that has not started yet; `boot` starts it. */
export function createSentinel(
  cluster: Cluster,
  facts: { name: string; ip: string; port: number; runId: RunId; rand: Rand; file: DurableState },
): FakeSentinel {
  const { file, ...rest } = facts;
  const { state } = createState(
    file,
    { myId: facts.runId, requirePass: undefined, port: facts.port },
    clockOf(cluster),
    facts.rand,
  );
  const sentinel: FakeSentinel = {
    kind: 'sentinel',
    ...rest,
    condition: 'crashed',
    state,
    saved: file,
    diskFails: false,
    connections: new Map(),
  };
  addEndpoint(cluster, sentinel);
  return sentinel;
}

/** Start the process from what its disk holds. */
export function boot(cluster: Cluster, sentinel: FakeSentinel): void {
  const facts = { myId: sentinel.runId, requirePass: undefined, port: sentinel.port };
  const { state, effects } = createState(sentinel.saved, facts, clockOf(cluster), sentinel.rand);
  sentinel.state = state;
  sentinel.condition = 'up';
  sentinel.connections = new Map();
  runTurn(cluster, sentinel, effects);
}

export function clockOf(cluster: Cluster): Clock {
  return { now: cluster.time.now, wallMs: cluster.time.now + cluster.wallOffsetMs };
}

/** More wake-ups than this at one instant are a loop that stands still. */
const WAKE_UPS_AT_ONCE_MAX = 50;

/** Let time pass up to and including `until`, unless `isEnough` says so earlier. */
export function runUntil(cluster: Cluster, until: Ms, isEnough: () => boolean = () => false): void {
  const { time } = cluster;
  const sentinels = sentinelsOf(cluster);
  let wakeUps = { at: -1, count: 0 };
  while (!isEnough()) {
    let due = Number.POSITIVE_INFINITY;
    let sleeper: FakeSentinel | undefined;
    for (const sentinel of sentinels) {
      if (sentinel.condition !== 'up') continue;
      const at = Math.max(nextDeadline(sentinel.state), time.now);
      if (at < due) [due, sleeper] = [at, sentinel];
    }
    const next = Math.min(due, nextComing(time));
    if (next > until) {
      time.now = until;
      return;
    }
    // Like the shell: what has arrived is read before a timer runs.
    if (nextComing(time) <= due || sleeper === undefined) happenNext(time);
    else {
      time.now = due;
      wakeUps = wakeUps.at === due ? { at: due, count: wakeUps.count + 1 } : { at: due, count: 1 };
      if (wakeUps.count > WAKE_UPS_AT_ONCE_MAX) throw new Error(`${sleeper.name} is woken again and again at ${due}`);
      feed(cluster, sleeper, { kind: 'tick' });
    }
  }
}

/** Give an input to a sentinel that runs, and carry out what follows. */
export function feed(cluster: Cluster, sentinel: FakeSentinel, input: Input): void {
  const effects = step(sentinel.state, input, clockOf(cluster), sentinel.rand);
  runTurn(cluster, sentinel, effects);
}

/** The engine's turn: the save first, then the deeds in order; what the save leads to belongs to the next turn. */
export function runTurn(
  cluster: Cluster,
  sentinel: FakeSentinel,
  effects: readonly Effect[],
  deliver?: (saved: boolean) => void,
): void {
  let turn = effects;
  for (;;) {
    const { saved, next } = save(cluster, sentinel, turn);
    for (const effect of turn) {
      // SIMULATE-FAILURE takes the rest of the turn along.
      if (sentinel.condition === 'crashed') return;
      if (effect.kind === 'persist' || (effect.kind === 'announce' && effect.ifSaved && !saved)) continue;
      cluster.hooks.effect?.(sentinel, effect);
      perform(cluster, sentinel, effect);
    }
    if (sentinel.condition === 'crashed') return;
    deliver?.(saved);
    deliver = undefined;
    if (next.length === 0) return;
    turn = next;
  }
}

function save(
  cluster: Cluster,
  sentinel: FakeSentinel,
  turn: readonly Effect[],
): { saved: boolean; next: readonly Effect[] } {
  if (!turn.some(({ kind }) => kind === 'persist')) return { saved: true, next: [] };
  const { hooks } = cluster;
  const saved = !sentinel.diskFails;
  if (saved) sentinel.saved = durableState(sentinel.state);
  hooks.saved?.(sentinel, saved);
  const input: Input = saved ? { kind: 'saved' } : { kind: 'save-failed', reason: 'No space left on device' };
  const next = step(sentinel.state, input, clockOf(cluster), sentinel.rand);
  return { saved, next };
}

function perform(cluster: Cluster, owner: FakeSentinel, effect: Effect): void {
  if (effect.kind === 'connect') return connect(cluster, owner, effect.connection, effect.host, effect.port);
  if (effect.kind === 'resolve') return resolve(cluster, owner, effect.name);
  if (effect.kind === 'crash') return crash(cluster, owner);
  if (effect.kind !== 'send' && effect.kind !== 'disconnect') return;
  const connection = owner.connections.get(effect.connection);
  if (connection === undefined) return;
  if (effect.kind === 'disconnect') {
    connection.status = 'closed';
    owner.connections.delete(connection.id);
    return;
  }
  connection.requestAt = Math.max(connection.requestAt, cluster.time.now + cluster.latency());
  plan(cluster.time, connection.requestAt, () => arrive(cluster, connection, effect.args));
}

function resolve(cluster: Cluster, owner: FakeSentinel, name: string): void {
  const ips = cluster.dns.get(name) ?? [];
  if (ips === 'silent') return;
  const input: Input =
    ips.length > 0 ? { kind: 'resolved', name, ips } : { kind: 'resolve-failed', name, reason: 'ENOTFOUND' };
  plan(cluster.time, cluster.time.now + cluster.latency(), () => {
    if (owner.condition === 'up') feed(cluster, owner, input);
  });
}

/** A process that does not run gets another IP. */
export function moveNode(cluster: Cluster, node: FakeNode, ip: string): void {
  cluster.byAddress.delete(addressKey(addressOf(node.ip, node.port)));
  node.ip = ip;
  addEndpoint(cluster, node);
}

function connect(cluster: Cluster, owner: FakeSentinel, id: ConnectionId, host: string, port: number): void {
  const connection: FakeConnection = {
    id,
    owner,
    target: endpointAt(cluster, host, port),
    status: 'connecting',
    gone: false,
    subscribed: false,
    transaction: undefined,
    requestAt: 0,
    replyAt: 0,
    requests: [],
    replies: [],
  };
  owner.connections.set(id, connection);
  plan(cluster.time, cluster.time.now + cluster.latency(), () => establish(cluster, connection));
}

/** A path that is cut gives no answer at all; the attempt ends when the path heals or the owner gives up. */
function establish(cluster: Cluster, connection: FakeConnection): void {
  const { target, owner } = connection;
  if (connection.status !== 'connecting' || isBlocked(cluster, connection)) return;
  if (target === undefined || target.condition === 'crashed')
    return reply(cluster, connection, { kind: 'closed', connection: connection.id, reason: 'connect ECONNREFUSED' });
  connection.status = 'open';
  reply(cluster, connection, { kind: 'connected', connection: connection.id, localIp: owner.ip });
}

function isBlocked(cluster: Cluster, { owner, target }: FakeConnection): boolean {
  return target !== undefined && cluster.blocked.has(pairOf(owner.name, target.name));
}

export function pairOf(a: string, b: string): string {
  return a < b ? `${a} ${b}` : `${b} ${a}`;
}

/** A request has come to the other end. It is carried out even when its sender has closed behind it. */
function arrive(cluster: Cluster, connection: FakeConnection, args: readonly string[]): void {
  const { target } = connection;
  if (target === undefined || target.condition === 'crashed' || connection.gone) return;
  if (target.condition === 'hung' || isBlocked(cluster, connection) || connection.requests.length > 0)
    connection.requests.push(args);
  else serve(cluster, connection, target, args);
}

function serve(cluster: Cluster, connection: FakeConnection, target: Endpoint, args: readonly string[]): void {
  const answer = (text: NodeReply) =>
    reply(cluster, connection, { kind: 'reply', connection: connection.id, reply: text });
  if (target.kind === 'node') return serveNode(cluster, target, connection, args, answer);
  if (target.kind === 'peer') return servePeer(cluster, target, args, answer);
  serveSentinel(cluster, target, args, answer);
}

/** Something travels back to the owner of the connection. */
export function reply(cluster: Cluster, connection: FakeConnection, input: Input): void {
  connection.replyAt = Math.max(connection.replyAt, cluster.time.now + cluster.latency());
  plan(cluster.time, connection.replyAt, () => receive(cluster, connection, input));
}

function receive(cluster: Cluster, connection: FakeConnection, input: Input): void {
  const { owner } = connection;
  if (owner.connections.get(connection.id) !== connection) return;
  if (owner.condition !== 'up' || isBlocked(cluster, connection) || connection.replies.length > 0) {
    connection.replies.push(input);
    return;
  }
  if (input.kind === 'closed') {
    connection.status = 'closed';
    owner.connections.delete(connection.id);
  }
  feed(cluster, owner, input);
}

/** The other end closes. */
export function closeByTarget(cluster: Cluster, connection: FakeConnection, reason: string): void {
  if (connection.gone) return;
  connection.gone = true;
  connection.requests.length = 0;
  reply(cluster, connection, { kind: 'closed', connection: connection.id, reason });
}

/** All connections that lead to `target`. */
export function connectionsTo(cluster: Cluster, target: Endpoint): FakeConnection[] {
  return sentinelsOf(cluster).flatMap(({ connections }) =>
    [...connections.values()].filter((connection) => connection.target === target && connection.status === 'open'),
  );
}

/** The process dies: the kernel closes its connections, and who connects is refused. */
export function crash(cluster: Cluster, endpoint: Endpoint): void {
  endpoint.condition = 'crashed';
  for (const connection of connectionsTo(cluster, endpoint))
    closeByTarget(cluster, connection, 'Connection reset by peer');
  if (endpoint.kind === 'sentinel') {
    for (const connection of endpoint.connections.values()) connection.status = 'closed';
    endpoint.connections.clear();
  }
}

/** The process stands still. */
export function hang(endpoint: Endpoint): void {
  if (endpoint.condition === 'up') endpoint.condition = 'hung';
}

/** The process goes on: what had come meanwhile is read first. */
export function resume(cluster: Cluster, endpoint: Endpoint): void {
  if (endpoint.condition !== 'hung') return;
  endpoint.condition = 'up';
  drain(cluster);
}

/** Cut or heal the path between two processes. */
export function setPath(cluster: Cluster, a: string, b: string, works: boolean): void {
  if (!works) {
    cluster.blocked.add(pairOf(a, b));
    return;
  }
  if (cluster.blocked.delete(pairOf(a, b))) drain(cluster);
}

/** Deliver what was held up and no longer is. */
export function drain(cluster: Cluster): void {
  for (const sentinel of sentinelsOf(cluster))
    for (const connection of [...sentinel.connections.values()]) {
      if (isBlocked(cluster, connection)) continue;
      if (connection.status === 'connecting') establish(cluster, connection);
      const { target } = connection;
      if (target?.condition === 'up')
        for (const args of connection.requests.splice(0)) serve(cluster, connection, target, args);
      if (sentinel.condition === 'up')
        for (const input of connection.replies.splice(0)) receive(cluster, connection, input);
    }
}

const text = (value: string): NodeReply => ({ kind: 'text', text: value });
const integer = (value: bigint): NodeReply => ({ kind: 'integer', value });

function servePeer(
  cluster: Cluster,
  peer: FakePeer,
  args: readonly string[],
  answer: (reply: NodeReply) => void,
): void {
  if (args[0] === 'PING') return answer(text('PONG'));
  if (args[0] === 'PUBLISH') return answer(integer(1n));
  if (args[0] !== 'SENTINEL') return answer(text('OK'));
  const [, , host = '', port = '', epochText = '0', candidate = '*'] = args;
  if (peer.says === 'nothing') return;
  const node = endpointAt(cluster, host, Number(port));
  const down = peer.says === 'auto' ? node !== undefined && node.condition !== 'up' : peer.says === 'down';
  const vote = candidate === '*' ? undefined : votePeer(peer, `${host} ${port}`, BigInt(epochText), candidate);
  answer({ kind: 'array', items: [integer(down ? 1n : 0n), text(vote?.leader ?? '*'), integer(vote?.epoch ?? 0n)] });
}

function votePeer(peer: FakePeer, key: string, epoch: bigint, candidate: RunId) {
  const former = peer.votes.get(key);
  if (epoch > peer.currentEpoch) peer.currentEpoch = epoch;
  if (peer.votesFor === 'nobody' || peer.currentEpoch > epoch || (former?.epoch ?? -1n) >= epoch) return former;
  const vote = { leader: peer.votesFor === 'asker' ? candidate : peer.votesFor, epoch };
  peer.votes.set(key, vote);
  return vote;
}

function serveSentinel(
  cluster: Cluster,
  sentinel: FakeSentinel,
  args: readonly string[],
  answer: (reply: NodeReply) => void,
): void {
  if (args[0] === 'PING') return answer(text('PONG'));
  if (args[0] === 'PUBLISH') {
    feed(cluster, sentinel, { kind: 'hello', text: args[2] ?? '' });
    return answer(integer(1n));
  }
  if (args[0] !== 'SENTINEL') return answer(text('OK'));
  const [, , host = '', port = '', epoch = '0', candidate = '*'] = args;
  askSentinel(cluster, sentinel, { host, port: Number(port), epoch: BigInt(epoch), candidate }, answer);
}

/** `SENTINEL is-master-down-by-addr`, as the commands carry it out: a vote that could not be saved is not told. */
export function askSentinel(
  cluster: Cluster,
  sentinel: FakeSentinel,
  question: { host: string; port: number; epoch: bigint; candidate: string },
  answer: (reply: NodeReply) => void,
): void {
  const { now } = clockOf(cluster);
  if (nextDeadline(sentinel.state) <= now) feed(cluster, sentinel, { kind: 'tick' });
  if (sentinel.condition !== 'up') return;
  const outcome = answerIsMasterDown(sentinel.state, question, now, sentinel.rand);
  runTurn(cluster, sentinel, outcome.effects, (saved) => {
    cluster.hooks.answered?.(sentinel, outcome, saved);
    const { down, leader, leaderEpoch } = outcome;
    const vote = saved ? { leader: leader ?? '*', epoch: leaderEpoch } : { leader: '*', epoch: 0n };
    answer({ kind: 'array', items: [integer(down ? 1n : 0n), text(vote.leader), integer(vote.epoch)] });
  });
}
