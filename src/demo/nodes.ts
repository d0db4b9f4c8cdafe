// One server process of a topology: a data node or a sentinel, with its folder, its files and its connections.
// It can be killed, stopped, paused and started again on its port, with the configuration file as it left it.
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  type Client,
  type ClientOptions,
  createClient,
  type EventWatch,
  isErrorReply,
  type PublishedEvent,
  watchEvents,
} from './client.ts';
import { type Child, type Exit, startChild } from './processes.ts';
import { type SentinelKind, sentinelCommand } from './programs.ts';
import { textOf, until } from './until.ts';

/** A Node process on a loaded two-core machine may take seconds to come up. */
const START_MS = 20_000;
/** Redis may wait 10 s for its replicas before it obeys a SIGTERM. */
const STOP_MS = 15_000;

export interface ServerNode {
  /** For people: `node 1`, `sentinel 2`. */
  readonly name: string;
  readonly port: number;
  /** `127.0.0.1:<port>` */
  readonly address: string;
  readonly dir: string;
  readonly confFile: string;
  /** The process id; `undefined` before the first start. */
  readonly pid: number | undefined;
  /** Started and not ended; a paused one is running. */
  readonly running: boolean;
  readonly paused: boolean;
  /** How the last process ended. */
  readonly exit: Exit | undefined;
  /** Start it and wait until it answers. */
  start(): Promise<void>;
  /** SIGKILL, and wait for the end. */
  kill(): Promise<void>;
  /** SIGTERM, and wait for the end; SIGKILL after 15 s. Returns how it ended. */
  stop(): Promise<Exit | undefined>;
  /** `stop`, then `start`. */
  restart(): Promise<void>;
  /** SIGSTOP: connections stay, answers don't come. */
  pause(): void;
  /** SIGCONT. */
  resume(): void;
  /** Send one command over a connection kept for this; throws error replies. */
  command(...args: string[]): Promise<unknown>;
  /** The fields of INFO, of some sections or of the default ones. */
  info(...sections: string[]): Promise<Record<string, string>>;
  /** What all its processes so far wrote to stdout. */
  log(): string;
  /** What all its processes so far wrote to stderr. */
  stderr(): string;
  /** Let go of the process: it is neither awaited nor ended any more. */
  release(): void;
}

export type DataNode = ServerNode;

export interface SentinelNode extends ServerNode {
  readonly kind: SentinelKind;
  /** `stop`, then start a sentinel of another kind on the same file, folder and port. */
  become(kind: SentinelKind): Promise<void>;
  /** Everything it published while we were listening, which is from the end of each `start` on. */
  events(): readonly PublishedEvent[];
  /** Be told of each event as it comes. */
  onEvent(listener: (event: PublishedEvent) => void): void;
}

export interface ServerOptions {
  name: string;
  /** Program and first arguments; the configuration file is appended. A wrapper must `exec`: the process started is the server. */
  command: readonly string[];
  port: number;
  dir: string;
  /** Name of the configuration file in `dir`, and its text for the first start. */
  conf: { file: string; text: string };
  login?: Pick<ClientOptions, 'username' | 'password' | 'tls'>;
  env?: Record<string, string | undefined>;
  /** How long the first answer may take; 20 s unless told. */
  startMs?: number;
}

/** Prepare the folder of a data node; `start` it to have a process. */
export function createDataNode(options: ServerOptions): DataNode {
  const { command } = options;
  return createServer({ ...options, command: () => command }, { onUp: async () => undefined, onDown: () => undefined });
}

/** Prepare the folder of a sentinel; `start` it to have a process. */
export function createSentinelNode(options: ServerOptions & { kind: SentinelKind }): SentinelNode {
  const events: PublishedEvent[] = [];
  const listeners: ((event: PublishedEvent) => void)[] = [];
  const record = (event: PublishedEvent) => {
    events.push(event);
    for (const listener of listeners) listener(event);
  };
  let watch: EventWatch | undefined;
  let { kind, command } = options;
  const node = createServer(
    { ...options, command: () => command },
    {
      onUp: async () => {
        watch = watchEvents(options.port, record, options.login);
        await watch.ready;
      },
      onDown: () => watch?.close(),
    },
  );
  const sentinel = {
    get kind() {
      return kind;
    },
    async become(other: SentinelKind) {
      await node.stop();
      kind = other;
      command = sentinelCommand(other);
      await node.start();
    },
    events: () => events,
    onEvent: (listener: (event: PublishedEvent) => void) => void listeners.push(listener),
  };
  // Getters stay getters.
  return Object.defineProperties(node, Object.getOwnPropertyDescriptors(sentinel)) as SentinelNode;
}

interface Hooks {
  onUp(): Promise<void>;
  onDown(): void;
}

/** `command` is asked at each start. */
type ChangingOptions = Omit<ServerOptions, 'command'> & { command: () => readonly string[] };

function createServer(options: ChangingOptions, hooks: Hooks): ServerNode {
  const { name, command, port, dir, conf, login, env = {}, startMs = START_MS } = options;
  const files = { conf: join(dir, conf.file), stdout: join(dir, 'stdout.txt'), stderr: join(dir, 'stderr.txt') };
  mkdirSync(dir, { recursive: true });
  writeFileSync(files.conf, conf.text, { mode: 0o600 });
  for (const file of [files.stdout, files.stderr]) writeFileSync(file, '');
  const client = createClient(port, login);
  let child: Child | undefined;
  let paused = false;

  const end = async (signal: NodeJS.Signals, graceMs: number) => {
    const ending = child;
    if (ending === undefined || ending.exit !== undefined) return;
    hooks.onDown();
    client.close();
    ending.signal(signal);
    // A paused process obeys nothing but SIGKILL.
    if (paused) ending.signal('SIGCONT');
    if (!(await ending.ended(graceMs))) ending.signal('SIGKILL');
    if (!(await ending.ended(STOP_MS))) throw new Error(`${name} (process ${ending.pid}) cannot be ended`);
    paused = false;
  };

  const node: ServerNode = {
    name,
    port,
    address: `127.0.0.1:${port}`,
    dir,
    confFile: files.conf,
    get pid() {
      return child?.pid;
    },
    get running() {
      return child !== undefined && child.exit === undefined;
    },
    get paused() {
      return paused && node.running;
    },
    get exit() {
      return child?.exit;
    },
    async start() {
      if (node.running) throw new Error(`${name} is running already`);
      client.close();
      child = startChild([...command(), files.conf], {
        cwd: dir,
        stdoutFile: files.stdout,
        stderrFile: files.stderr,
        env,
      });
      await untilUp(node, child, client, startMs);
      await hooks.onUp();
    },
    kill: () => end('SIGKILL', STOP_MS),
    async stop() {
      await end('SIGTERM', STOP_MS);
      return node.exit;
    },
    async restart() {
      await node.stop();
      await node.start();
    },
    pause() {
      child?.signal('SIGSTOP');
      paused = true;
    },
    resume() {
      child?.signal('SIGCONT');
      paused = false;
    },
    command: (...args) => client.command(...args),
    info: async (...section: string[]) => parseInfo(String(await client.command('INFO', ...section))),
    log: () => readFileSync(files.stdout, 'utf8'),
    stderr: () => readFileSync(files.stderr, 'utf8'),
    release() {
      hooks.onDown();
      client.close();
      child?.release();
    },
  };
  return node;
}

/** Thrown by `start` when somebody else has the port. */
export class PortTakenError extends Error {}

/** Wait until this very process answers on its port, or say why it doesn't. */
async function untilUp(node: ServerNode, child: Child, client: Client, withinMs: number): Promise<void> {
  const isUp = async (): Promise<true | Error | undefined> => {
    const answered = await client.command('PING').then(() => true, isAnswer);
    // Another server may answer on a port that ours failed to bind, so ours must be seen alive after the answer.
    if (child.exit !== undefined) return startError(node, child.exit);
    return answered && (await hasPid(client, child)) ? true : undefined;
  };
  const seen = await until(`${node.name} answers on port ${node.port}`, isUp, {
    withinMs,
    everyMs: 20,
    describe: () => lastLines(node),
  }).catch(async (error: unknown) => {
    child.signal('SIGKILL');
    await child.ended(STOP_MS);
    throw error;
  });
  if (seen !== true) throw seen;
}

/** An error reply is an answer too (no password given), unless the data set is still being loaded. */
function isAnswer(error: unknown): boolean {
  return isErrorReply(error) && !error.message.startsWith('LOADING');
}

/** Is it our process that answers? Where INFO is refused, or names no process, nobody can tell. */
async function hasPid(client: Client, child: Child): Promise<boolean> {
  try {
    const { process_id: pid } = parseInfo(String(await client.command('INFO', 'server')));
    return pid === undefined || Number(pid) === child.pid;
  } catch (error) {
    return isErrorReply(error);
  }
}

function startError(node: ServerNode, { code, signal, error }: Exit): Error {
  const how = error === undefined ? `ended at once (${signal ?? `exit code ${code}`})` : textOf(error);
  const text = `${node.name} on port ${node.port}: ${how}\n${lastLines(node)}`;
  return /address (already )?in use/i.test(text) ? new PortTakenError(text) : new Error(text);
}

/** The last lines a node wrote, for error texts. */
export function lastLines(node: ServerNode, count = 12): string {
  const lines = `${node.log()}${node.stderr()}`.trimEnd().split('\n').slice(-count);
  return lines.map((line) => `  ${node.name} | ${line}`).join('\n');
}

/** INFO text to its fields. */
export function parseInfo(text: string): Record<string, string> {
  const fields: Record<string, string> = {};
  for (const line of text.split('\r\n')) {
    const colon = line.indexOf(':');
    if (colon > 0 && !line.startsWith('#')) fields[line.slice(0, colon)] = line.slice(colon + 1);
  }
  return fields;
}

/** A flat `[name, value, …]` reply, as SENTINEL MASTER gives it, to its fields. */
export function parseFields(reply: unknown): Record<string, string> {
  const fields: Record<string, string> = {};
  if (!Array.isArray(reply)) return fields;
  for (let index = 0; index + 1 < reply.length; index += 2) fields[String(reply[index])] = String(reply[index + 1]);
  return fields;
}
