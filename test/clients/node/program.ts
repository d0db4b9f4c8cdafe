// What the Node programs share: their orders from the environment, their lines to the driver, writing, reading, the end.
// ../program.ts is the driver's side and describes the lines; programs in other languages do the same.

import { readFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';

/** What the driver asks for; unset credentials stay out of the objects. */
export interface Orders {
  sentinels: { host: string; port: number }[];
  masterName: string;
  /** The key to write, which is also the name to go by. */
  key: string;
  protocol: 2 | 3;
  sentinelLogin: Login;
  redisLogin: Login;
  /** With it every connection uses TLS. */
  tls: Tls | undefined;
}

/** PEM texts: the certificate authority, and who we are. */
export interface Tls {
  ca: string;
  cert: string;
  key: string;
}

export interface Login {
  username?: string;
  password?: string;
}

/** A library that found its master. */
export interface ClientUnderTest {
  write(value: string): Promise<unknown>;
  /** Read the value from a replica; `role` is what that very node says it is. */
  read?(): Promise<{ value: string | null; role: string }>;
  close(): unknown;
}

const WRITE_PAUSE_MS = 20;
const READ_PAUSE_MS = 50;

/** Tell the driver. */
export function say(event: string, fields: Record<string, unknown> = {}): void {
  process.stdout.write(`${JSON.stringify({ event, ...fields })}\n`);
}

/** An error is told, never thrown: whether it may happen is for the driver to judge. */
export function sayError(where: string, error: unknown): void {
  say('error', { where, text: String(error) });
}

/** Open the client, write and read until the driver says stop (or is gone), close it and end. */
export async function run(open: (orders: Orders) => Promise<ClientUnderTest>): Promise<void> {
  const input = createInterface({ input: process.stdin });
  let stopping = false;
  const stopped = new Promise<void>((resolve) => void input.once('close', resolve).once('line', () => resolve()));
  stopped.then(() => {
    stopping = true;
  });
  const client = await open(ordersFrom(process.env));
  const again = async (where: string, pauseMs: number, once: () => Promise<void>) => {
    while (!stopping) {
      await once().catch((error: unknown) => !stopping && sayError(where, error));
      await sleep(pauseMs);
    }
  };
  let n = 0;
  void again('write', WRITE_PAUSE_MS, async () => {
    const number = ++n;
    await client.write(String(number));
    say('write', { n: number });
  });
  const { read } = client;
  if (read !== undefined)
    void again('read', READ_PAUSE_MS, async () => {
      const { value, role } = await read();
      if (value !== null) say('read', { n: Number(value), role });
    });
  await stopped;
  await client.close();
  say('stopped');
  // A client that does not let go of its connections is not what is tested here.
  process.exit(0);
}

function ordersFrom(env: NodeJS.ProcessEnv): Orders {
  const { SENTINELS = '', MASTER_NAME = '', KEY = '', PROTOCOL } = env;
  return {
    sentinels: SENTINELS.split(',').map((address) => {
      const [host = '', port] = address.split(':');
      return { host, port: Number(port) };
    }),
    masterName: MASTER_NAME,
    key: KEY,
    protocol: PROTOCOL === '3' ? 3 : 2,
    sentinelLogin: login(env.SENTINEL_USERNAME, env.SENTINEL_PASSWORD),
    redisLogin: login(env.REDIS_USERNAME, env.REDIS_PASSWORD),
    tls: tlsFrom(env),
  };
}

function tlsFrom({ TLS_CA, TLS_CERT = '', TLS_KEY = '' }: NodeJS.ProcessEnv): Tls | undefined {
  if (TLS_CA === undefined) return undefined;
  const read = (file: string) => readFileSync(file, 'utf8');
  return { ca: read(TLS_CA), cert: read(TLS_CERT), key: read(TLS_KEY) };
}

function login(username: string | undefined, password: string | undefined): Login {
  return { ...(username === undefined ? {} : { username }), ...(password === undefined ? {} : { password }) };
}
