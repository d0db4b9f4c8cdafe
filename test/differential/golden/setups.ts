// The worlds that golden cases run in: a target sentinel, its peers and its data nodes, as `setups` in the header of
// golden-commands.json describes them. Cases of one setup share one world unless they say that they need their own.
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { dataNodeConf } from '../../../src/demo/conf-text.ts';
import { createDataNode, type DataNode } from '../../../src/demo/nodes.ts';
import { freePorts } from '../../../src/demo/ports.ts';
import { type Child, startChild } from '../../../src/demo/processes.ts';
import { sentinelCommand } from '../../../src/demo/programs.ts';
import { ensureRedisServer } from '../../../src/demo/redis-server.ts';
import { until } from '../../../src/demo/until.ts';
import { askOnce, encodeRequest, fieldsOf, openConnection, textOf } from './connection.ts';
import type { Reply } from './replies.ts';

export type SetupName = 'fresh' | 'auth' | 'one-master' | 'down-master' | 'replicas';
export type NodeName = 'master' | 'r1' | 'r2';

/**
 * Which server answers the golden cases: the one built from here, or with GOLDEN_SERVER=genuine the installed
 * redis-sentinel, which has to pass everything: that proves the harness. Any other value is the path of another build's
 * main.js.
 */
const goldenServer = process.env.GOLDEN_SERVER ?? 'ts';
export const isGenuine = goldenServer === 'genuine';

function commandOf(server: string): readonly string[] {
  if (server === 'genuine' || server === 'ts') return sentinelCommand(server);
  return [process.execPath, server];
}

/** The data nodes of a world; a node runs from its first `start` on. */
export interface DataNodes {
  readonly nodes: Readonly<Record<NodeName, DataNode>>;
  /** A port where nothing listens, and another one. */
  readonly deadPort: number;
  readonly strangePort: number;
  stop(): Promise<void>;
}

export interface SentinelProcess {
  readonly port: number;
  readonly dir: string;
  readonly confFile: string;
  readonly child: Child;
  readonly id: string;
  stop(): Promise<void>;
}

export interface World {
  readonly data: DataNodes;
  readonly target: SentinelProcess;
  /** `s2` and `s3`, where the setup has peers. */
  readonly peers: readonly SentinelProcess[];
  /** Put this world's ports, ids and folder in the place of the variables of a text. */
  fill(text: string): string;
  /** End the sentinels; the data nodes have their own end. */
  stop(): Promise<void>;
}

const START_MS = 20_000;
/** Discovery takes a hello (2 s) after an INFO (10 s); a loaded machine takes longer. */
const READY_MS = 60_000;

/** Prepare the data nodes that a setup needs, and start those that are to run from the start. */
export async function startDataNodes(setup: SetupName): Promise<DataNodes> {
  const program = await ensureRedisServer({ say: (line) => process.stderr.write(`${line}\n`) });
  const dir = mkdtempSync(join(tmpdir(), 'ts-sentinel-golden-data-'));
  const [mport = 0, r1port = 0, r2port = 0, deadPort = 0, strangePort = 0] = await freePorts(5);
  const node = (name: NodeName, port: number, priority: number) => {
    const place = join(dir, name);
    const config = [`replica-priority ${priority}`];
    const text = dataNodeConf({ port, dir: place, masterPort: name === 'master' ? undefined : mport, config });
    return createDataNode({ name, command: [program], port, dir: place, conf: { file: 'redis.conf', text } });
  };
  const nodes = { master: node('master', mport, 100), r1: node('r1', r1port, 50), r2: node('r2', r2port, 100) };
  const stop = async () => {
    await Promise.all(Object.values(nodes).map((each) => each.kill()));
    rmSync(dir, { recursive: true, force: true });
  };
  try {
    if (setup === 'one-master' || setup === 'replicas') await nodes.master.start();
    if (setup === 'replicas') {
      await Promise.all([nodes.r1.start(), nodes.r2.start()]);
      for (const replica of [nodes.r1, nodes.r2])
        await until('the replica to be in sync', async () => (await replica.info()).master_link_status === 'up');
    }
  } catch (error) {
    await stop();
    throw error;
  }
  return { nodes, deadPort, strangePort, stop };
}

/** The lines of a setup's sentinel.conf behind port, bind and dir. */
function confOf(setup: SetupName, data: DataNodes): readonly string[] {
  const watched = (port: number, downAfterMs: number) => [
    `sentinel monitor mymaster 127.0.0.1 ${port} 2`,
    `sentinel down-after-milliseconds mymaster ${downAfterMs}`,
    'sentinel failover-timeout mymaster 20000',
  ];
  switch (setup) {
    case 'fresh':
      return [];
    case 'auth':
      return [
        'requirepass secret',
        'user alice on >pw ~* &* -@all +ping +sentinel|myid +client|id +hello',
        'user carl on >pw ~* resetchannels &__sentinel__:hello -@all +@pubsub +@connection',
        'user off off >pw ~* &* +@all',
      ];
    case 'down-master':
      return watched(data.deadPort, 100);
    case 'one-master':
    case 'replicas':
      return watched(data.nodes.master.port, 5000);
  }
}

/**
 * Start the sentinels of a setup and wait until they are ready. `extra`: more lines for the target's file; `server`: as
 * GOLDEN_SERVER says it.
 */
export async function startWorld(
  setup: SetupName,
  data: DataNodes,
  extra: readonly string[],
  server = goldenServer,
): Promise<World> {
  const conf = confOf(setup, data);
  const count = setup === 'replicas' ? 3 : 1;
  const ports = await freePorts(count);
  const started: SentinelProcess[] = [];
  const stop = async () => void (await Promise.all(started.map((sentinel) => sentinel.stop())));
  try {
    for (const [index, port] of ports.entries())
      started.push(await startSentinel(commandOf(server), port, [...conf, ...(index === 0 ? extra : [])], setup));
    await until(`${setup} to be ready`, () => isReady(setup, data, started), { withinMs: READY_MS });
    const [target, ...peers] = started;
    if (target === undefined) throw new Error('no sentinel was started');
    return { data, target, peers, fill: await filling(data, target, peers), stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

async function startSentinel(
  command: readonly string[],
  port: number,
  conf: readonly string[],
  setup: SetupName,
): Promise<SentinelProcess> {
  const dir = mkdtempSync(join(tmpdir(), 'ts-sentinel-golden-'));
  const place = join(dir, 'sentinel');
  const files = { conf: join(place, 'sentinel.conf'), stdout: join(dir, 'stdout'), stderr: join(dir, 'stderr') };
  mkdirSync(place);
  writeFileSync(files.conf, [`port ${port}`, 'bind 127.0.0.1', `dir ${place}`, ...conf, ''].join('\n'));
  const child = startChild([...command, files.conf], {
    cwd: place,
    stdoutFile: files.stdout,
    stderrFile: files.stderr,
  });
  const stop = async () => {
    child.signal('SIGKILL');
    child.signal('SIGCONT');
    await child.ended(START_MS);
    rmSync(dir, { recursive: true, force: true });
  };
  try {
    const id = await until(`a sentinel on port ${port}`, () => idOf(port, child, setup), {
      withinMs: START_MS,
      everyMs: 20,
    });
    if (id === '') throw new Error(`the sentinel on port ${port} ended at once`);
    return { port, dir: place, confFile: files.conf, child, id, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

/** The sentinel's id as soon as it answers; empty when it has ended instead. */
async function idOf(port: number, child: Child, setup: SetupName): Promise<string | undefined> {
  if (child.exit !== undefined) return '';
  if (setup !== 'auth') return textOf(await askOnce(port, 'SENTINEL', 'MYID'));
  const connection = await openConnection(port);
  try {
    connection.send(encodeRequest(['AUTH', 'secret']));
    await connection.read(5000);
    connection.send(encodeRequest(['SENTINEL', 'MYID']));
    const reply = await connection.read(5000);
    return typeof reply === 'string' ? undefined : textOf(reply);
  } finally {
    connection.close();
  }
}

async function isReady(setup: SetupName, data: DataNodes, sentinels: readonly SentinelProcess[]): Promise<boolean> {
  if (setup === 'fresh' || setup === 'auth') return true;
  for (const { port } of sentinels) {
    const master = fieldsOf(await askOnce(port, 'SENTINEL', 'MASTER', 'mymaster'));
    if (setup === 'down-master') return master.flags?.startsWith('s_down') === true;
    if (master.runid === '' || master.flags !== 'master') return false;
    if (setup === 'one-master') continue;
    const replicas = await list(port, 'REPLICAS');
    const ports = [data.nodes.r1.port, data.nodes.r2.port];
    if (replicas.length !== ports.length) return false;
    const healthy = replicas.every(
      (fields) => fields.flags === 'slave' && fields.runid !== '' && fields['master-link-status'] === 'ok',
    );
    const peers = await list(port, 'SENTINELS');
    const known = peers.length === sentinels.length - 1 && peers.every(({ flags }) => flags === 'sentinel');
    if (!healthy || !known) return false;
  }
  return true;
}

async function list(port: number, what: string): Promise<Record<string, string>[]> {
  const reply = await askOnce(port, 'SENTINEL', what, 'mymaster');
  return ((reply.value ?? []) as readonly Reply[]).map(fieldsOf);
}

async function filling(data: DataNodes, target: SentinelProcess, peers: readonly SentinelProcess[]) {
  const variables: Record<string, string> = {
    mport: String(data.nodes.master.port),
    r1port: String(data.nodes.r1.port),
    r2port: String(data.nodes.r2.port),
    deadport: String(data.deadPort),
    xport: String(data.strangePort),
    sport: String(target.port),
    myid: target.id,
    dir: target.dir,
  };
  for (const [index, { port, id }] of peers.entries()) {
    variables[`s${index + 2}port`] = String(port);
    variables[`s${index + 2}id`] = id;
  }
  for (const [name, node] of [
    ['mrunid', data.nodes.master] as const,
    ['r1runid', data.nodes.r1] as const,
    ['r2runid', data.nodes.r2] as const,
  ])
    if (node.running) variables[name] = (await node.info('server')).run_id ?? '';
  return (text: string) =>
    text
      .replaceAll(/\{rep:(.):(\d+)\}/g, (_, char: string, count: string) => char.repeat(Number(count)))
      .replaceAll(/\{(\w+)\}/g, (whole, name: string) => variables[name] ?? whole);
}
