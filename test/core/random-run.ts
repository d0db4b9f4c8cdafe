// One random run: three cores and three data nodes, with faults drawn from one seed, and the invariants of
// spec/behavior.md §14 checked after every step. A violation is thrown with the last lines of what happened.
import { forceFailover, resetMaster } from '../../src/core/admin.ts';
import type { DurableState } from '../../src/core/durable.ts';
import { payload } from '../../src/core/events.ts';
import { currentAddress } from '../../src/core/query.ts';
import type { Ms, Rand } from '../../src/core/state.ts';
import { seededDraw } from '../config/generate-state.ts';
import {
  addEndpoint,
  boot,
  type Cluster,
  closeByTarget,
  connectionsTo,
  crash,
  createCluster,
  createSentinel,
  type FakeSentinel,
  hang,
  nodesOf,
  resume,
  runTurn,
  runUntil,
  sentinelsOf,
  setPath,
} from './fake-cluster.ts';
import type { FakeNode } from './fake-node.ts';

/** A run has the first three of them, or more. */
const SENTINELS = ['s1', 's2', 's3', 's4', 's5'];
const NODES = ['n1', 'n2', 'n3'];
const MEETING_MS: Ms = 6000;
const CHAOS_MS: Ms = 25_000;
/** After the faults everything must be in order within a minute, and stay so for a while. */
const CALM_MS: Ms = 60_000;
const STABLE_MS: Ms = 5000;
const TICKS_PER_SECOND_MAX = 200;

interface Mix {
  readonly downAfterMs: Ms;
  readonly failoverTimeoutMs: Ms;
  readonly sentinels: readonly string[];
  readonly quorum: number;
  readonly faultEveryMs: Ms;
  /** One in so many; 0: never. */
  readonly crashInTurn: number;
  readonly slowMessage: number;
  readonly latencyMs: Ms;
  readonly faults: readonly Fault[];
  readonly operator: 'none' | 'failover' | 'reset';
}

/** What was seen of one process between its start and its end. */
interface Life {
  current: bigint;
  leader: bigint;
  config: bigint;
}

interface Run {
  readonly seed: number;
  readonly rand: Rand;
  readonly mix: Mix;
  readonly cluster: Cluster;
  readonly lines: string[];
  readonly lives: Map<string, Life>;
  /** `sentinel epoch` → whom it voted for, told to somebody or counted by itself. */
  readonly votes: Map<string, string>;
  readonly leaders: Map<bigint, string>;
  readonly addressOf: Map<bigint, string>;
  readonly ticks: Map<string, { second: number; before: number }>;
  calm: boolean;
}

export interface Summary {
  failovers: number;
  convergedAfterMs: Ms;
}

/** Run `seed`; throws when an invariant breaks. */
export function randomRun(seed: number): Summary {
  const run = createRun(seed);
  try {
    return play(run);
  } catch (error) {
    const story = run.lines.slice(-120).join('\n');
    throw new Error(`SIM_SEED=${seed}: ${error instanceof Error ? error.message : String(error)}\n${story}`, {
      cause: error,
    });
  }
}

function createRun(seed: number): Run {
  const rand = seededDraw(seed);
  const mix = drawMix(rand);
  const cluster = createCluster(() =>
    !run.calm && cluster.time.now > MEETING_MS && mix.slowMessage > 0 && rand(mix.slowMessage) === 0
      ? rand(50 * mix.latencyMs)
      : rand(mix.latencyMs + 1),
  );
  const run: Run = {
    seed,
    rand,
    mix,
    cluster,
    lines: [],
    lives: new Map(),
    votes: new Map(),
    leaders: new Map(),
    addressOf: new Map(),
    ticks: new Map(),
    calm: false,
  };
  cluster.hooks = hooksOf(run);
  for (const [index, name] of NODES.entries()) addEndpoint(cluster, createNode(run, name, index));
  for (const [index, name] of mix.sentinels.entries()) {
    const runId = String.fromCharCode(97 + index).repeat(40);
    const facts = { name, ip: `10.0.1.${index + 1}`, port: 26379, runId, rand };
    createSentinel(cluster, { ...facts, file: emptyFile(run, runId) });
  }
  return run;
}

function drawMix(rand: Rand): Mix {
  const pick = <T>(choices: readonly T[]): T => choices[rand(choices.length)] as T;
  const operator = pick(['none', 'none', 'none', 'none', 'failover', 'reset'] as const);
  // Orders need no majority, so that cut paths may lead to one epoch used twice; what is theirs is tested without.
  const kinds =
    operator !== 'none'
      ? (['node', 'close'] as const)
      : (['node', 'sentinel', 'path', 'disk', 'close', 'clock'] as const);
  const sentinels = SENTINELS.slice(0, pick([3, 3, 3, 4, 5]));
  const faults = kinds.filter(() => rand(3) !== 0);
  return {
    downAfterMs: pick([200, 500, 1000, 2000]),
    failoverTimeoutMs: pick([2000, 5000, 10_000]),
    sentinels,
    // Who forgot its peers by RESET is a majority of one: only a quorum keeps it from leading alone.
    quorum: operator === 'reset' ? Math.floor(sentinels.length / 2) + 1 : 1 + rand(sentinels.length),
    faultEveryMs: pick([150, 400, 1000, 3000]),
    crashInTurn: operator !== 'none' ? 0 : pick([0, 0, 30, 200]),
    slowMessage: pick([0, 0, 50, 500]),
    latencyMs: pick([1, 2, 8]),
    faults: faults.length === 0 ? ['node'] : faults,
    operator,
  };
}

function createNode({ rand }: Run, name: string, index: number): FakeNode {
  return {
    kind: 'node',
    name,
    ip: `10.0.0.${index + 1}`,
    port: 6379,
    condition: 'up',
    runId: String(index + 1).repeat(40),
    role: index === 0 ? 'master' : 'slave',
    follows: index === 0 ? undefined : { host: '10.0.0.1', port: 6379 },
    priority: index === 2 && rand(4) === 0 ? 0 : 100,
    offset: rand(3),
    announced: true,
    announcedAs: undefined,
    pingError: undefined,
    infoError: undefined,
    stubborn: false,
    syncMs: rand(200),
    inSyncAt: 0,
    linkDownSeconds: undefined,
  };
}

function emptyFile({ mix }: Run, runId: string): DurableState {
  const { downAfterMs, failoverTimeoutMs, quorum } = mix;
  const unset = { announceIp: undefined, announcePort: 0, sentinelUser: undefined, sentinelPass: undefined } as const;
  return {
    myId: runId,
    currentEpoch: 0n,
    denyScriptsReconfig: true,
    resolveHostnames: false,
    announceHostnames: false,
    ...unset,
    masters: [
      {
        name: 'm',
        host: '10.0.0.1',
        port: 6379,
        quorum,
        downAfterMs,
        failoverTimeoutMs,
        parallelSyncs: 1,
        rebootDownAfterMs: 0,
        notificationScript: undefined,
        clientReconfigScript: undefined,
        authPass: undefined,
        authUser: undefined,
        configEpoch: 0n,
        leaderEpoch: 0n,
        replicas: [],
        peers: [],
        renamedCommands: new Map(),
      },
    ],
  };
}

function play(run: Run): Summary {
  const { cluster, mix, rand } = run;
  const { time } = cluster;
  for (const sentinel of sentinelsOf(cluster)) boot(cluster, sentinel);
  // Let them meet: what is checked is what a group does whose members know each other.
  runUntil(cluster, MEETING_MS);
  note(run, JSON.stringify(mix));
  while (time.now < CHAOS_MS) {
    runUntil(cluster, time.now + 1 + rand(2 * mix.faultEveryMs));
    fault(run);
  }
  calmDown(run);
  // Who forgets everybody by RESET may never hear of what happened meanwhile: nothing to wait for.
  if (mix.operator === 'reset') {
    runUntil(cluster, time.now + STABLE_MS);
    return { failovers: run.leaders.size, convergedAfterMs: 0 };
  }
  const calmAt = time.now;
  let orderAt = calmAt;
  // What went wrong before the calm may still be noticed after it: only an order that lasts is one.
  do {
    runUntil(cluster, calmAt + CALM_MS, () => isInOrder(run));
    check(isInOrder(run), () => `no agreement after ${CALM_MS} ms: ${whatIsWrong(run)}`);
    orderAt = time.now;
    note(run, 'in order');
    runUntil(cluster, orderAt + STABLE_MS, () => !isInOrder(run));
  } while (!isInOrder(run));
  return { failovers: run.leaders.size, convergedAfterMs: orderAt - calmAt };
}

type Fault = 'node' | 'sentinel' | 'path' | 'disk' | 'close' | 'clock';

function fault(run: Run): void {
  const { cluster, rand, mix } = run;
  const pick = <T>(choices: readonly T[]): T => choices[rand(choices.length)] as T;
  if (mix.operator !== 'none' && rand(4) === 0) return operate(run, pick(sentinelsOf(cluster)));
  switch (pick(mix.faults)) {
    case 'node':
      return disturb(run, pick(nodesOf(cluster)));
    case 'sentinel':
      return disturb(run, pick(sentinelsOf(cluster)));
    case 'disk': {
      const sentinel = pick(sentinelsOf(cluster));
      sentinel.diskFails = !sentinel.diskFails;
      return note(run, `disk of ${sentinel.name} ${sentinel.diskFails ? 'fails' : 'works'}`);
    }
    case 'path': {
      const [a, b] = [pick(mix.sentinels), pick([...mix.sentinels, ...NODES])];
      const works = rand(2) === 0;
      if (a !== b) setPath(cluster, a, b, works);
      return note(run, `path ${a} ${b} ${works ? 'heals' : 'is cut'}`);
    }
    case 'clock': {
      const by = rand(20_000) - 10_000;
      cluster.wallOffsetMs += by;
      return note(run, `the clock jumps by ${by}`);
    }
    case 'close': {
      const endpoint = pick([...cluster.endpoints.values()]);
      const connections = connectionsTo(cluster, endpoint);
      if (connections.length > 0) closeByTarget(cluster, pick(connections), 'Connection closed');
      return note(run, `${endpoint.name} closes a connection`);
    }
  }
}

/** Who runs is stopped in one of two ways; who does not is brought back. */
function disturb(run: Run, endpoint: FakeNode | FakeSentinel): void {
  const { cluster, rand } = run;
  if (endpoint.condition === 'hung') {
    note(run, `${endpoint.name} resumes`);
    resume(cluster, endpoint);
  } else if (endpoint.condition === 'crashed') startAgain(run, endpoint);
  else if (rand(2) === 0) {
    note(run, `${endpoint.name} hangs`);
    hang(endpoint);
  } else {
    note(run, `${endpoint.name} crashes`);
    crash(cluster, endpoint);
  }
}

function startAgain(run: Run, endpoint: FakeNode | FakeSentinel): void {
  note(run, `${endpoint.name} starts`);
  if (endpoint.kind === 'sentinel') return boot(run.cluster, endpoint);
  endpoint.condition = 'up';
  endpoint.runId = Array.from({ length: 40 }, () => run.rand(10)).join('');
}

/** SENTINEL FAILOVER or SENTINEL RESET. */
function operate(run: Run, sentinel: FakeSentinel): void {
  const { cluster } = run;
  const master = sentinel.state.masters.get('m');
  if (sentinel.condition !== 'up' || master === undefined) return;
  if (run.mix.operator === 'reset') {
    note(run, `reset ordered on ${sentinel.name}`);
    return runTurn(cluster, sentinel, resetMaster(sentinel.state, master, cluster.time.now));
  }
  const effects = forceFailover(sentinel.state, master, cluster.time.now, sentinel.rand);
  note(run, `failover ordered on ${sentinel.name}: ${typeof effects === 'string' ? effects : 'OK'}`);
  if (typeof effects !== 'string') runTurn(cluster, sentinel, effects);
}

function calmDown(run: Run): void {
  const { cluster } = run;
  note(run, 'all faults end');
  run.calm = true;
  for (const pair of [...cluster.blocked]) {
    const [a = '', b = ''] = pair.split(' ');
    setPath(cluster, a, b, true);
  }
  for (const endpoint of [...nodesOf(cluster), ...sentinelsOf(cluster)]) {
    if (endpoint.kind === 'sentinel') endpoint.diskFails = false;
    if (endpoint.condition === 'hung') resume(cluster, endpoint);
    if (endpoint.condition === 'crashed') startAgain(run, endpoint);
  }
}

function placeOf(sentinel: FakeSentinel): string {
  const master = sentinel.state.masters.get('m');
  if (master === undefined) return 'nowhere';
  const { host, port } = currentAddress(sentinel.state, master);
  return `${host} ${port}`;
}

function whatIsWrong({ cluster }: Run): string {
  const sentinels = sentinelsOf(cluster);
  const [place = '', ...others] = sentinels.map(placeOf);
  if (others.some((other) => other !== place)) return `sentinels say ${[place, ...others].join(', ')}`;
  for (const { state, name } of sentinels) {
    const master = state.masters.get('m');
    if (master?.failover !== undefined) return `${name} is in ${master.failover.phase}`;
    if (master?.sdownAt !== undefined) return `${name} sees the master down`;
    if (master?.peers.size !== sentinels.length - 1) return `${name} knows ${master?.peers.size} peers`;
  }
  for (const node of nodesOf(cluster)) {
    const isMaster = `${node.ip} ${node.port}` === place;
    if (isMaster !== (node.role === 'master')) return `${node.name} is ${node.role}`;
    if (!isMaster && `${node.follows?.host} ${node.follows?.port}` !== place) return `${node.name} follows another`;
  }
  return '';
}

const isInOrder = (run: Run) => whatIsWrong(run) === '';

function hooksOf(run: Run): Cluster['hooks'] {
  return {
    effect: (sentinel, effect) => {
      if (effect.kind === 'announce') note(run, `${sentinel.name} ${effect.event.name} ${payload(effect.event)}`);
    },
    saved: (sentinel, ok) => note(run, `${sentinel.name} ${ok ? 'saved' : 'save failed'}`),
    stepped: (sentinel, input) => {
      if (input === undefined && !run.lives.has(lifeOf(sentinel))) beginLife(run, sentinel);
      checkSentinel(run, sentinel);
      if (input?.kind === 'tick') checkTicks(run, sentinel);
    },
    answered: (sentinel, { leader, leaderEpoch }, told) => {
      if (!told || leader === undefined) return;
      noteVote(run, sentinel, leaderEpoch, leader);
      const onDisk = sentinel.saved.masters[0]?.leaderEpoch ?? -1n;
      check(onDisk >= leaderEpoch, () => `${sentinel.name} tells a vote of ${leaderEpoch}, on disk is ${onDisk}`);
      check(sentinel.saved.currentEpoch >= leaderEpoch, () => `${sentinel.name} tells a vote of an unsaved epoch`);
    },
    obeyed: (node, by) => {
      note(run, `${node.name} obeys ${by.name}: ${node.role}`);
      if (node.role === 'master') check(node.priority !== 0, () => `${node.name} has priority 0 and was promoted`);
    },
    crashes: (sentinel, where) => {
      const { crashInTurn } = run.mix;
      if (
        run.calm ||
        run.cluster.time.now <= MEETING_MS ||
        crashInTurn === 0 ||
        run.rand(where === 'between effects' ? 20 * crashInTurn : crashInTurn) !== 0
      )
        return false;
      note(run, `${sentinel.name} crashes ${where}`);
      return true;
    },
  };
}

const livesSeen = new WeakMap<object, number>();
let lifeCount = 0;

/** Every start makes a new state. */
function lifeOf(sentinel: FakeSentinel): string {
  let life = livesSeen.get(sentinel.state);
  if (life === undefined) {
    life = lifeCount++;
    livesSeen.set(sentinel.state, life);
  }
  return `${sentinel.name} ${life}`;
}

/** What was told in former lives binds this one. */
function beginLife(run: Run, sentinel: FakeSentinel): void {
  // Half a minute of TILT would be half of the run.
  sentinel.state.tunables.tiltPeriodMs = 2000;
  const { state } = sentinel;
  const leader = state.masters.get('m')?.leaderEpoch ?? 0n;
  run.lives.set(lifeOf(sentinel), { current: state.currentEpoch, leader, config: 0n });
  for (const key of run.votes.keys()) {
    const [name, epoch = '0'] = key.split(' ');
    if (name === sentinel.name)
      check(leader >= BigInt(epoch), () => `${name} starts with leader epoch ${leader} and has voted in ${epoch}`);
  }
}

function checkSentinel(run: Run, sentinel: FakeSentinel): void {
  const { state, name } = sentinel;
  const master = state.masters.get('m');
  const life = run.lives.get(lifeOf(sentinel));
  if (master === undefined || life === undefined) return;
  const { configEpoch: config, leaderEpoch: leader, failover } = master;
  const current = state.currentEpoch;
  check(current >= life.current, () => `${name} current epoch went back from ${life.current} to ${current}`);
  check(leader >= life.leader, () => `${name} leader epoch went back from ${life.leader} to ${leader}`);
  check(config >= life.config, () => `${name} config epoch went back from ${life.config} to ${config}`);
  check(leader <= current, () => `${name} leader epoch ${leader} is later than ${current}`);
  Object.assign(life, { current, leader, config });
  check(state.deadlines.length < 2000, () => `${name} has ${state.deadlines.length} deadlines`);
  if (!master.voteUnsaved && master.leader !== undefined) noteVote(run, sentinel, leader, master.leader);
  if (failover !== undefined && failover.phase !== 'wait-start') checkLeader(run, sentinel, failover);
  if (config > 0n) {
    const place = placeOf(sentinel);
    const known = run.addressOf.get(config) ?? place;
    run.addressOf.set(config, known);
    check(known === place, () => `${name} has ${place} in config epoch ${config}, which was ${known}`);
  }
}

function noteVote(run: Run, sentinel: FakeSentinel, epoch: bigint, leader: string): void {
  const key = `${sentinel.name} ${epoch}`;
  const former = run.votes.get(key) ?? leader;
  check(former === leader, () => `${sentinel.name} votes for ${leader} in ${epoch} and voted for ${former}`);
  run.votes.set(key, former);
}

function checkLeader(
  run: Run,
  sentinel: FakeSentinel,
  { failoverEpoch, forced }: { failoverEpoch: bigint; forced: boolean },
): void {
  const known = run.leaders.get(failoverEpoch);
  if (known === sentinel.name) return;
  run.leaders.set(failoverEpoch, sentinel.name);
  check(known === undefined, () => `${sentinel.name} and ${known} both lead epoch ${failoverEpoch}`);
  // An order needs no majority, and a sentinel that forgot its peers by RESET counts on those that it knows.
  if (forced || run.mix.operator === 'reset') return;
  const onDisk = sentinel.saved.masters[0]?.leaderEpoch ?? -1n;
  check(onDisk >= failoverEpoch, () => `${sentinel.name} leads epoch ${failoverEpoch}, on disk is ${onDisk}`);
  const { sentinels, quorum } = run.mix;
  const votes = sentinels.filter((name) => run.votes.get(`${name} ${failoverEpoch}`) === sentinel.runId).length;
  const needed = Math.max(Math.floor(sentinels.length / 2) + 1, quorum);
  check(votes >= needed, () => `${sentinel.name} leads epoch ${failoverEpoch} with ${votes} votes`);
}

function checkTicks(run: Run, sentinel: FakeSentinel): void {
  const second = Math.floor(run.cluster.time.now / 1000);
  const seen = run.ticks.get(sentinel.name);
  if (seen?.second !== second) run.ticks.set(sentinel.name, { second, before: sentinel.ticks });
  else {
    const count = sentinel.ticks - seen.before;
    check(count < TICKS_PER_SECOND_MAX, () => `${sentinel.name} is woken ${count} times in one second`);
  }
}

function note(run: Run, text: string): void {
  run.lines.push(`${run.cluster.time.now} ${text}`);
  if (run.lines.length > 4000) run.lines.splice(0, 2000);
}

function check(holds: boolean, why: () => string): void {
  if (!holds) throw new Error(why());
}
