// The processes of a run: one server on each host, with a disk of its own. A supervisor starts what died by itself.
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Client, createClient } from '../../src/demo/client.ts';
import { type Child, startChild } from '../../src/demo/processes.ts';
import { findRedisServer, type SentinelKind, sentinelCommand } from '../../src/demo/programs.ts';
import { factsIn } from './history.ts';
import { on } from './network.ts';
import {
  addressOf,
  DATA_HOSTS,
  type DataHost,
  type Ms,
  nameOf,
  SENTINEL_HOSTS,
  type SentinelHost,
  type ServerHost,
  type Settings,
} from './plan.ts';
import type { Recorder } from './recorder.ts';
import { buildSlowDisk } from './slow-disk.ts';
import { tool, tryTool } from './tools.ts';

export const PORT = 6379;
export const MASTER = 'mymaster';
/** Nobody's answer is awaited longer. */
const ANSWER_MS: Ms = 1000;
/** A data node waits up to 10 s for its replicas before it obeys. */
const STOP_MS: Ms = 15_000;
const SUPERVISE_MS: Ms = 250;

export interface Server {
  readonly host: ServerHost;
  readonly disk: string;
  /** Started, and not ended since. */
  readonly running: boolean;
  readonly paused: boolean;
  readonly client: Client;
  start(): void;
  /** SIGKILL. */
  kill(): Promise<void>;
  /** SIGTERM; SIGKILL after 15 s. */
  stop(): Promise<void>;
  pause(): void;
  resume(): void;
  /** What it printed since the last call, whole lines. */
  printed(): string[];
}

export interface Servers {
  readonly all: readonly Server[];
  of(host: ServerHost): Server;
  readonly kinds: Readonly<Record<SentinelHost, SentinelKind>>;
  /** Without a C compiler there is no slow disk. */
  readonly canSlowDisks: boolean;
  /** Let each fsync of a sentinel take so long; 0: no longer. */
  slowDisk(host: SentinelHost, ms: Ms): void;
  fillDisk(host: ServerHost): void;
  emptyDisk(host: ServerHost): void;
  /** Read the file of a sentinel that does not run, and let ts-sentinel judge whether it loads. */
  checkFile(host: SentinelHost): Promise<void>;
  /** No process is started again after this. */
  endSupervision(): void;
}

/** Prepare disks and files in `dir`, start everything, and go on supervising. */
export async function startServers(
  dir: string,
  settings: Settings,
  kinds: Readonly<Record<SentinelHost, SentinelKind>>,
  recorder: Recorder,
): Promise<Servers> {
  const redisServer = findRedisServer();
  if (redisServer === undefined) throw new Error('redis-server is not installed');
  const preload = await buildSlowDisk(dir);
  const slowness = (host: ServerHost) => join(dir, `fsync-ms.${host}`);
  const all = new Map<ServerHost, Server>();
  for (const host of [...DATA_HOSTS, ...SENTINEL_HOSTS]) {
    const sentinel = isSentinel(host);
    const disk = join(dir, host);
    mkdirSync(disk);
    // A node's disk holds its append-only file of the whole run; a sentinel's only its own file.
    await tool(['mount', '-t', 'tmpfs', '-o', `size=${sentinel ? '256k' : '96m'}`, 'tmpfs', disk]);
    const file = join(disk, sentinel ? 'sentinel.conf' : 'redis.conf');
    writeFileSync(file, sentinel ? sentinelConf(disk, settings) : redisConf(host, disk, settings), { mode: 0o600 });
    const command = sentinel ? sentinelCommand(kinds[host]) : [redisServer];
    const env = sentinel && preload !== undefined ? { LD_PRELOAD: preload, CHAOS_SLOW_DISK: slowness(host) } : {};
    all.set(
      host,
      createServer({ host, disk, log: join(dir, `${host}.log`), recorder, env, command: [...command, file] }),
    );
  }
  const servers = [...all.values()];
  for (const server of servers) server.start();
  const supervisor = setInterval(() => supervise(servers, recorder), SUPERVISE_MS);
  const of = (host: ServerHost) => all.get(host) as Server;
  return {
    all: servers,
    of,
    kinds,
    canSlowDisks: preload !== undefined,
    slowDisk(host, ms) {
      if (ms === 0) rmSync(slowness(host), { force: true });
      else writeFileSync(slowness(host), String(ms));
    },
    fillDisk: (host) => fill(join(of(host).disk, 'filler')),
    emptyDisk: (host) => rmSync(join(of(host).disk, 'filler'), { force: true }),
    async checkFile(host) {
      const text = readFileSync(join(of(host).disk, 'sentinel.conf'), 'utf8');
      const at = recorder.now();
      const copy = join(dir, `${host}.conf`);
      writeFileSync(copy, text);
      const { code, output } = await tryTool([...sentinelCommand('ts'), copy, '--check-config']);
      const { master, ...facts } = factsIn(text);
      const why = code === 0 ? {} : { why: output.trim() };
      recorder.write({ at, kind: 'file', by: host, loads: code === 0, ...why, master: nameOf(master), ...facts });
    },
    endSupervision: () => clearInterval(supervisor),
  };
}

function isSentinel(host: ServerHost): host is SentinelHost {
  return SENTINEL_HOSTS.some((each) => each === host);
}

/**
 * The append-only file with `everysec`, as most have it: each write is in the system's hands before it is acknowledged,
 * so a process that is killed loses none. (With `always` a node whose disk is full ends itself instead of refusing writes.)
 */
function redisConf(host: DataHost, disk: string, { unwanted }: Settings): string {
  return lines([
    `port ${PORT}`,
    'bind 0.0.0.0',
    'protected-mode no',
    `dir "${disk}"`,
    'appendonly yes',
    'appendfsync everysec',
    'auto-aof-rewrite-min-size 8mb',
    'save ""',
    'repl-diskless-sync yes',
    'repl-diskless-sync-delay 0',
    // A broken link is noticed within the time that an episode lasts.
    'repl-timeout 5',
    'repl-ping-replica-period 1',
    ...(host === unwanted ? ['replica-priority 0'] : []),
    ...(host === DATA_HOSTS[0] ? [] : [`replicaof ${addressOf(DATA_HOSTS[0])} ${PORT}`]),
  ]);
}

function sentinelConf(disk: string, settings: Settings): string {
  const { quorum, downAfterMs, failoverTimeoutMs, parallelSyncs } = settings;
  return lines([
    `port ${PORT}`,
    'bind 0.0.0.0',
    'protected-mode no',
    `dir "${disk}"`,
    `sentinel monitor ${MASTER} ${addressOf(DATA_HOSTS[0])} ${PORT} ${quorum}`,
    `sentinel down-after-milliseconds ${MASTER} ${downAfterMs}`,
    `sentinel failover-timeout ${MASTER} ${failoverTimeoutMs}`,
    `sentinel parallel-syncs ${MASTER} ${parallelSyncs}`,
  ]);
}

const lines = (texts: readonly string[]) => `${texts.join('\n')}\n`;

interface ServerOptions {
  readonly host: ServerHost;
  readonly disk: string;
  readonly log: string;
  readonly command: readonly string[];
  readonly env: Record<string, string>;
  readonly recorder: Recorder;
}

interface SupervisedServer extends Server {
  /** Ended although nobody of us ended it: how. */
  died(): string | undefined;
}

function createServer({ host, disk, log, command, env, recorder }: ServerOptions): SupervisedServer {
  const client = createClient(PORT, { host: addressOf(host), timeoutMs: ANSWER_MS });
  let child: Child | undefined;
  let wanted = false;
  let paused = false;
  let read = 0;
  const tell = (step: 'started' | 'ended' | 'stopped' | 'continued') =>
    recorder.write({ at: recorder.now(), kind: 'process', who: host, step });
  const end = async (signal: NodeJS.Signals) => {
    wanted = false;
    const ending = child;
    ending?.signal(signal);
    if (paused) ending?.signal('SIGCONT');
    if (ending !== undefined && !(await ending.ended(STOP_MS))) ending.signal('SIGKILL');
    if (ending !== undefined && !(await ending.ended(STOP_MS))) throw new Error(`${host} cannot be ended`);
    paused = false;
    client.close();
    tell('ended');
  };
  writeFileSync(log, '');
  return {
    host,
    disk,
    client,
    get running() {
      return child !== undefined && child.exit === undefined;
    },
    get paused() {
      return paused;
    },
    start() {
      tell('started');
      wanted = true;
      const files = { stdoutFile: log, stderrFile: log };
      child = startChild([...on(host), ...command], { cwd: disk, env: { ...env, TZ: 'UTC' }, ...files });
    },
    kill: () => end('SIGKILL'),
    stop: () => end('SIGTERM'),
    pause() {
      child?.signal('SIGSTOP');
      paused = true;
      tell('stopped');
    },
    resume() {
      tell('continued');
      paused = false;
      child?.signal('SIGCONT');
    },
    printed() {
      const text = readFileSync(log, 'utf8');
      const end_ = text.lastIndexOf('\n') + 1;
      const fresh = text.slice(read, end_);
      read = end_;
      return fresh === '' ? [] : fresh.trimEnd().split('\n');
    },
    died() {
      if (!wanted || child?.exit === undefined) return undefined;
      const { code, signal, error } = child.exit;
      return error?.message ?? signal ?? `exit code ${code}`;
    },
  };
}

/** As an operator's service manager does. */
function supervise(servers: readonly Server[], recorder: Recorder): void {
  for (const server of servers as readonly SupervisedServer[]) {
    const how = server.died();
    if (how === undefined) continue;
    recorder.write({ at: recorder.now(), kind: 'process', who: server.host, step: 'died', how });
    server.client.close();
    server.start();
  }
}

function fill(file: string): void {
  try {
    for (;;) writeFileSync(file, Buffer.alloc(1024 * 1024), { flag: 'a' });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOSPC') throw error;
  }
}
