// The TCP server: sockets on one side, requests and replies on the other. It knows no command; it keeps the order of
// replies, lets nobody cost more memory than allowed, and closes what misbehaves.
import { createServer, type Server, type Socket } from 'node:net';
import { execute } from '../commands/execute.ts';
import type { CommandWorld, Outcome } from '../commands/outcome.ts';
import { deliveries } from '../commands/pubsub.ts';
import { closeSession, openSession, type Session, type SessionId, subscriptionCount } from '../commands/session.ts';
import type { OutputLimit } from '../config/general-options.ts';
import type { Level } from '../core/events.ts';
import { error, type Reply } from '../protocol/reply.ts';
import { createRequestReader, type ReaderLimits, type RequestReader } from '../protocol/request-reader.ts';
import { encode, render } from '../protocol/resp-writer.ts';
import type { Engine } from './engine.ts';
import { listenAll } from './listen.ts';

export interface ServerOptions {
  readonly engine: Engine;
  readonly world: CommandWorld;
  readonly bind: readonly string[];
  readonly port: number;
  readonly backlog: number;
  readonly limits: ReaderLimits;
  readonly maxClients: number;
  /** Seconds without a request after which a client that does not listen to events is closed; 0 = never. */
  readonly idleSeconds: number;
  readonly keepAliveSeconds: number;
  readonly protectedMode: boolean;
  readonly outputLimits: { readonly normal: OutputLimit; readonly pubsub: OutputLimit };
  log(level: Level, text: string): void;
  /** A client ended the process. */
  onShutdown(): void;
}

/** What INFO tells of the traffic. */
export interface Traffic {
  connectionsReceived: number;
  connectionsRejected: number;
  commandsProcessed: number;
  errorReplies: number;
  bytesIn: number;
  bytesOut: number;
}

export interface SentinelServer {
  readonly traffic: Readonly<Traffic>;
  /** Begin to listen. Throws `StartError`. */
  listen(): Promise<void>;
  /** Tell an event to all who listen to it. */
  publish(channel: string, payload: string): void;
  close(): void;
}

/** A client that does not read its replies is not read from, either, once so many bytes wait for it. */
const UNREAD_MAX = 1024 * 1024;
/** After our last word a client has so long to hang up. */
const LINGER_MS = 1000;
const IDLE_CHECK_MS = 1000;

interface Client {
  readonly socket: Socket;
  readonly session: Session;
  readonly reader: RequestReader;
  /** Replies of this turn, written together when it ends. */
  readonly out: Buffer[];
  /** A request of it waits for a save: later ones wait as well, since it may change who the client is. */
  waiting: boolean;
  /** Nothing more of it is read. */
  closing: boolean;
  /** Since when more waits for it than the soft limit allows. */
  overSoftLimitAt: number | undefined;
}

/** Create the server of one sentinel. */
export function createSentinelServer(options: ServerOptions): SentinelServer {
  const { engine, world, log } = options;
  const clients = new Map<SessionId, Client>();
  const traffic: Traffic = {
    connectionsReceived: 0,
    connectionsRejected: 0,
    commandsProcessed: 0,
    errorReplies: 0,
    bytesIn: 0,
    bytesOut: 0,
  };
  let servers: Server[] = [];
  let idleTimer: NodeJS.Timeout | undefined;

  function accept(socket: Socket): void {
    const { remoteAddress = '?', remotePort = 0, localAddress = '?', localPort = 0 } = socket;
    socket.on('error', () => socket.destroy());
    traffic.connectionsReceived += 1;
    const refusal = whyRefused(options, clients.size, remoteAddress);
    if (refusal !== undefined) {
      traffic.connectionsRejected += 1;
      socket.end(encode(refusal, 2));
      return;
    }
    socket.setNoDelay(true);
    if (options.keepAliveSeconds > 0) socket.setKeepAlive(true, options.keepAliveSeconds * 1000);
    const address = place(remoteAddress, remotePort);
    const ends = { address, localAddress: place(localAddress, localPort), authenticated: world.auth.open };
    const session = openSession(world.sessions, ends, now());
    const client: Client = {
      socket,
      session,
      reader: createRequestReader(options.limits),
      out: [],
      waiting: false,
      closing: false,
      overSoftLimitAt: undefined,
    };
    clients.set(session.id, client);
    log('verbose', `Accepted ${address}`);
    socket.on('data', (chunk) => {
      traffic.bytesIn += chunk.length;
      if (client.closing) return;
      client.reader.feed(chunk);
      readRequests(client);
    });
    socket.on('drain', () => resume(client));
    socket.on('close', () => forget(client));
  }

  function forget(client: Client): void {
    client.closing = true;
    if (!clients.delete(client.session.id)) return;
    closeSession(world.sessions, client.session);
    log('verbose', 'Client closed connection');
  }

  /** Run what has arrived, as far as the client may go on. */
  function readRequests(client: Client): void {
    while (!client.waiting && !client.closing && client.socket.writableLength <= UNREAD_MAX) {
      const read = client.reader.next(client.session.authenticated);
      if (read === undefined) return;
      if (read.kind === 'overflow') return client.socket.destroy() && undefined;
      if (read.kind === 'request') run(client, read.args);
      else runOutcome(client, () => ({ replies: [error(read.text)], close: true }));
    }
    if (!client.closing) client.socket.pause();
  }

  function run(client: Client, args: readonly string[]): void {
    traffic.commandsProcessed += 1;
    runOutcome(client, (clock) => execute(world, client.session, args, clock));
  }

  function runOutcome(client: Client, make: Parameters<Engine['request']>[0]): void {
    let late = false;
    const executed = engine.request(
      (clock) => {
        const outcome = make(clock);
        // What follows in the same turn must not be run any more.
        if (outcome.close || outcome.abandon) client.closing = true;
        return outcome;
      },
      (outcome, saved) => {
        deliver(client, outcome, saved);
        if (late) {
          client.waiting = false;
          resume(client);
        }
      },
    );
    late = !executed;
    if (late) client.waiting = true;
  }

  /** Go on reading where a save or a slow reader had stopped us. */
  function resume(client: Client): void {
    if (client.closing || client.waiting || client.socket.writableLength > UNREAD_MAX) return;
    client.socket.resume();
    readRequests(client);
  }

  function deliver(client: Client, outcome: Outcome, saved: boolean): void {
    if (outcome.abandon) {
      client.socket.destroy();
      return;
    }
    const replies = saved || outcome.ifUnsaved === undefined ? outcome.replies : [outcome.ifUnsaved];
    if (replies.length > 0) write(client, renderAll(client, replies));
    for (const id of outcome.kill ?? []) {
      const victim = clients.get(id);
      if (victim !== undefined) hangUp(victim);
    }
    if (outcome.close) hangUp(client);
    if (outcome.shutdown) options.onShutdown();
  }

  function renderAll(client: Client, replies: readonly Reply[]): Buffer {
    let text = '';
    for (const reply of replies) {
      if (reply.kind === 'error') traffic.errorReplies += 1;
      text += render(reply, client.session.protocol);
    }
    return Buffer.from(text, 'latin1');
  }

  /** Collect until the turn's effects have all run, then write once. */
  function write(client: Client, bytes: Buffer): void {
    if (client.out.push(bytes) === 1) queueMicrotask(() => flush(client));
  }

  function flush(client: Client): void {
    const [first, ...more] = client.out.splice(0);
    if (first === undefined || client.socket.destroyed) return;
    client.socket.cork();
    for (const bytes of [first, ...more]) {
      traffic.bytesOut += bytes.length;
      client.socket.write(bytes);
    }
    client.socket.uncork();
    if (isOverLimit(client)) {
      log('warning', `Client ${client.session.address} closed for overcoming of output buffer limits.`);
      client.socket.destroy();
    }
  }

  function isOverLimit(client: Client): boolean {
    const kind = subscriptionCount(client.session) > 0 ? 'pubsub' : 'normal';
    const { hardBytes, softBytes, softSeconds } = options.outputLimits[kind];
    const unsent = client.socket.writableLength;
    if (hardBytes > 0 && unsent > hardBytes) return true;
    if (softBytes === 0 || unsent <= softBytes) {
      client.overSoftLimitAt = undefined;
      return false;
    }
    client.overSoftLimitAt ??= now();
    return now() - client.overSoftLimitAt > softSeconds * 1000;
  }

  /** Close behind what was said. Whoever goes on talking is not heard, and has a second to notice. */
  function hangUp(client: Client): void {
    client.closing = true;
    flush(client);
    client.socket.end();
    client.socket.resume();
    setTimeout(() => client.socket.destroy(), LINGER_MS).unref();
  }

  function closeIdleClients(): void {
    const limit = now() - options.idleSeconds * 1000;
    for (const client of clients.values()) {
      if (client.session.lastAt >= limit || subscriptionCount(client.session) > 0) continue;
      log('verbose', 'Closing idle client');
      hangUp(client);
    }
  }

  const now = () => Math.trunc(performance.now());

  return {
    traffic,
    async listen() {
      servers = await listenAll(
        () => createServer(accept),
        options,
        (text) => log('warning', text),
      );
      if (options.idleSeconds > 0) idleTimer = setInterval(closeIdleClients, IDLE_CHECK_MS).unref();
    },
    publish(channel, payload) {
      for (const { session, bytes } of deliveries(world.sessions, channel, payload)) {
        const client = clients.get(session);
        if (client !== undefined && !client.closing) write(client, bytes);
      }
    },
    close() {
      clearInterval(idleTimer);
      for (const server of servers) server.close();
      for (const { socket } of clients.values()) socket.destroy();
    },
  };
}

/** `ip:port`, an IPv6 address in brackets. An IPv4 address is never shown mapped. */
function place(address: string, port: number): string {
  return address.includes(':') ? `[${address}]:${port}` : `${address}:${port}`;
}

/** The reply for a connection that is not let in; `undefined`: it is. */
function whyRefused(options: ServerOptions, connected: number, remote: string): Reply | undefined {
  if (connected >= options.maxClients) return error('ERR max number of clients reached');
  const local = remote === '127.0.0.1' || remote === '::1';
  if (options.protectedMode && options.world.auth.open && !local) return error(DENIED);
  return undefined;
}

/** redis-sentinel 7.0.15 says all of this in one line. */
const DENIED =
  'DENIED Redis is running in protected mode because protected mode is enabled and no password is set for the default user. In this mode connections are only accepted from the loopback interface. If you want to connect from external computers to Redis you may adopt one of the following solutions: ' +
  "1) Just disable protected mode sending the command 'CONFIG SET protected-mode no' from the loopback interface by connecting to Redis from the same host the server is running, however MAKE SURE Redis is not publicly accessible from internet if you do so. Use CONFIG REWRITE to make this change permanent. " +
  "2) Alternatively you can just disable the protected mode by editing the Redis configuration file, and setting the protected mode option to 'no', and then restarting the server. " +
  "3) If you started the server manually just for testing, restart it with the '--protected-mode no' option. " +
  '4) Setup a an authentication password for the default user. NOTE: You only need to do one of the above things in order for the server to start accepting connections from the outside.';
