// The TCP server: sockets on one side, requests and replies on the other. It knows no command; it keeps the order of
// replies, lets nobody cost more memory than allowed, and closes what misbehaves.
import { createServer, type Server, type Socket } from 'node:net';
import { defaultUserOf } from '../commands/acl/access.ts';
import { isOpen, mustLogIn } from '../commands/acl/login.ts';
import { execute } from '../commands/execute.ts';
import type { CommandWorld, Outcome } from '../commands/outcome.ts';
import type { Delivery } from '../commands/pubsub.ts';
import { closeSession, openSession, type Session, type SessionId, subscriptionCount } from '../commands/session.ts';
import type { OutputLimit } from '../config/general-options.ts';
import type { Level } from '../core/events.ts';
import { error, type Reply } from '../protocol/reply.ts';
import { createRequestReader, type ReaderLimits, type RequestReader } from '../protocol/request-reader.ts';
import { encode, type RespVersion, TEXT_MAX, writeAll } from '../protocol/resp-writer.ts';
import { toBytes } from './bytes.ts';
import type { Engine } from './engine.ts';
import { listenAll, type Places, type SocketKind, type UnixSocket, watchListeners } from './listen.ts';
import { createTlsFront, type TlsFront, type TlsFrontOptions } from './tls-front.ts';

export interface ServerOptions {
  readonly engine: Engine;
  readonly world: CommandWorld;
  readonly places: Places;
  /** How clients over TLS are met; `undefined`: there are none. */
  readonly tls: Pick<TlsFrontOptions, 'context' | 'authClients'> | undefined;
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
  readonly connectedClients: number;
  /** Begin to listen. Throws `StartError`. */
  listen(): Promise<void>;
  /** Bring messages to the clients they are for, as far as these are still there. */
  publish(messages: readonly Delivery[]): void;
  /** Meet clients over TLS with these certificates and rules from now on. */
  setTlsContext(context: TlsFrontOptions['context']): void;
  close(): void;
}

/** A client that does not read its replies is not read from, either, once so many bytes wait for it. */
const UNREAD_MAX = 1024 * 1024;
/**
 * Of one client, one turn takes so many requests, and as many as lead to so many bytes of replies; the others wait for
 * the next turn. 63 KB of `COMMAND` would otherwise keep the loop for a second and cost 400 MB.
 */
const OWED_REQUESTS_MAX = 256;
const OWED_BYTES_MAX = 64 * 1024;
/** After our last word a client has so long to hang up. */
const LINGER_MS = 1000;
/** Whoever was not let in gets less: it should read one line, and not keep a descriptor. */
const REFUSED_LINGER_MS = 100;
/** How often we look for clients whose time is over. */
const HOUSEKEEPING_MS = 1000;
/** Node.js takes no longer one. */
const LONGEST_TIMER_MS = 2 ** 31 - 1;

interface Client {
  readonly socket: Socket;
  readonly session: Session;
  readonly reader: RequestReader;
  /** Replies and messages that are written together; texts are byte strings. */
  out: (string | Buffer)[];
  /** Something was said, an empty reply perhaps, and `out` is to be written. */
  unflushed: boolean;
  /** Its requests are being run: behind them `out` is written, and not before. */
  running: boolean;
  /** Requests that ran and whose replies are not written yet. */
  owedRequests: number;
  owedBytes: number;
  /** What of it stands in `out`. */
  answered: { requests: number; bytes: number };
  /** A request of it waits for a save: later ones wait as well, since it may change who the client is. */
  waiting: boolean;
  /** It waits for the end of a CLIENT PAUSE. */
  heldRequest: readonly string[] | undefined;
  /** There may be requests that were received and not yet run. */
  stopped: boolean;
  /** It will say no more, but may still listen: `printf 'PING\r\n' | nc` does that. */
  ended: boolean;
  /** Nothing more of it is read. */
  closing: boolean;
  /** Since when more waits for it than the soft limit allows. */
  overSoftLimitAt: number | undefined;
}

/** What all functions here share: the settings, who is connected, what is counted. */
interface Hub {
  readonly options: ServerOptions;
  readonly clients: Map<SessionId, Client>;
  readonly traffic: Traffic;
  /** Whose request waits for the end of a CLIENT PAUSE. */
  readonly held: Set<Client>;
  /** Who was told something outside of its own requests, and waits for it to be written. */
  unflushed: Client[];
  /** When they are looked at again. */
  release: NodeJS.Timeout | undefined;
  /** The door for clients over TLS, if there is one. */
  readonly tls: TlsFront | undefined;
}

/** Create the server of one sentinel. */
export function createSentinelServer(options: ServerOptions): SentinelServer {
  const { log } = options;
  const hub: Hub = {
    options,
    clients: new Map(),
    held: new Set(),
    unflushed: [],
    release: undefined,
    traffic: {
      connectionsReceived: 0,
      connectionsRejected: 0,
      commandsProcessed: 0,
      errorReplies: 0,
      bytesIn: 0,
      bytesOut: 0,
    },
    tls: options.tls && createTlsFront({ ...options.tls, ...tlsVisitors(() => hub) }),
  };
  let servers: Server[] = [];
  let housekeeping: NodeJS.Timeout | undefined;
  let unwatch = () => {};
  return {
    traffic: hub.traffic,
    get connectedClients() {
      return hub.clients.size;
    },
    async listen() {
      servers = await listenAll(
        (kind) => serverFor(hub, kind),
        options.places,
        (text) => log('warning', text),
      );
      // No descriptors left, for instance: whoever is connected stays so.
      for (const server of servers)
        server.on('error', (error) => log('warning', `Error accepting a client connection: ${error.message}`));
      housekeeping = setInterval(() => closeOverdueClients(hub), HOUSEKEEPING_MS).unref();
      unwatch = watchListeners(servers);
    },
    publish(messages) {
      for (const { session, bytes } of messages) {
        const client = hub.clients.get(session);
        if (client !== undefined && !client.closing) write(hub, client, bytes);
      }
    },
    setTlsContext(context) {
      hub.tls?.setContext(context);
    },
    close() {
      clearInterval(housekeeping);
      unwatch();
      clearTimeout(hub.release);
      for (const server of servers) server.close();
      hub.tls?.close();
      for (const { socket } of hub.clients.values()) socket.destroy();
    },
  };
}

/** A server for one place to listen on. */
function serverFor(hub: Hub, kind: SocketKind): Server {
  if (kind === 'tls' && hub.tls !== undefined) return hub.tls.createServer();
  // A client that has said everything still gets its replies: we end our side ourselves.
  return createServer({ allowHalfOpen: true }, (socket) => accept(hub, socket, kind));
}

/** A connection came in, not over TLS. */
function accept(hub: Hub, socket: Socket, kind: SocketKind): void {
  const ends = endsOf(socket, kind === 'unix' ? hub.options.places.unixSocket : undefined);
  socket.on('error', () => socket.destroy());
  const shown = `${kind === 'unix' ? 'connection to ' : ''}${ends.address}`;
  if (hasRoomFor(hub, shown)) admit(hub, socket, ends);
  else refuse(socket, 'ERR max number of clients reached');
}

/** The same over TLS. Whoever is turned away before the handshake has nothing to read an answer with. */
function tlsVisitors(hubOf: () => Hub): Pick<TlsFrontOptions, 'mayEnter' | 'onSecure' | 'onRefused'> {
  return {
    mayEnter: (socket) => hasRoomFor(hubOf(), endsOf(socket, undefined).address),
    onSecure(socket) {
      socket.on('error', () => socket.destroy());
      admit(hubOf(), socket, endsOf(socket, undefined));
    },
    onRefused: (reason) => hubOf().options.log('warning', `Error accepting a client connection: ${reason}`),
  };
}

/** Count a connection that came in: is it one of the first `maxclients`? */
function hasRoomFor({ options, clients, traffic, tls }: Hub, from: string): boolean {
  traffic.connectionsReceived += 1;
  options.log('verbose', `Accepted ${from}`);
  if (clients.size + (tls?.pending ?? 0) < options.maxClients) return true;
  traffic.connectionsRejected += 1;
  return false;
}

function refuse(socket: Socket, text: string): void {
  socket.end(encode(error(text), 2));
  linger(socket, REFUSED_LINGER_MS);
}

/** A session from now on, unless protected mode lets only neighbours in. */
function admit(hub: Hub, socket: Socket, ends: Ends): void {
  const { options, clients, traffic } = hub;
  const { sessions, access } = options.world;
  if (options.protectedMode && defaultUserOf(access).nopass && !ends.local) {
    traffic.connectionsRejected += 1;
    return refuse(socket, DENIED);
  }
  socket.setNoDelay(true);
  if (options.keepAliveSeconds > 0) socket.setKeepAlive(true, options.keepAliveSeconds * 1000);
  const session = openSession(sessions, { ...ends, authenticated: isOpen(access) }, now());
  const client = createClient(socket, session, options.limits);
  clients.set(client.session.id, client);
  socket.on('data', (chunk) => {
    traffic.bytesIn += chunk.length;
    if (client.closing) return;
    client.reader.feed(chunk);
    readRequests(hub, client);
  });
  socket.on('end', () => {
    client.ended = true;
    endIfDone(hub, client);
  });
  socket.on('drain', () => goOn(hub, client));
  socket.on('close', () => {
    if (clients.has(client.session.id)) options.log('verbose', 'Client closed connection');
    forget(hub, client);
  });
}

function createClient(socket: Socket, session: Session, limits: ReaderLimits): Client {
  return {
    socket,
    session,
    reader: createRequestReader(limits),
    out: [],
    unflushed: false,
    running: false,
    owedRequests: 0,
    owedBytes: 0,
    answered: { requests: 0, bytes: 0 },
    waiting: false,
    heldRequest: undefined,
    stopped: false,
    ended: false,
    closing: false,
    overSoftLimitAt: undefined,
  };
}

/** From now on there is no such client, for nobody: it is not listed, counted or told anything. */
function forget({ options, clients, held }: Hub, client: Client): void {
  client.closing = true;
  held.delete(client);
  if (clients.delete(client.session.id)) closeSession(options.world.sessions, client.session);
}

/** Run what has arrived, as far as the client may go on, and write what is said to it meanwhile in one piece. */
function readRequests(hub: Hub, client: Client): void {
  client.running = true;
  runRequests(hub, client);
  client.running = false;
  if (client.unflushed) finish(hub, client);
}

function runRequests(hub: Hub, client: Client): void {
  while (mayRun(client)) {
    const read = client.reader.next(!mustLogIn(hub.options.world.access, client.session));
    if (read === undefined) return;
    if (read.kind === 'overflow') return void client.socket.destroy();
    if (read.kind === 'request') runRequest(hub, client, read.args);
    else run(hub, client, () => ({ replies: [error(read.text)], close: true }));
  }
  if (client.closing) return;
  client.stopped = true;
  client.socket.pause();
}

/** Run it, or hold it back until CLIENT PAUSE is over. */
function runRequest(hub: Hub, client: Client, args: readonly string[]): void {
  hub.traffic.commandsProcessed += 1;
  run(hub, client, (clock) => {
    const outcome = execute(hub.options.world, client.session, args, clock);
    if (outcome.held) hold(hub, client, args, clock.now);
    return outcome;
  });
  // It may have ended the pause.
  if (hub.held.size > 0 && hub.options.world.sessions.pause === undefined) setImmediate(() => release(hub));
}

/** One request of a client is held back at most: nothing more of it is read meanwhile. */
function hold(hub: Hub, client: Client, args: readonly string[], at: number): void {
  hub.traffic.commandsProcessed -= 1;
  client.heldRequest = args;
  hub.held.add(client);
  clearTimeout(hub.release);
  const until = hub.options.world.sessions.pause?.until ?? at;
  hub.release = setTimeout(() => release(hub), Math.min(until - at, LONGEST_TIMER_MS)).unref();
}

/** Run what was held back, in the order in which it came. What is still to be held back is held again. */
function release(hub: Hub): void {
  const held = [...hub.held];
  hub.held.clear();
  for (const client of held) {
    const args = client.heldRequest;
    client.heldRequest = undefined;
    if (client.closing || args === undefined) continue;
    runRequest(hub, client, args);
    goOn(hub, client);
  }
}

function mayRun(client: Client): boolean {
  if (client.waiting || client.heldRequest !== undefined || client.closing || client.socket.writableLength > UNREAD_MAX)
    return false;
  return client.owedRequests < OWED_REQUESTS_MAX && client.owedBytes < OWED_BYTES_MAX;
}

/** Read on where a save, a full turn or a slow reader had stopped us. */
function goOn(hub: Hub, client: Client): void {
  if (client.stopped && mayRun(client)) {
    client.stopped = false;
    client.socket.resume();
    readRequests(hub, client);
  }
  endIfDone(hub, client);
}

/** A request that ran: its reply in the protocol of that moment, since the next request may choose another one. */
interface Answer {
  readonly bytes: string | Buffer;
  /** How many requests it answers: copies of one request, directly behind each other, are run once. */
  readonly requests: number;
  readonly protocol: RespVersion;
  readonly victims: readonly Client[];
}

/** Let the engine run one request in a turn, and write its reply at the end of that turn. */
function run(hub: Hub, client: Client, make: Parameters<Engine['request']>[0]): void {
  let answer: Answer | undefined;
  const executed = hub.options.engine.request(
    (clock) => {
      const outcome = make(clock);
      // One that waits for a host name, or for the end of a pause, has not happened yet.
      if (outcome.awaitsName === undefined && !outcome.held) answer = take(hub, client, outcome);
      // A long list, once it is written, is not kept as a tree as well until the turn is over.
      return answer === undefined || typeof answer.bytes === 'string' ? outcome : { ...outcome, replies: [] };
    },
    (outcome, saved) => {
      client.waiting = outcome.later !== undefined;
      if (answer !== undefined) deliver(hub, client, outcome, answer, saved);
    },
  );
  if (!executed) client.waiting = true;
}

/** What counts at once, before the turn ends, since later requests of the turn must see it. */
function take(hub: Hub, client: Client, outcome: Outcome): Answer {
  const { protocol } = client.session;
  const once = renderAll(hub, outcome.replies, protocol);
  const repeats = outcome.repeatable === true && typeof once === 'string' ? takeRepeats(hub, client, once) : 0;
  const bytes = repeats === 0 ? once : (once as string).repeat(1 + repeats);
  client.owedRequests += 1 + repeats;
  client.owedBytes += bytes.length;
  // Later requests of the turn must not be answered before it.
  if (outcome.later !== undefined) client.waiting = true;
  // With what was not written yet: replies of the same turn, that is.
  if (outcome.abandon) client.out = [];
  // What follows in the same turn must not be run any more.
  if (outcome.close || outcome.abandon) client.closing = true;
  // Its request waited for a save, and meanwhile the client went away: it must not stay among the listeners.
  if (!hub.clients.has(client.session.id)) closeSession(hub.options.world.sessions, client.session);
  const victims = (outcome.kill ?? []).flatMap((id) => hub.clients.get(id) ?? []);
  for (const victim of victims) forget(hub, victim);
  return { bytes, requests: 1 + repeats, protocol, victims };
}

/** Take the copies of a request from behind it, as many as this turn has room for. */
function takeRepeats({ traffic }: Hub, { reader, owedRequests, owedBytes }: Client, reply: string): number {
  const byBytes = Math.ceil((OWED_BYTES_MAX - owedBytes) / Math.max(1, reply.length));
  const repeats = reader.takeRepeats(Math.min(OWED_REQUESTS_MAX - owedRequests, byBytes) - 1);
  traffic.commandsProcessed += repeats;
  return repeats;
}

function renderAll({ traffic }: Hub, replies: readonly Reply[], protocol: RespVersion): string | Buffer {
  for (const { kind } of replies) if (kind === 'error') traffic.errorReplies += 1;
  return writeAll(replies, protocol);
}

/** The turn's save and effects are through: say it. */
function deliver(hub: Hub, client: Client, outcome: Outcome, answer: Answer, saved: boolean): void {
  client.answered.requests += answer.requests;
  client.answered.bytes += answer.bytes.length;
  if (outcome.abandon) return void client.socket.destroy();
  const { ifUnsaved } = outcome;
  // A client that wants no replies wants no bad news, either.
  const unsaved = !saved && ifUnsaved !== undefined && answer.bytes.length > 0;
  void outcome.later?.then((reply) => {
    client.waiting = false;
    write(hub, client, renderAll(hub, [reply], answer.protocol));
  });
  write(hub, client, unsaved ? renderAll(hub, [ifUnsaved], answer.protocol) : answer.bytes);
  for (const victim of answer.victims) hangUp(hub, victim);
  if (outcome.close) hangUp(hub, client);
  if (outcome.shutdown) hub.options.onShutdown();
}

/** Collect until the turn's effects, or the requests at hand, have all run; then write once. */
function write(hub: Hub, client: Client, bytes: string | Buffer): void {
  const { out } = client;
  const last = out.length - 1;
  if (typeof bytes === 'string' && typeof out[last] === 'string') out[last] += bytes;
  else if (bytes.length > 0) out.push(bytes);
  if (client.unflushed) return;
  client.unflushed = true;
  if (!client.running && hub.unflushed.push(client) === 1) queueMicrotask(() => finishAll(hub));
}

function finishAll(hub: Hub): void {
  const clients = hub.unflushed;
  hub.unflushed = [];
  for (const client of clients) if (client.unflushed) finish(hub, client);
}

/** Write what was collected, and go on reading. */
function finish(hub: Hub, client: Client): void {
  client.unflushed = false;
  flush(hub, client);
  // Whoever asks more than a turn allows waits for the next one, in which others are heard as well.
  if (client.stopped) setImmediate(() => goOn(hub, client));
  else endIfDone(hub, client);
}

function flush({ options, traffic }: Hub, client: Client): void {
  const { socket, out, answered } = client;
  client.owedRequests -= answered.requests;
  client.owedBytes -= answered.bytes;
  client.answered = { requests: 0, bytes: 0 };
  if (out.length === 0) return;
  client.out = [];
  if (socket.destroyed || socket.writableEnded) return;
  if (out.length > 1) socket.cork();
  for (const bytes of out) {
    traffic.bytesOut += bytes.length;
    if (typeof bytes === 'string' && bytes.length <= TEXT_MAX) socket.write(bytes, 'latin1');
    else if (typeof bytes === 'string') socket.write(Buffer.from(bytes, 'latin1'));
    else socket.write(bytes);
  }
  if (out.length > 1) socket.uncork();
  closeIfOverLimit(options, client);
}

/** Close a client for which more waits than it may. */
function closeIfOverLimit(options: ServerOptions, client: Client): void {
  if (client.socket.destroyed || !isOverLimit(options, client)) return;
  options.log('warning', `Client ${client.session.address} closed for overcoming of output buffer limits.`);
  client.socket.destroy();
}

function isOverLimit({ outputLimits }: ServerOptions, client: Client): boolean {
  const kind = subscriptionCount(client.session) > 0 ? 'pubsub' : 'normal';
  const { hardBytes, softBytes, softSeconds } = outputLimits[kind];
  const unsent = client.socket.writableLength;
  if (unsent === 0) {
    client.overSoftLimitAt = undefined;
    return false;
  }
  if (hardBytes > 0 && unsent > hardBytes) return true;
  if (softBytes === 0 || unsent <= softBytes) {
    client.overSoftLimitAt = undefined;
    return false;
  }
  client.overSoftLimitAt ??= now();
  return now() - client.overSoftLimitAt > softSeconds * 1000;
}

/** The client has said everything and been told everything. */
function endIfDone(hub: Hub, client: Client): void {
  const { ended, closing, stopped, waiting, heldRequest, owedRequests } = client;
  if (ended && !closing && !stopped && !waiting && heldRequest === undefined && owedRequests === 0) hangUp(hub, client);
}

/** Close behind what was said. Whoever goes on talking is not heard, and has a second to notice. */
function hangUp(hub: Hub, client: Client): void {
  forget(hub, client);
  flush(hub, client);
  client.socket.end();
  linger(client.socket, LINGER_MS);
}

/** Give the other side time to read our last word. What it still says is read and dropped, or its end goes unseen. */
function linger(socket: Socket, forMs: number): void {
  socket.resume();
  const timer = setTimeout(() => socket.destroy(), forMs).unref();
  socket.once('close', () => clearTimeout(timer));
}

/** Idle for too long, or above the soft limit for too long: perhaps nothing is ever said to them that would show it. */
function closeOverdueClients(hub: Hub): void {
  const { idleSeconds, log } = hub.options;
  const limit = now() - idleSeconds * 1000;
  for (const client of [...hub.clients.values()]) {
    if (client.overSoftLimitAt !== undefined) closeIfOverLimit(hub.options, client);
    if (idleSeconds === 0 || client.session.lastAt >= limit || subscriptionCount(client.session) > 0) continue;
    log('verbose', 'Closing idle client');
    hangUp(hub, client);
  }
}

/** The clock of `Session.createdAt` and `lastAt`. */
const now = () => Math.trunc(performance.now());

interface Ends {
  readonly address: string;
  readonly localAddress: string;
  /** Protected mode lets it in. */
  readonly local: boolean;
}

/** Both ends of a connection; those of a Unix socket are the socket's path with port 0, as the genuine server has it. */
function endsOf(socket: Socket, unixSocket: UnixSocket | undefined): Ends {
  if (unixSocket !== undefined) {
    const address = `${toBytes(unixSocket.path)}:0`;
    return { address, localAddress: address, local: true };
  }
  const { remoteAddress = '?', remotePort = 0, localAddress = '?', localPort = 0 } = socket;
  const local = remoteAddress === '127.0.0.1' || remoteAddress === '::1';
  return { address: place(remoteAddress, remotePort), localAddress: place(localAddress, localPort), local };
}

/** `ip:port`, an IPv6 address in brackets. An IPv4 address is never shown mapped. */
function place(address: string, port: number): string {
  return address.includes(':') ? `[${address}]:${port}` : `${address}:${port}`;
}

/** redis-sentinel 7.0.15 says all of this in one line. */
const DENIED =
  'DENIED Redis is running in protected mode because protected mode is enabled and no password is set for the default user. In this mode connections are only accepted from the loopback interface. If you want to connect from external computers to Redis you may adopt one of the following solutions: ' +
  "1) Just disable protected mode sending the command 'CONFIG SET protected-mode no' from the loopback interface by connecting to Redis from the same host the server is running, however MAKE SURE Redis is not publicly accessible from internet if you do so. Use CONFIG REWRITE to make this change permanent. " +
  "2) Alternatively you can just disable the protected mode by editing the Redis configuration file, and setting the protected mode option to 'no', and then restarting the server. " +
  "3) If you started the server manually just for testing, restart it with the '--protected-mode no' option. " +
  '4) Setup a an authentication password for the default user. NOTE: You only need to do one of the above things in order for the server to start accepting connections from the outside.';
