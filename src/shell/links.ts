// Connections to data nodes and peers, carried by ioredis. It brings bytes to and fro and decides nothing: when to
// connect and reconnect, what to send and how long to wait is the core's business. The only importer of ioredis.
import { createRequire } from 'node:module';
import { connect, type Socket } from 'node:net';
import { connect as connectTls, type SecureContext } from 'node:tls';
import { AbstractConnector, Command, Redis, type RedisOptions } from 'ioredis';
import type { NodeReply } from '../core/effects.ts';
import type { ConnectionId } from '../core/state.ts';
import { createReplyGuard } from '../protocol/reply-guard.ts';
import { openSslText } from './tls.ts';

/** What a link tells: the inputs of the core that have to do with connections. */
export interface LinkEvents {
  connected(connection: ConnectionId, localIp: string): void;
  closed(connection: ConnectionId, reason: string): void;
  reply(connection: ConnectionId, reply: NodeReply): void;
  message(connection: ConnectionId, text: string): void;
}

export interface Links {
  connect(connection: ConnectionId, host: string, port: number): void;
  disconnect(connection: ConnectionId): void;
  /** Send one request; without a connection nothing happens, since `closed` was or will be told. */
  send(connection: ConnectionId, args: readonly string[]): void;
  /** Close everything. */
  closeAll(): void;
}

/**
 * Create the links of one sentinel. Events come asynchronously, in the order of the wire. `tls` is asked at each
 * connect: what connections are to be made with, `undefined` = plain. `from`: our own address of all connections,
 * `undefined` = whichever the system takes.
 */
export function createLinks(
  events: LinkEvents,
  tls: () => SecureContext | undefined = () => undefined,
  from?: string,
): Links {
  const open = new Map<ConnectionId, OpenLink>();
  const Connector = connectorFrom(from);

  return {
    connect(connection, host, port) {
      const redis = new Client({ ...NO_POLICY, Connector, host, port, ...tlsOptions(tls()) });
      const tell = (reply: NodeReply) => {
        if (open.get(connection) === link) outside(() => events.reply(connection, reply));
      };
      const link: OpenLink = { redis, requests: new Requests('request', [], tell), tell };
      open.set(connection, link);
      let reason = 'Server closed the connection';
      redis.on('error', (error: Error) => {
        reason = plainText(openSslText(error));
      });
      redis.on('ready', () => {
        if (open.get(connection) !== link) return;
        // A byte string goes out byte by byte.
        redis.stream.setDefaultEncoding('latin1');
        events.connected(connection, plainIp(redis.stream));
      });
      redis.on('end', () => {
        if (open.get(connection) !== link) return;
        open.delete(connection);
        events.closed(connection, reason);
      });
      redis.on('messageBuffer', (_channel: unknown, bytes: unknown) => {
        if (!Buffer.isBuffer(bytes)) throw new TypeError('a message without a text');
        const text = bytes.toString('latin1');
        if (open.get(connection) === link) outside(() => events.message(connection, text));
      });
      // A refused connection is told by `end`; the promise says the same once more.
      redis.connect().catch(() => undefined);
    },
    disconnect(connection) {
      const link = open.get(connection);
      open.delete(connection);
      if (link !== undefined) close(link.redis);
    },
    send(connection, args) {
      const link = open.get(connection);
      if (link === undefined) return;
      const { redis, requests, tell } = link;
      const [name, ...channels] = args;
      gather(redis.stream);
      redis.sendCommand((name === 'SUBSCRIBE' ? new Requests('subscribe', channels, tell) : requests).next(args));
    },
    closeAll() {
      const links = [...open.values()];
      open.clear();
      for (const { redis } of links) close(redis);
    },
  };
}

/**
 * A reply can be whole and yet make no sense, such as `>1 subscribe` or a null array on a subscription: ioredis then
 * fails on its way to us, and throws that where nobody can catch it. Thrown to its reader instead, it ends the
 * connection like bytes that are no reply at all.
 */
const { default: DataHandler } = createRequire(import.meta.url)('ioredis/built/DataHandler.js');
DataHandler.prototype.dispatch = (handle: () => void) => handle();

/** Whatever is thrown while a reply is handled is about the reply, but for this: what the core throws is a bug of ours. */
function outside(tell: () => void): void {
  try {
    tell();
  } catch (error) {
    process.nextTick(() => {
      throw error;
    });
  }
}

/** A connection that cannot be read any further is over at once: whoever is at its other end need not agree. */
class Client extends Redis {
  override recoverFromFatalError(_: Error, error: Error): void {
    this.stream.destroy(new Error(error.message.replace('. Please report this.', ''), { cause: error }));
  }
}

/** An error may repeat what the other side said: a line of the log is to stay one. */
const plainText = (text: string): string => text.replaceAll(/[^ -~]+/g, ' ').slice(0, REASON_MAX);
/** What fits a line; reasons of our own are shorter. */
const REASON_MAX = 200;

/** What one turn has for a connection leaves in one packet, and is answered in one. */
function gather(stream: Redis['stream']): void {
  if (stream.writableCorked > 0) return;
  stream.cork();
  process.nextTick(() => stream.uncork());
}

interface OpenLink {
  readonly redis: Redis;
  readonly requests: Requests;
  /** A reply came. */
  tell(reply: NodeReply): void;
}

/**
 * The requests of one link. ioredis makes an object with a promise for every request; it asks that for the bytes when it
 * sends it and hands it the reply, in order. So one object does for all requests of a link, but for those by whose name
 * ioredis knows what the reply means: it knows the commands that begin a subscription, in lower case.
 */
class Requests extends Command {
  private bytes = '';

  constructor(name: string, args: string[], tell: (reply: NodeReply) => void) {
    super(name, args);
    this.resolve = (value: unknown) => tell(toReply(value));
    // Requests that a lost connection leaves unanswered are refused as well; `end` tells of those.
    this.reject = (error: Error) => {
      if (error.name === 'ReplyError') tell({ kind: 'error', text: error.message });
    };
  }

  /** What is to be sent next: byte strings. */
  next(args: readonly string[]): this {
    this.bytes = `*${args.length}\r\n`;
    for (const arg of args) this.bytes += `$${arg.length}\r\n${arg}\r\n`;
    return this;
  }

  override toWritable(): string {
    return this.bytes;
  }
}

/** All policy of ioredis, switched off (style.md §3). */
const NO_POLICY = {
  lazyConnect: true,
  protocol: 2,
  retryStrategy: () => null,
  reconnectOnError: null,
  connectTimeout: 0,
  enableOfflineQueue: false,
  enableReadyCheck: false,
  autoResubscribe: false,
  autoResendUnfulfilledCommands: false,
  maxRetriesPerRequest: null,
  disableClientInfo: true,
  // Integers as text: an epoch has 64 bits.
  stringNumbers: true,
  keepAlive: 0,
} satisfies RedisOptions;

/** Whoever has a certificate of our authority may sit at any address: nodes are known by addresses, which move. */
function tlsOptions(secureContext: SecureContext | undefined): Pick<RedisOptions, 'tls'> {
  if (secureContext === undefined) return {};
  return { tls: { rejectUnauthorized: true, checkServerIdentity: () => undefined, secureContext } };
}

/**
 * ioredis takes a class that makes its connections. Ours knows the address of our own that they come from, reads with
 * one buffer, and lets nothing through that ioredis had better not read: for `*30000000` it makes room at once. Over TLS a connection may break twice, by an alert and by the end of the socket: ioredis listens for
 * the first error only, and one that nobody listens for ends the process.
 */
function connectorFrom(from: string | undefined) {
  return class extends AbstractConnector {
    private readonly place: Place;

    constructor(options: unknown) {
      const { host = '', port = 0, tls } = options as RedisOptions;
      // How long it may take to say goodbye; whoever closes a link destroys its socket anyway.
      super(0);
      this.place = { host, port, tls, ...(from === undefined ? {} : { localAddress: from }) };
    }
    override async connect() {
      this.connecting = true;
      this.stream = openSocket(this.place);
      this.stream.on('error', (error: Error) => {
        this.firstError ??= error;
      });
      return this.stream;
    }
  };
}

interface Place {
  readonly host: string;
  readonly port: number;
  readonly localAddress?: string;
  readonly tls: RedisOptions['tls'];
}

/** What was read last, on whichever link: by itself Node makes a buffer of 64 KB for every read of every connection. */
const received = Buffer.allocUnsafeSlow(64 * 1024);

/** A connection that hands on copies of what was read, in the size of what was read, as long as it makes sense. */
function openSocket({ tls, ...place }: Place): Socket {
  const guard = createReplyGuard();
  const handOn = (size: number): true => {
    const bytes = Buffer.from(received.subarray(0, size));
    const fault = guard.feed(bytes);
    const good = fault === undefined ? bytes : bytes.subarray(0, fault.goodBytes);
    if (good.length > 0) socket.emit('data', good);
    if (fault !== undefined) socket.destroy(new Error(fault.reason));
    return true;
  };
  // The types of Node forget that TLS takes this as well.
  const options = { ...place, onread: { buffer: received, callback: handOn } };
  const socket = tls === undefined ? connect(options) : connectTls({ ...options, ...tls });
  return socket;
}

/** A node that hangs never answers our FIN: without destroying the socket it would stay with us half closed. */
function close(redis: Redis): void {
  const { stream } = redis;
  redis.disconnect();
  stream?.destroy();
}

/** Our own address on this connection, without the IPv6 mapping of an IPv4 one. */
function plainIp(stream: Redis['stream']): string {
  const address = 'localAddress' in stream ? stream.localAddress : undefined;
  return typeof address === 'string' ? address.replace(/^::ffff:/, '') : '';
}

const INTEGER = /^-?\d+$/;

function toReply(value: unknown): NodeReply {
  if (value === null || value === undefined) return { kind: 'null' };
  if (Buffer.isBuffer(value)) return { kind: 'text', text: value.toString('latin1') };
  if (Array.isArray(value)) return { kind: 'array', items: value.map(toReply) };
  // With `stringNumbers` an integer is the only reply that comes as a JavaScript string.
  if (typeof value === 'number' || (typeof value === 'string' && INTEGER.test(value)))
    return { kind: 'integer', value: BigInt(value) };
  if (value instanceof Error) return { kind: 'error', text: value.message };
  return { kind: 'text', text: String(value) };
}
