// Replays a scenario: blocks of input lines, `----`, and what came out. The language is described in test/scenarios/README.txt.
import {
  forceFailover,
  monitorMaster,
  removeMaster,
  resetMaster,
  setOption,
  setTunable,
  simulateCrashes,
} from '../../src/core/admin.ts';
import type { DurableMaster } from '../../src/core/durable.ts';
import type { Effect, Input } from '../../src/core/effects.ts';
import { LEVEL, payload } from '../../src/core/events.ts';
import { currentAddress, peersOf, replicasOf } from '../../src/core/query.ts';
import type { CrashPoint, Master, MasterOptions, Tunables } from '../../src/core/state.ts';
import {
  addEndpoint,
  askSentinel,
  boot,
  type Cluster,
  closeByTarget,
  connectionsTo,
  crash,
  createCluster,
  createSentinel,
  type Endpoint,
  endpointAt,
  type FakePeer,
  type FakeSentinel,
  feed,
  hang,
  moveNode,
  reply,
  resume,
  runTurn,
  runUntil,
  setPath,
} from './fake-cluster.ts';
import type { FakeNode } from './fake-node.ts';
import { plan } from './fake-time.ts';

interface Stage {
  readonly cluster: Cluster;
  me: FakeSentinel | undefined;
  myRunId: string;
  currentEpoch: bigint;
  readonly masters: DurableMaster[];
  readonly hostnames: { resolve: boolean; announce: boolean };
  readonly names: Map<string, string>;
  /** What is shown beside events, orders, vote requests and saves. */
  readonly shown: Set<string>;
  draw: number;
  refusesProcesses: boolean;
  out: string[];
  readonly transactions: Map<number, string[]>;
}

const LATENCY_MS = 1;

/** Run the text of a scenario file; returns the file as it should be. */
export function replay(text: string): string {
  const stage = createStage();
  return `${text
    .trimEnd()
    .split(/\n\n+/)
    .map((block) => replayBlock(stage, block))
    .join('\n\n')}\n`;
}

function replayBlock(stage: Stage, block: string): string {
  const lines = block.split('\n');
  const end = lines.indexOf('----');
  const inputs = end < 0 ? lines : lines.slice(0, end);
  const commands = inputs.filter((line) => line !== '' && !line.startsWith('#'));
  if (commands.length === 0) return block;
  stage.out = [];
  for (const line of commands) {
    try {
      obey(stage, line.split(' '));
    } catch (error) {
      throw new Error(`scenario line "${line}": ${error instanceof Error ? error.message : String(error)}`, {
        cause: error,
      });
    }
  }
  return [...inputs, '----', ...stage.out].join('\n');
}

function createStage(): Stage {
  const cluster = createCluster(() => LATENCY_MS);
  const stage: Stage = {
    cluster,
    me: undefined,
    myRunId: 'a'.repeat(40),
    currentEpoch: 0n,
    masters: [],
    hostnames: { resolve: false, announce: false },
    names: new Map(),
    shown: new Set(),
    draw: 0,
    refusesProcesses: false,
    out: [],
    transactions: new Map(),
  };
  cluster.hooks = {
    effect: (sentinel, effect) => showEffect(stage, sentinel, effect),
    saved: (_, ok) => show(stage, ok ? 'saved' : 'save failed'),
    answered: (_, { down, leader, leaderEpoch }, told) =>
      show(
        stage,
        `told down ${down ? 1 : 0} leader ${(told ? leader : undefined) ?? '*'} epoch ${told ? leaderEpoch : 0}`,
      ),
  };
  return stage;
}

function show(stage: Stage, text: string): void {
  const named = text.replace(/([0-9a-z])\1{39}/g, (runId) => stage.names.get(runId) ?? runId);
  stage.out.push(`${stage.cluster.time.now} ${named}`);
}

function showEffect(stage: Stage, sentinel: FakeSentinel, effect: Effect): void {
  const { shown } = stage;
  if (effect.kind === 'announce') {
    const { event } = effect;
    if (LEVEL[event.name] !== 'debug' || shown.has('debug')) show(stage, `${event.name} ${payload(event)}`);
  } else if (effect.kind === 'log') {
    const until = effect.untilWallMs === undefined ? '' : ` ${effect.untilWallMs - stage.cluster.wallOffsetMs}`;
    if (shown.has('log')) show(stage, `log ${effect.level} ${effect.text}${until}`);
  } else if (effect.kind === 'resolve') {
    if (shown.has('dns')) show(stage, `resolve ${effect.name}`);
  } else if (effect.kind === 'connect') {
    if (shown.has('connect')) show(stage, `connect ${nameAt(stage, effect.host, effect.port)}`);
  } else if (effect.kind === 'send') showSend(stage, sentinel, effect.connection, effect.args);
  else if (effect.kind === 'run-script') runScript(stage, sentinel, effect.job, effect.argv);
  else if (effect.kind === 'crash') show(stage, 'crash');
  else if (effect.kind === 'kill-script') show(stage, `kill ${effect.job}`);
  else if (effect.kind === 'disconnect' && shown.has('connect'))
    show(stage, `disconnect ${sentinel.connections.get(effect.connection)?.target?.name ?? '?'}`);
}

/** The shell makes a process (its id is 1000 and the number of the job), or the system makes none. */
function runScript(stage: Stage, sentinel: FakeSentinel, job: number, argv: readonly string[]): void {
  const { cluster, refusesProcesses } = stage;
  show(stage, `run ${job} ${argv.join(' ')}`);
  const input: Input = refusesProcesses
    ? { kind: 'script-refused', job, reason: 'Resource temporarily unavailable' }
    : { kind: 'script-started', job, pid: 1000 + job };
  plan(cluster.time, cluster.time.now + LATENCY_MS, () => feed(cluster, sentinel, input));
}

/** `script 3 exits 1`, `script 3 killed 9`, `scripts refused`, `scripts run`. */
function endScript(stage: Stage, [job = '', verb = '', number = '']: readonly string[]): void {
  const [code, signal] = verb === 'killed' ? [0, Number(number)] : [Number(number), 0];
  feed(stage.cluster, running(stage), { kind: 'script-exited', job: Number(job), end: { code, signal } });
}

function nameAt({ cluster }: Stage, host: string, port: number): string {
  return endpointAt(cluster, host, port)?.name ?? `${host}:${port}`;
}

/** A transaction is shown as the one order it is. */
function showSend(stage: Stage, sentinel: FakeSentinel, id: number, args: readonly string[]): void {
  const { shown, transactions } = stage;
  const target = sentinel.connections.get(id)?.target?.name ?? '?';
  const words = args.join(' ');
  const open = transactions.get(id);
  if (shown.has('all')) return show(stage, `send ${target} ${words}`);
  if (args[0] === 'MULTI') transactions.set(id, []);
  else if (args[0] === 'EXEC') {
    transactions.delete(id);
    show(stage, `order ${target} ${open?.[0] ?? ''}`);
  } else if (open !== undefined) open.push(words);
  else if (shown.has(topicOf(args))) show(stage, `send ${target} ${words}`);
}

function topicOf(args: readonly string[]): string {
  const [command] = args;
  if (command === 'PING') return 'ping';
  if (command === 'INFO') return 'info';
  if (command === 'PUBLISH') return 'hello';
  if (command === 'SENTINEL') return args.at(-1) === '*' ? 'ask' : 'vote';
  return command === 'SCRIPT' ? 'script' : 'login';
}

type Verb = (stage: Stage, words: readonly string[]) => void;

/** Lines that begin with a word of their own; all others begin with the name of somebody who does something. */
const VERBS: Record<string, Verb> = {
  me: (stage, words) => (stage.me === undefined ? declareMe(stage, words) : act(stage, 'me', words)),
  master: declareMaster,
  replica: declareReplica,
  peer: declarePeer,
  start,
  at: (stage, [time = '', ...rest]) => {
    runUntil(stage.cluster, Number(time));
    if (rest.length > 0) obey(stage, rest);
  },
  show: ({ shown }, words) => {
    for (const word of words) shown.add(word);
  },
  hide: ({ shown }, words) => {
    for (const word of words) shown.delete(word);
  },
  draw: (stage, [value]) => {
    stage.draw = Number(value);
  },
  disk: (stage, [verb]) => {
    running(stage).diskFails = verb === 'fails';
  },
  clock: ({ cluster }, [, by]) => {
    cluster.wallOffsetMs += Number(by);
  },
  dns: ({ cluster }, [name = '', ...ips]) => {
    if (ips[0] === 'fails') cluster.dns.delete(name);
    else cluster.dns.set(name, ips[0] === 'silent' ? 'silent' : ips);
  },
  cut: ({ cluster }, [a = '', b = '']) => setPath(cluster, a, b, false),
  heal: ({ cluster }, [a = '', b = '']) => setPath(cluster, a, b, true),
  hello: (stage, words) => feed(stage.cluster, running(stage), { kind: 'hello', text: words.join(' ') }),
  failover: (stage, [name]) => {
    const me = running(stage);
    const effects = forceFailover(me.state, masterNamed(stage, name), stage.cluster.time.now, me.rand);
    if (typeof effects === 'string') show(stage, effects);
    else runTurn(stage.cluster, me, effects);
  },
  reset: (stage, [name]) =>
    administer(stage, resetMaster(running(stage).state, masterNamed(stage, name), nowOf(stage))),
  remove: (stage, [name]) =>
    administer(stage, removeMaster(running(stage).state, masterNamed(stage, name), nowOf(stage))),
  monitor: (stage, [name = '', , where = '']) => {
    const { ip, port } = stage.cluster.endpoints.get(where) ?? { ip: where, port: 6379 };
    administer(stage, monitorMaster(running(stage).state, { name, host: ip, port, quorum: 2 }, nowOf(stage)));
  },
  set: (stage, [name, option = '', value = '']) => {
    const patch = { [optionKey(option)]: Number(value) } as Partial<MasterOptions>;
    const change = { option, values: [value], patch, dropLinks: false };
    administer(stage, setOption(running(stage).state, masterNamed(stage, name), change, nowOf(stage)));
  },
  tunable: (stage, [key = '', value]) => {
    const patch = { [key]: Number(value) } as Partial<Tunables>;
    administer(stage, setTunable(running(stage).state, patch, nowOf(stage)));
  },
  simulate: (stage, words) => administer(stage, simulateCrashes(running(stage).state, new Set(words as CrashPoint[]))),
  script: endScript,
  scripts: (stage, [verb]) => {
    stage.refusesProcesses = verb === 'refused';
  },
  print: (stage, [name]) => printMaster(stage, masterNamed(stage, name)),
};

function obey(stage: Stage, [word = '', ...rest]: readonly string[]): void {
  const verb = VERBS[word];
  if (verb !== undefined) verb(stage, rest);
  else act(stage, word, rest);
}

function nowOf(stage: Stage): number {
  return stage.cluster.time.now;
}

function running(stage: Stage): FakeSentinel {
  if (stage.me === undefined) throw new Error('not started');
  return stage.me;
}

function administer(stage: Stage, effects: readonly Effect[]): void {
  runTurn(stage.cluster, running(stage), effects);
}

function masterNamed(stage: Stage, name = ''): Master {
  const master = running(stage).state.masters.get(name);
  if (master === undefined) throw new Error(`no master ${name}`);
  return master;
}

/** `key value key value …` behind a declaration; words in `flags` stand alone. */
function pairs(words: readonly string[], flags: readonly string[] = []): Map<string, string> {
  const found = new Map<string, string>();
  for (let index = 0; index < words.length; index += 1) {
    const key = words[index] ?? '';
    if (flags.includes(key)) found.set(key, '');
    else found.set(key, words[++index] ?? '');
  }
  return found;
}

const OPTION_KEYS: Record<string, keyof MasterOptions> = {
  quorum: 'quorum',
  'down-after': 'downAfterMs',
  'failover-timeout': 'failoverTimeoutMs',
  'parallel-syncs': 'parallelSyncs',
  'reboot-down-after': 'rebootDownAfterMs',
};

function optionKey(option: string): keyof MasterOptions {
  const key = OPTION_KEYS[option];
  if (key === undefined) throw new Error(`unknown option ${option}`);
  return key;
}

function declareMe(stage: Stage, words: readonly string[]): void {
  const facts = pairs(words);
  stage.myRunId = (facts.get('runid') ?? 'a').repeat(40);
  stage.currentEpoch = BigInt(facts.get('current-epoch') ?? 0);
  stage.hostnames.resolve = facts.get('resolves') === 'names';
  stage.hostnames.announce = facts.get('announces') === 'names';
}

function declareMaster(stage: Stage, [name = '', ...words]: readonly string[]): void {
  const facts = pairs(words);
  const { ip, port } = addNode(stage, name, 'master', facts);
  stage.masters.push({
    name,
    host: facts.get('host') ?? ip,
    port,
    quorum: Number(facts.get('quorum') ?? 2),
    downAfterMs: Number(facts.get('down-after') ?? 1000),
    failoverTimeoutMs: Number(facts.get('failover-timeout') ?? 60_000),
    parallelSyncs: Number(facts.get('parallel-syncs') ?? 1),
    rebootDownAfterMs: Number(facts.get('reboot-down-after') ?? 0),
    notificationScript: facts.get('notify'),
    clientReconfigScript: facts.get('reconfig'),
    authPass: facts.get('auth-pass'),
    authUser: undefined,
    configEpoch: BigInt(facts.get('config-epoch') ?? 0),
    leaderEpoch: BigInt(facts.get('leader-epoch') ?? 0),
    replicas: [],
    peers: [],
    renamedCommands: new Map(),
  });
}

function declareReplica(stage: Stage, [name = '', ...words]: readonly string[]): void {
  const facts = pairs(words, ['unknown']);
  const of = stage.masters.find((master) => master.name === (facts.get('of') ?? stage.masters[0]?.name));
  if (of === undefined) throw new Error('a replica of which master?');
  const node = addNode(stage, name, 'slave', facts);
  node.follows = { host: of.host, port: of.port };
  if (!facts.has('unknown')) of.replicas = [...of.replicas, { host: facts.get('host') ?? node.ip, port: node.port }];
}

function addNode(stage: Stage, name: string, role: FakeNode['role'], facts: Map<string, string>): FakeNode {
  const { cluster, names } = stage;
  const number = [...cluster.endpoints.values()].filter(({ kind }) => kind === 'node').length + 1;
  const runId = (facts.get('runid') ?? String(number)).repeat(40);
  const node: FakeNode = {
    kind: 'node',
    name,
    ip: `10.0.0.${number}`,
    port: 6379,
    announcedAs: facts.get('announced-as'),
    condition: 'up',
    runId,
    role,
    follows: undefined,
    priority: Number(facts.get('priority') ?? 100),
    offset: Number(facts.get('offset') ?? 100),
    announced: true,
    pingError: undefined,
    infoError: undefined,
    stubborn: false,
    syncMs: Number(facts.get('sync') ?? 5),
    inSyncAt: 0,
    linkDownSeconds: undefined,
  };
  names.set(runId, name);
  addEndpoint(cluster, node);
  return node;
}

function declarePeer(stage: Stage, [name = '', ...words]: readonly string[]): void {
  const facts = pairs(words, ['unknown']);
  const number = [...stage.cluster.endpoints.values()].filter(({ kind }) => kind === 'peer').length + 2;
  const runId = (facts.get('runid') ?? 'abcdefghij'[number - 1] ?? 'z').repeat(40);
  const peer: FakePeer = {
    kind: 'peer',
    name,
    ip: `10.0.1.${number}`,
    port: 26379,
    runId,
    condition: 'up',
    says: 'auto',
    votesFor: 'asker',
    currentEpoch: 0n,
    votes: new Map(),
  };
  stage.names.set(runId, name);
  addEndpoint(stage.cluster, peer);
  if (facts.has('unknown')) return;
  for (const master of stage.masters)
    if (!facts.has('of') || facts.get('of') === master.name)
      master.peers = [...master.peers, { host: facts.get('host') ?? peer.ip, port: peer.port, runId }];
}

function start(stage: Stage): void {
  stage.names.set(stage.myRunId, 'me');
  const { resolve: resolveHostnames, announce: announceHostnames } = stage.hostnames;
  const settings = { denyScriptsReconfig: true, resolveHostnames, announceHostnames } as const;
  const unset = { announceIp: undefined, announcePort: 0, sentinelUser: undefined, sentinelPass: undefined } as const;
  const file = { myId: stage.myRunId, currentEpoch: stage.currentEpoch, ...settings, ...unset, masters: stage.masters };
  const rand = (below: number) => Math.min(stage.draw, below - 1);
  stage.me = createSentinel(stage.cluster, {
    name: 'me',
    ip: '10.0.1.1',
    port: 26379,
    runId: stage.myRunId,
    rand,
    file,
  });
  boot(stage.cluster, stage.me);
}

/** `<name> <verb> …`: something that happens to a process, or that a peer does. */
function act(stage: Stage, name: string, [verb = '', ...words]: readonly string[]): void {
  const { cluster } = stage;
  const endpoint = cluster.endpoints.get(name);
  if (endpoint === undefined) throw new Error(`who is ${name}?`);
  switch (verb) {
    case 'crashes':
      return crash(cluster, endpoint);
    case 'hangs':
      return hang(endpoint);
    case 'resumes':
      return resume(cluster, endpoint);
    case 'starts':
      return startAgain(stage, endpoint, pairs(words));
    case 'closes':
      for (const connection of connectionsTo(cluster, endpoint)) closeByTarget(cluster, connection, 'closed');
      return;
    default:
      if (endpoint.kind === 'node') return actNode(stage, endpoint, verb, words);
      if (endpoint.kind === 'peer') return actPeer(stage, endpoint, verb, words);
      throw new Error(`unknown verb ${verb}`);
  }
}

function startAgain(stage: Stage, endpoint: Endpoint, facts: Map<string, string>): void {
  if (endpoint.kind === 'sentinel') return boot(stage.cluster, endpoint);
  endpoint.condition = 'up';
  const runId = facts.get('runid')?.repeat(40);
  if (endpoint.kind !== 'node' || runId === undefined) return;
  endpoint.runId = runId;
  stage.names.set(runId, endpoint.name);
}

function actNode(stage: Stage, node: FakeNode, verb: string, words: readonly string[]): void {
  const rest = words.join(' ');
  if (verb === 'pings') node.pingError = rest === 'PONG' ? undefined : rest;
  else if (verb === 'informs') node.infoError = rest === 'well' ? undefined : rest;
  else if (verb === 'ignores') node.stubborn = true;
  else if (verb === 'obeys') node.stubborn = false;
  else if (verb === 'moves') moveNode(stage.cluster, node, rest);
  else if (verb === 'is') changeNode(stage, node, pairs(words, ['master']));
  else if (verb === 'tells')
    for (const connection of connectionsTo(stage.cluster, node))
      if (connection.subscribed)
        reply(stage.cluster, connection, { kind: 'message', connection: connection.id, text: rest });
      else continue;
  else throw new Error(`unknown verb ${verb}`);
}

function changeNode(stage: Stage, node: FakeNode, facts: Map<string, string>): void {
  const number = (key: string, old: number) => Number(facts.get(key) ?? old);
  node.priority = number('priority', node.priority);
  node.offset = number('offset', node.offset);
  node.syncMs = number('sync', node.syncMs);
  const linkDown = facts.get('link-down');
  if (linkDown !== undefined) node.linkDownSeconds = linkDown === 'over' ? undefined : Number(linkDown);
  const leader = stage.cluster.endpoints.get(facts.get('following') ?? '');
  if (leader !== undefined) Object.assign(node, { role: 'slave', follows: { host: leader.ip, port: leader.port } });
  if (facts.has('master')) Object.assign(node, { role: 'master', follows: undefined });
}

function actPeer(stage: Stage, peer: FakePeer, verb: string, words: readonly string[]): void {
  const { cluster } = stage;
  if (verb === 'says') peer.says = words[0] as FakePeer['says'];
  else if (verb === 'votes') {
    const whom = words[1] ?? '';
    const known = [...stage.names].find(([, name]) => name === whom)?.[0];
    peer.votesFor = whom === 'asker' || whom === 'nobody' ? whom : (known ?? whom);
  } else if (verb === 'asks') {
    const facts = pairs(words);
    const about = masterNamed(stage, facts.get('about') ?? stage.masters[0]?.name);
    const { host, port } = about.address;
    const candidate = facts.get('for') === 'nobody' ? '*' : peer.runId;
    const epoch = BigInt(facts.get('epoch') ?? 0);
    peer.currentEpoch = epoch > peer.currentEpoch ? epoch : peer.currentEpoch;
    askSentinel(cluster, running(stage), { host, port, epoch, candidate }, () => undefined);
  } else if (verb === 'hello') sayHello(stage, peer, pairs(words));
  else throw new Error(`unknown verb ${verb}`);
}

function sayHello(stage: Stage, peer: FakePeer, facts: Map<string, string>): void {
  const about = masterNamed(stage, facts.get('about') ?? stage.masters[0]?.name);
  const where = facts.get('at') ?? '';
  const named = stage.cluster.dns.has(where) ? { ip: where, port: 6379 } : undefined;
  const at = named ?? stage.cluster.endpoints.get(where) ?? { ip: about.address.host, port: about.address.port };
  const [ip = peer.ip, port = peer.port] = facts.get('from')?.split(':') ?? [];
  const config = facts.get('config') ?? String(about.configEpoch);
  const epoch = facts.get('epoch') ?? config;
  const text = `${ip},${port},${peer.runId},${epoch},${about.name},${at.ip},${at.port},${config}`;
  feed(stage.cluster, running(stage), { kind: 'hello', text });
}

function printMaster(stage: Stage, master: Master): void {
  const { state } = running(stage);
  const told = currentAddress(state, master);
  const flags = [master.sdownAt === undefined ? '' : 'sdown', master.odownAt === undefined ? '' : 'odown'];
  const words = [
    `${master.name} is ${nameAt(stage, told.host, told.port)}`,
    `epochs config ${master.configEpoch} leader ${master.leaderEpoch} current ${state.currentEpoch}`,
    `replicas ${replicasOf(state, master).map(({ address }) => nameAt(stage, address.host, address.port))}`,
    `peers ${peersOf(state, master).map(({ runId }) => runId)}`,
    `flags ${flags.join(' ').trim() || 'none'}`,
    `failover ${master.failover?.phase ?? 'none'}`,
    `hold-off ${master.holdOff?.why ?? 'none'}`,
  ];
  show(stage, words.join('; '));
}
