// What demo and tests say to data nodes and sentinels, carried by ioredis with all policy switched off: no reconnecting,
// no queue, no retries. The only importer of ioredis in this folder.
import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { Redis } from 'ioredis';
import { nowMs } from './until.ts';

export interface ClientOptions {
  host?: string;
  username?: string;
  password?: string;
  /** Connect over TLS, with these files. */
  tls?: TlsFiles | undefined;
  /** How long connecting and each answer may take: 5 s unless told. */
  timeoutMs?: number;
}

/** PEM files of somebody who talks TLS: whom to trust, and who one is. */
export interface TlsFiles {
  readonly caFile: string;
  readonly certFile: string;
  readonly keyFile: string;
}

export interface Client {
  /**
   * Send one command and return its reply (RESP2 shapes). Connects first where there is no connection.
   * Throws the server's error reply, or what broke the connection; a broken or silent connection is given up.
   */
  command(...args: string[]): Promise<unknown>;
  close(): void;
}

/** A client that connects when it is first used, and again when it is used after its connection broke. */
export function createClient(port: number, options: ClientOptions = {}): Client {
  let live: Connection | undefined;
  const drop = (connection: Connection) => {
    if (live === connection) live = undefined;
    connection.close();
  };
  return {
    async command(name = '', ...args) {
      live ??= openConnection(port, options);
      const connection = live;
      try {
        await connection.opened;
        return await connection.redis.call(name, ...args);
      } catch (error) {
        if (isErrorReply(error)) throw error;
        drop(connection);
        throw connection.reason(error);
      }
    },
    close() {
      if (live !== undefined) drop(live);
    },
  };
}

/** Did the server answer, though with an error? */
export function isErrorReply(error: unknown): error is Error {
  return error instanceof Error && error.name === 'ReplyError';
}

export interface PublishedEvent {
  /** When it reached us, on the clock of `nowMs`. */
  readonly at: number;
  readonly channel: string;
  readonly payload: string;
}

export interface EventWatch {
  /** Settles once the first subscription stands. */
  readonly ready: Promise<void>;
  close(): void;
}

/** Subscribe to every channel of a sentinel, and again 100 ms after the connection was lost, until closed. */
export function watchEvents(
  port: number,
  onEvent: (event: PublishedEvent) => void,
  options: ClientOptions = {},
): EventWatch {
  let closed = false;
  let live: Connection | undefined;
  let isReady: () => void = () => undefined;
  const ready = new Promise<void>((resolve) => {
    isReady = resolve;
  });
  const keepWatching = async () => {
    while (!closed) {
      live = openConnection(port, options);
      const { redis } = live;
      redis.on('pmessage', (_pattern: string, channel: string, payload: string) =>
        onEvent({ at: nowMs(), channel, payload }),
      );
      try {
        await live.opened;
        await redis.psubscribe('*');
        isReady();
        await live.ended;
      } catch {
        live.close();
      }
      if (!closed) await sleep(100, undefined, { ref: false });
    }
  };
  void keepWatching();
  return {
    ready,
    close() {
      closed = true;
      live?.close();
    },
  };
}

/** The names in the certificates of our clusters mean nothing. */
function tlsOptions({ caFile, certFile, keyFile }: TlsFiles) {
  const [ca, cert, key] = [caFile, certFile, keyFile].map((file) => readFileSync(file));
  return { ca, cert, key, checkServerIdentity: () => undefined };
}

interface Connection {
  readonly redis: Redis;
  /** Settles when commands can be sent; rejects when there will be no connection. */
  readonly opened: Promise<void>;
  readonly ended: Promise<void>;
  /** The error that broke it, for ioredis' own one says only that it is closed. */
  reason(error: unknown): unknown;
  close(): void;
}

function openConnection(port: number, options: ClientOptions): Connection {
  const { host = '127.0.0.1', timeoutMs = 5_000, tls, ...login } = options;
  const redis = new Redis({
    host,
    port,
    ...login,
    ...(tls === undefined ? {} : { tls: tlsOptions(tls) }),
    lazyConnect: true,
    protocol: 2,
    retryStrategy: () => null,
    reconnectOnError: null,
    enableOfflineQueue: false,
    enableReadyCheck: false,
    autoResubscribe: false,
    autoResendUnfulfilledCommands: false,
    maxRetriesPerRequest: 0,
    disableClientInfo: true,
    connectTimeout: timeoutMs,
    commandTimeout: timeoutMs,
  });
  let broken: Error | undefined;
  redis.on('error', (error: Error) => {
    broken = error;
  });
  const ended = new Promise<void>((resolve) => void redis.once('end', () => resolve()));
  const opened = redis.connect();
  opened.catch(() => undefined);
  return {
    redis,
    opened,
    ended,
    reason: (error) => broken ?? error,
    close() {
      const { stream } = redis;
      redis.disconnect();
      // A server that hangs never answers our FIN.
      stream?.destroy();
    },
  };
}
