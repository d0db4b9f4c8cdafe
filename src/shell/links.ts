// Connections to data nodes and peers, carried by ioredis. It brings bytes to and fro and decides nothing: when to
// connect and reconnect, what to send and how long to wait is the core's business. The only importer of ioredis.
import { connect as connectPlain } from 'node:net';
import { connect as connectTls, type SecureContext } from 'node:tls';
import { AbstractConnector, Command, Redis } from 'ioredis';
import type { NodeReply } from '../core/effects.ts';
import type { ConnectionId } from '../core/state.ts';
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
  const open = new Map<ConnectionId, Redis>();

  const discard = (connection: ConnectionId): Redis | undefined => {
    const redis = open.get(connection);
    open.delete(connection);
    return redis;
  };

  return {
    connect(connection, host, port) {
      const redis = createClient(host, port, tls(), from);
      open.set(connection, redis);
      let reason = 'Server closed the connection';
      redis.on('error', (error: Error) => {
        reason = openSslText(error);
      });
      redis.on('ready', () => {
        if (open.get(connection) !== redis) return;
        events.connected(connection, plainIp(redis.stream));
      });
      redis.on('end', () => {
        if (open.get(connection) !== redis) return;
        open.delete(connection);
        events.closed(connection, reason);
      });
      redis.on('messageBuffer', (_channel: Buffer, text: Buffer) => {
        if (open.get(connection) === redis) events.message(connection, text.toString('latin1'));
      });
      // A refused connection is told by `end`; the promise says the same once more.
      redis.connect().catch(() => undefined);
    },
    disconnect(connection) {
      const redis = discard(connection);
      if (redis !== undefined) close(redis);
    },
    send(connection, [name = '', ...args]) {
      const redis = open.get(connection);
      if (redis === undefined) return;
      // ioredis knows the commands that begin a subscription by their lower-case names only.
      const spelled = name === 'SUBSCRIBE' ? 'subscribe' : name;
      const command = new Command(spelled, args.map(toArgument), { replyEncoding: null });
      const settle = (reply: NodeReply | undefined) => {
        if (reply !== undefined && open.get(connection) === redis) events.reply(connection, reply);
      };
      command.promise.then(
        (value: unknown) => settle(toReply(value)),
        (error: Error) => settle(error.name === 'ReplyError' ? { kind: 'error', text: error.message } : undefined),
      );
      redis.sendCommand(command);
    },
    closeAll() {
      for (const connection of [...open.keys()]) {
        const redis = discard(connection);
        if (redis !== undefined) close(redis);
      }
    },
  };
}

/** Whoever has a certificate of our authority may sit at any address: nodes are known by addresses, which move. */
const VERIFY_CHAIN_ONLY = { rejectUnauthorized: true, checkServerIdentity: () => undefined };

/** An ioredis client with all policy switched off (style.md §3). */
function createClient(host: string, port: number, secureContext?: SecureContext, from?: string): Redis {
  return new Redis({
    host,
    port,
    ...(secureContext === undefined ? {} : { tls: { ...VERIFY_CHAIN_ONLY, secureContext } }),
    ...(from === undefined && secureContext === undefined
      ? {}
      : {
          Connector: connectorFor({ host, port, ...(from === undefined ? {} : { localAddress: from }) }, secureContext),
        }),
    lazyConnect: true,
    protocol: 2,
    retryStrategy: () => null,
    reconnectOnError: null,
    enableOfflineQueue: false,
    enableReadyCheck: false,
    autoResubscribe: false,
    autoResendUnfulfilledCommands: false,
    maxRetriesPerRequest: null,
    disableClientInfo: true,
    // Integers as text: an epoch has 64 bits.
    stringNumbers: true,
    keepAlive: 0,
  });
}

/**
 * ioredis takes no address of our own; it does take a class that makes its connections. Over TLS a connection may break
 * twice, by an alert and by the end of the socket: ioredis listens for the first error only, and one that nobody listens
 * for ends the process.
 */
function connectorFor(place: { host: string; port: number; localAddress?: string }, secureContext?: SecureContext) {
  return class extends AbstractConnector {
    constructor() {
      // How long it may take to say goodbye; whoever closes a link destroys its socket anyway.
      super(0);
    }
    override async connect() {
      this.connecting = true;
      this.stream =
        secureContext === undefined
          ? connectPlain(place)
          : connectTls({ ...place, ...VERIFY_CHAIN_ONLY, secureContext });
      this.stream.on('error', (error: Error) => {
        this.firstError ??= error;
      });
      return this.stream;
    }
  };
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

/** A byte string goes out byte by byte; ioredis would write a plain string as UTF-8. */
function toArgument(text: string): string | Buffer {
  return /^[\0-\x7f]*$/.test(text) ? text : Buffer.from(text, 'latin1');
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
