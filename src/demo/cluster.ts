// The processes and files of a topology: started, listed, ended; without any opinion about their state.
// topology.ts adds what a cluster knows about itself.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TlsFiles } from './client.ts';
import { dataNodeConf, sentinelConf, type WatchedMaster } from './conf-text.ts';
import { createDataNode, createSentinelNode, type DataNode, lastLines, type SentinelNode } from './nodes.ts';
import { freePorts } from './ports.ts';
import { atExit } from './processes.ts';
import { type SentinelKind, sentinelCommand } from './programs.ts';
import { until } from './until.ts';

/** How a master is watched. */
export interface WatchOptions {
  /** Majority of the sentinels that the topology starts with, unless told. */
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
  /** Sets requirepass and masterauth; a replica takes over its group's. */
  password?: string;
}

/** Who the sentinels log in as at the data nodes, where it is not the default user. */
export interface Login {
  user?: string;
  password: string;
}

export interface GroupOptions extends WatchOptions, DataNodeOptions {
  /** The default user with the nodes' `password`, unless told. */
  login?: Login;
  /** How many replicas (with the lines of `config`), or one entry for each with lines of its own. 2 unless told. */
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
  /** Instead of the cluster's own. */
  tls?: TlsFiles;
  /** Program and first arguments, instead of what `kind` stands for. A wrapper must `exec`. */
  command?: readonly string[];
  env?: Record<string, string | undefined>;
}

/** A master and its replicas, by the roles they started with. */
export interface Group {
  readonly name: string;
  readonly master: DataNode;
  /** Grows with `addReplica`. */
  readonly replicas: readonly DataNode[];
  readonly password: string | undefined;
  readonly login: Login | undefined;
  readonly watch: Required<WatchOptions>;
}

export interface Cluster {
  readonly dir: string;
  readonly groups: Group[];
  readonly sentinels: SentinelNode[];
  readonly dataNodes: DataNode[];
  startGroup(name: string, options: GroupOptions): Promise<Group>;
  startReplica(group: Group, options: DataNodeOptions, master: DataNode): Promise<DataNode>;
  /** Each group is watched at the port that `portOf` names; several calls at once keep their order in the list. */
  startSentinel(options: SentinelOptions, port: number, portOf: (group: Group) => number): Promise<SentinelNode>;
  /** Leave processes and files to themselves. */
  release(): void;
  /** End all processes and remove all files. */
  stop(): Promise<void>;
}

export interface ClusterDefaults {
  /** The program of the data nodes. */
  redisServer: string;
  kind: SentinelKind;
  quorum: number;
  /** Everybody talks TLS with these files. */
  tls?: TlsFiles | undefined;
}

/** An empty cluster in a temporary folder of its own. */
export function createCluster(defaults: ClusterDefaults): Cluster {
  const dir = mkdtempSync(join(tmpdir(), 'ts-sentinel-'));
  const forget = atExit(() => rmSync(dir, { recursive: true, force: true }));
  const groups: Group[] = [];
  const sentinels: SentinelNode[] = [];
  const dataNodes: DataNode[] = [];

  const startDataNode = async (port: number, { config = [], password }: DataNodeOptions, master?: DataNode) => {
    const name = `node ${dataNodes.length + 1}`;
    const home = join(dir, name.replace(' ', '-'));
    const text = dataNodeConf({ port, tls: defaults.tls, dir: home, masterPort: master?.port, password, config });
    const conf = { file: 'redis.conf', text };
    const login = { ...loginOf(password), tls: defaults.tls };
    const node = createDataNode({ name, command: [defaults.redisServer], port, dir: home, conf, login });
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
    dataNodes,
    async startGroup(name, options) {
      const { replicas: wanted = 2, password, login, config = [] } = options;
      const each = typeof wanted === 'number' ? Array.from({ length: wanted }, () => ({ config })) : wanted;
      const [masterPort = 0, ...ports] = await freePorts(each.length + 1);
      const master = await startDataNode(masterPort, options);
      const starting = each.map((own, index) => startReplica(ports[index] ?? 0, inherit(own, password), master));
      const replicas = await Promise.all(starting);
      const group = { name, master, replicas, password, login, watch: watchOf(options, defaults.quorum) };
      groups.push(group);
      return group;
    },
    async startReplica(group, options, master) {
      const [port = 0] = await freePorts(1);
      const node = await startReplica(port, inherit(options, group.password), master);
      (group.replicas as DataNode[]).push(node);
      return node;
    },
    async startSentinel(options, port, portOf) {
      const { kind = defaults.kind, command = sentinelCommand(kind), password, config = [], env = {} } = options;
      const { tls = defaults.tls } = options;
      const name = `sentinel ${sentinels.length + 1}`;
      const home = join(dir, name.replace(' ', '-'));
      const masters = options.blank === true ? [] : groups.map((group) => watchedMaster(group, portOf(group)));
      const conf = { file: 'sentinel.conf', text: sentinelConf({ port, tls, dir: home, masters, password, config }) };
      const login = { ...loginOf(password), tls };
      const node = createSentinelNode({ name, kind, command, port, dir: home, conf, env, login });
      sentinels.push(node);
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

/** How a group is watched, for a configuration file or for SENTINEL MONITOR and SET. */
export function watchedMaster({ name, password, login, watch }: Group, port: number): WatchedMaster {
  return { name, port, user: login?.user, password: login?.password ?? password, ...watch };
}

function watchOf(options: WatchOptions, majority: number): Required<WatchOptions> {
  const { quorum = majority, downAfterMs = 1_000, failoverTimeoutMs = 20_000, parallelSyncs = 1 } = options;
  return { quorum, downAfterMs, failoverTimeoutMs, parallelSyncs };
}

function inherit(options: DataNodeOptions, password: string | undefined): DataNodeOptions {
  return password === undefined ? options : { password, ...options };
}

function loginOf(password: string | undefined): { password?: string } {
  return password === undefined ? {} : { password };
}
