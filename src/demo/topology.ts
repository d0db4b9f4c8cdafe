// Real clusters on this machine for the demo and the integration tests: data nodes and sentinels on free ports, their
// files in one temporary folder, everything ended and removed by `stop()`, by a failed start and by our own end.
import type { TlsFiles } from './client.ts';
import {
  type Cluster,
  createCluster,
  type DataNodeOptions,
  type Group,
  type GroupOptions,
  type SentinelOptions,
  watchedMaster,
} from './cluster.ts';
import { masterOptions } from './conf-text.ts';
import { type DataNode, lastLines, PortTakenError, parseFields, type SentinelNode, type ServerNode } from './nodes.ts';
import { freePorts } from './ports.ts';
import type { SentinelKind } from './programs.ts';
import { ensureRedisServer } from './redis-server.ts';
import { until } from './until.ts';

export interface TopologyOptions extends GroupOptions {
  /** `mymaster` unless told. */
  masterName?: string;
  /** How many sentinels (all of `kind`), or one entry for each. 3 unless told. */
  sentinels?: number | readonly SentinelOptions[];
  /** Kind of the sentinels that don't say their own; `ts` unless told. */
  kind?: SentinelKind;
  /** Data nodes, sentinels and our own connections to them talk TLS with these files; everybody shows a certificate. */
  tls?: TlsFiles;
  /** Return as soon as every process answers, without waiting until the sentinels know everybody. */
  unsettled?: boolean;
}

/** A running cluster; as a group it is the first one. */
export interface Topology extends Group {
  readonly dir: string;
  /** In the order of their start; grows with `addSentinel`. */
  readonly sentinels: readonly SentinelNode[];
  readonly groups: readonly Group[];
  /** All data nodes of all groups; grows. */
  readonly nodes: readonly DataNode[];
  /** The data node on that port. */
  nodeAt(port: number): DataNode | undefined;
  /** Start another master with its replicas and let all running sentinels watch it (SENTINEL MONITOR). */
  addMaster(name: string, options?: GroupOptions): Promise<Group>;
  /** Start another replica of a group's present master, and wait until it is in sync. */
  addReplica(options?: DataNodeOptions, group?: Group): Promise<DataNode>;
  /** Start another sentinel that watches all groups at their present masters. */
  addSentinel(options?: SentinelOptions): Promise<SentinelNode>;
  /** Where this sentinel says the master is. */
  masterPort(sentinel: SentinelNode, group?: Group): Promise<number>;
  /** Wait until all running sentinels name the same running node, other than `not`, as master, and return it. */
  agreedMaster(options?: { not?: DataNode; group?: Group; withinMs?: number }): Promise<DataNode>;
  /** Wait until all running sentinels know all running nodes of a group and each other, and all links are up. */
  settled(options?: { group?: Group; withinMs?: number }): Promise<void>;
  /** The last lines of everybody, for error texts. */
  report(lines?: number): string;
  /** Leave it running when this process ends, and its folder where it is. */
  release(): void;
  /** End all processes and remove the folder. */
  stop(): Promise<void>;
}

/** Somebody may take a port between our finding it free and using it. */
const START_TRIES = 3;

/** Start a cluster and wait until all of it is up and (unless `unsettled`) known to all sentinels. */
export async function startTopology(options: TopologyOptions = {}): Promise<Topology> {
  for (let tries = 1; ; tries++) {
    try {
      return await startOnce(options);
    } catch (error) {
      if (!(error instanceof PortTakenError) || tries === START_TRIES) throw error;
    }
  }
}

async function startOnce(options: TopologyOptions): Promise<Topology> {
  const { sentinels = 3, kind = 'ts', masterName = 'mymaster' } = options;
  const wanted = typeof sentinels === 'number' ? Array.from({ length: sentinels }, () => ({})) : sentinels;
  // On a fresh machine the first test that needs it brings the Redis server.
  const redisServer = await ensureRedisServer({ say: (line) => process.stderr.write(`${line}\n`) });
  const cluster = createCluster({ redisServer, kind, quorum: Math.floor(wanted.length / 2) + 1, tls: options.tls });
  try {
    const first = await cluster.startGroup(masterName, options);
    const ports = await freePorts(wanted.length);
    const portOf = (group: Group) => group.master.port;
    await Promise.all(wanted.map((own, index) => cluster.startSentinel(own, ports[index] ?? 0, portOf)));
    const topology = asTopology(cluster, first);
    if (options.unsettled !== true) await topology.settled();
    return topology;
  } catch (error) {
    await cluster.stop();
    throw error;
  }
}

function asTopology(cluster: Cluster, first: Group): Topology {
  const { sentinels, dataNodes } = cluster;
  const topology: Topology = {
    ...first,
    dir: cluster.dir,
    sentinels,
    groups: cluster.groups,
    nodes: dataNodes,
    nodeAt: (port) => dataNodes.find((node) => node.port === port),
    async addMaster(name, options = {}) {
      const group = await cluster.startGroup(name, options);
      await Promise.all(running(sentinels).map((sentinel) => monitor(sentinel, group)));
      await topology.settled({ group });
      return group;
    },
    addReplica: async (options = {}, group = first) =>
      cluster.startReplica(group, options, await topology.agreedMaster({ group })),
    async addSentinel(options = {}) {
      const masters = new Map<Group, DataNode>();
      for (const group of cluster.groups) masters.set(group, await topology.agreedMaster({ group }));
      const [port = 0] = await freePorts(1);
      return cluster.startSentinel(options, port, (group) => (masters.get(group) ?? group.master).port);
    },
    masterPort: (sentinel, group = first) => askMasterPort(sentinel, group.name),
    agreedMaster({ not, group = first, withinMs = 30_000 } = {}) {
      const what = `all sentinels agree on a master of ${group.name}${not === undefined ? '' : ` other than ${not.name}`}`;
      const look = async () => {
        const ports = await Promise.all(running(sentinels).map((sentinel) => askMasterPort(sentinel, group.name)));
        const node = new Set(ports).size === 1 ? topology.nodeAt(ports[0] ?? 0) : undefined;
        return node?.running === true && node !== not && node;
      };
      return until(what, look, { withinMs, describe: topology.report });
    },
    async settled({ group = first, withinMs = 40_000 } = {}) {
      let missing = '';
      const look = async () => {
        missing = await whatIsMissing(group, dataNodes, running(sentinels));
        return missing === '';
      };
      const describe = () => `${missing}\n${topology.report()}`;
      await until(`${group.name} is settled`, look, { withinMs, describe });
    },
    report: (lines) => [...dataNodes, ...sentinels].map((node) => lastLines(node, lines)).join('\n'),
    release: cluster.release,
    stop: cluster.stop,
  };
  return topology;
}

function running<Node extends ServerNode>(nodes: readonly Node[]): Node[] {
  return nodes.filter((node) => node.running && !node.paused);
}

async function askMasterPort(sentinel: SentinelNode, name: string): Promise<number> {
  const reply = await sentinel.command('SENTINEL', 'GET-MASTER-ADDR-BY-NAME', name);
  return Array.isArray(reply) ? Number(reply[1]) : Number.NaN;
}

async function monitor(sentinel: SentinelNode, group: Group): Promise<void> {
  const { name, port, quorum, ...rest } = watchedMaster(group, group.master.port);
  await sentinel.command('SENTINEL', 'MONITOR', name, '127.0.0.1', String(port), String(quorum));
  await sentinel.command('SENTINEL', 'SET', name, ...masterOptions(rest).flat());
}

/** One sentence on what is not as it will be once all is well; empty when nothing is missing. */
async function whatIsMissing(
  group: Group,
  dataNodes: readonly DataNode[],
  sentinels: readonly SentinelNode[],
): Promise<string> {
  const members = running(dataNodes).filter((node) => node === group.master || group.replicas.includes(node));
  for (const sentinel of sentinels) {
    const ask = (topic: string) => sentinel.command('SENTINEL', topic, group.name);
    const master = parseFields(await ask('MASTER'));
    if (master.flags !== 'master') return `${sentinel.name}: the master's flags are "${master.flags}"`;
    const replicas = listOf(await ask('REPLICAS')).filter(
      ({ flags, 'master-link-status': link }) => flags === 'slave' && link === 'ok',
    );
    const followers = members.filter(({ port }) => String(port) !== master.port);
    const strange = followers.find(({ port }) => !replicas.some((replica) => replica.port === String(port)));
    if (strange !== undefined) return `${sentinel.name}: no healthy replica ${strange.address} (${strange.name})`;
    const peers = listOf(await ask('SENTINELS')).filter(({ flags }) => flags === 'sentinel');
    const alone = sentinels.find(
      ({ port }) => port !== sentinel.port && !peers.some((peer) => Number(peer.port) === port),
    );
    if (alone !== undefined) return `${sentinel.name}: no healthy peer ${alone.address} (${alone.name})`;
  }
  return '';
}

function listOf(reply: unknown): Record<string, string>[] {
  return Array.isArray(reply) ? reply.map(parseFields) : [];
}
