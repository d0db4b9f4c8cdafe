// Real clusters on this machine for the demo and the integration tests: data nodes and sentinels on free ports, their
// files in one temporary folder, everything ended and removed by `stop()`, by a failed start and by our own end.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  createDataNode,
  createSentinelNode,
  type DataNode,
  lastLines,
  PortTakenError,
  parseFields,
  type SentinelNode,
  type ServerNode,
} from './nodes.ts';
import { freePorts } from './ports.ts';
import { atExit } from './processes.ts';
import { findRedisServer, type SentinelKind, sentinelCommand } from './programs.ts';
import { until } from './until.ts';

/** How a master is watched; the same for all sentinels unless a sentinel's own lines say otherwise. */
export interface WatchOptions {
  /** Majority of the sentinels unless told. */
  quorum?: number;
  /** 1 s unless told. */
  downAfterMs?: number;
  /** 20 s unless told. */
  failoverTimeoutMs?: number;
  /** 1 unless told. */
  parallelSyncs?: number;
}

export interface DataNodeOptions {
  /** Further lines of its redis.conf, such as `replica-priority 10`. */
  config?: readonly string[];
  /** Sets requirepass and masterauth. */
  password?: string;
}

export interface GroupOptions extends WatchOptions, DataNodeOptions {
  /** How many replicas, or one entry for each with lines of its own. 2 unless told. */
  replicas?: number | readonly DataNodeOptions[];
}

export interface SentinelOptions {
  /** `ts` unless told. */
  kind?: SentinelKind;
  /** Further lines of its sentinel.conf, after those of the masters. */
  config?: readonly string[];
  /** The lines of the masters are left out: it watches nothing at first. */
  blank?: boolean;
  /** Sets requirepass. */
  password?: string;
  /** Program and first arguments, instead of what `kind` stands for. */
  command?: readonly string[];
  env?: Record<string, string | undefined>;
}

export interface TopologyOptions extends GroupOptions {
  /** `mymaster` unless told. */
  masterName?: string;
  /** How many sentinels (all of `kind`), or one entry for each. 3 unless told. */
  sentinels?: number | readonly SentinelOptions[];
  /** Kind of the sentinels that don't say their own; `ts` unless told. */
  kind?: SentinelKind;
  /** Return as soon as every process answers, without waiting until the sentinels know everybody. */
  unsettled?: boolean;
}

/** A master and its replicas, by the roles they started with. */
export interface Group {
  readonly name: string;
  readonly master: DataNode;
  /** Grows with `addReplica`. */
  readonly replicas: readonly DataNode[];
  readonly password: string | undefined;
  readonly watch: Required<WatchOptions>;
}

/** A running cluster; as a group it is the first one. */
export interface Topology extends Group {
  readonly dir: string;
  /** In the order of their start; grows with `addSentinel`. */
  readonly sentinels: readonly SentinelNode[];
  readonly groups: readonly Group[];
  /** All data nodes of all groups. */
  nodes(): DataNode[];
  /** The data node on that port. */
  nodeAt(port: number): DataNode | undefined;
  /** Start another master with its replicas and let all running sentinels watch it (SENTINEL MONITOR). */
  addMaster(name: string, options?: GroupOptions): Promise<Group>;
  /** Start another replica of a group's master as known to the sentinels; wait until it is in sync. */
  addReplica(options?: DataNodeOptions, group?: Group): Promise<DataNode>;
  /** Start another sentinel that watches all groups, by their present masters. */
  addSentinel(options?: SentinelOptions): Promise<SentinelNode>;
  /** Where this sentinel says the master is. */
  masterPort(sentinel: SentinelNode, group?: Group): Promise<number>;
  /** Wait until all running sentinels name the same running node as master, other than `not`, and return it. */
  agreedMaster(options?: { not?: DataNode; group?: Group; withinMs?: number }): Promise<DataNode>;
  /** Wait until every running sentinel knows all running nodes and sentinels of a group and all links are up. */
  settled(options?: { group?: Group; withinMs?: number }): Promise<void>;
  /** The last lines of everybody, for error texts. */
  report(lines?: number): string;
  /** Leave it running when this process ends, and its folder where it is. */
  release(): void;
  /** End all processes and remove the folder. */
  stop(): Promise<void>;
}

/** Somebody may take a port between finding it free and using it. */
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
  const cluster = createCluster(kind, Math.floor(wanted.length / 2) + 1);
  try {
    const first = await cluster.startGroup(masterName, options);
    const ports = await freePorts(wanted.length);
    await Promise.all(wanted.map((own, index) => cluster.startSentinel(own, ports[index] ?? 0)));
    const topology = asTopology(cluster, first);
    if (options.unsettled !== true) await topology.settled();
    return topology;
  } catch (error) {
    await cluster.stop();
    throw error;
  }
}

function asTopology(cluster: Cluster, first: Group): Topology {
  const { sentinels, groups } = cluster;
  const topology: Topology = {
    ...first,
    dir: cluster.dir,
    sentinels,
    groups,
    nodes: cluster.nodes,
    nodeAt: (port) => cluster.nodes().find((node) => node.port === port),
    async addMaster(name, options = {}) {
      const group = await cluster.startGroup(name, options);
      for (const sentinel of running(sentinels)) await monitor(sentinel, group);
      await topology.settled({ group });
      return group;
    },
    async addReplica(options = {}, group = first) {
      return cluster.startReplica(group, options, await topology.agreedMaster({ group }));
    },
    async addSentinel(options = {}) {
      const [port = 0] = await freePorts(1);
      return cluster.startSentinel(options, port, (group) => topology.agreedMaster({ group }));
    },
    masterPort: (sentinel, group = first) => masterPort(sentinel, group.name),
    agreedMaster: ({ not, group = first, withinMs = 30_000 } = {}) =>
      until(
        `agreement on the master of ${group.name}${not === undefined ? '' : ` other than ${not.name}`}`,
        async () => {
          const ports = await Promise.all(running(sentinels).map((sentinel) => masterPort(sentinel, group.name)));
          const node = new Set(ports).size === 1 ? topology.nodeAt(ports[0] ?? 0) : undefined;
          return node?.running === true && node !== not ? node : undefined;
        },
        { withinMs, describe: topology.report },
      ),
    async settled({ group = first, withinMs = 40_000 } = {}) {
      let missing = '';
      const check = async () => {
        missing = await whatIsMissing(group, running(sentinels));
        return missing === '';
      };
      const describe = () => `${missing}\n${topology.report()}`;
      await until(`${group.name} and its sentinels to know each other`, check, { withinMs, describe });
    },
    report: (lines) => [...cluster.nodes(), ...sentinels].map((node) => lastLines(node, lines)).join('\n'),
    release: cluster.release,
    stop: cluster.stop,
  };
  return topology;
}

/** The processes and files of a topology, without any opinion about their state. */
interface Cluster {
  readonly dir: string;
  readonly groups: Group[];
  readonly sentinels: SentinelNode[];
  nodes(): DataNode[];
  startGroup(name: string, options: GroupOptions): Promise<Group>;
  startReplica(group: Group, options: DataNodeOptions, master: DataNode): Promise<DataNode>;
  startSentinel(
    options: SentinelOptions,
    port: number,
    masterOf?: (group: Group) => Promise<DataNode>,
  ): Promise<SentinelNode>;
  release(): void;
  stop(): Promise<void>;
}

function createCluster(defaultKind: SentinelKind, defaultQuorum: number): Cluster {
  const dir = mkdtempSync(join(tmpdir(), 'ts-sentinel-'));
  const forget = atExit(() => rmSync(dir, { recursive: true, force: true }));
  const groups: Group[] = [];
  const sentinels: SentinelNode[] = [];
  const dataNodes: DataNode[] = [];

  const startDataNode = async (port: number, { config = [], password }: DataNodeOptions, master?: DataNode) => {
    const name = `node ${dataNodes.length + 1}`;
    const program = findRedisServer();
    if (program === undefined) throw new Error('redis-server is not installed');
    const node = createDataNode({
      name,
      command: [program],
      port,
      dir: join(dir, name.replace(' ', '-')),
      conf: { file: 'redis.conf', text: dataNodeConf(port, join(dir, name.replace(' ', '-')), config, password, master) },
      ...(password === undefined ? {} : { login: { password } }),
    });
    dataNodes.push(node);
    await node.start();
    return node;
  };
  const startReplica = async (port: number, options: DataNodeOptions, master: DataNode) => {
    const node = await startDataNode(port, options, master);
    const inSync = async () => (await node.info('replication')).master_link_status === 'up';
    await until(`${node.name} in sync with ${master.name}`, inSync, { describe: () => lastLines(node) });
    return node;
  };

  return {
    dir,
    groups,
    sentinels,
    nodes: () => [...dataNodes],
    async startGroup(name, options) {
      const { replicas = 2, password, config = [] } = options;
      const wanted = typeof replicas === 'number' ? Array.from({ length: replicas }, () => ({ config })) : replicas;
      const [masterPort = 0, ...ports] = await freePorts(wanted.length + 1);
      const master = await startDataNode(masterPort, options);
      const started = await Promise.all(
        wanted.map((own, index) => startReplica(ports[index] ?? 0, { ...passwordOf(password), ...own }, master)),
      );
      const group = { name, master, replicas: started, password, watch: watchOf(options, defaultQuorum) };
      groups.push(group);
      return group;
    },
    async startReplica(group, options, master) {
      const [port = 0] = await freePorts(1);
      const node = await startReplica(port, { ...passwordOf(group.password), ...options }, master);
      (group.replicas as DataNode[]).push(node);
      return node;
    },
    async startSentinel(options, port, masterOf = async ({ master }) => master) {
      const { kind = defaultKind, password, config = [], blank = false, env } = options;
      const name = `sentinel ${sentinels.length + 1}`;
      const own = join(dir, name.replace(' ', '-'));
      // In the list before anything is awaited: it keeps the order of the calls.
      const slot = sentinels.length;
      sentinels.length++;
      const watched = blank ? [] : await Promise.all(groups.map(async (group) => monitorLines(group, await masterOf(group))));
      const node = createSentinelNode({
        name,
        kind,
        command: options.command ?? sentinelCommand(kind),
        port,
        dir: own,
        conf: { file: 'sentinel.conf', text: sentinelConf(port, own, watched.flat(), config, password) },
        ...(password === undefined ? {} : { login: { password } }),
        ...(env === undefined ? {} : { env }),
      });
      sentinels[slot] = node;
      await node.start();
      return node;
    },
    release() {
      forget();
      for (const node of [...dataNodes, ...sentinels]) node.release();
    },
    async stop() {
      // There is nothing to save in a data node; a sentinel shows whether it can stop by itself.
      await Promise.all([...sentinels.map((node) => node.stop()), ...dataNodes.map((node) => node.kill())]);
      rmSync(dir, { recursive: true, force: true });
      forget();
    },
  };
}
