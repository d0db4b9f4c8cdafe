// The applications on one client host, a process of their own: each asks the sentinels where to write, appends the next
// number to its list there, and prints what became of it.

import { setTimeout as sleep } from 'node:timers/promises';
import { Redis } from 'ioredis';
import { type Client, createClient } from '../../src/demo/client.ts';
import { nowMs, textOf } from '../../src/demo/until.ts';
import { addressOf, type Ms, nameOf, SENTINEL_HOSTS } from './plan.ts';

const [host = 'c1', port = '6379', master = 'mymaster'] = process.argv.slice(2);

/** Some hundred writes per second in all: enough to see short outages, little enough for three clusters on two cores. */
const PAUSE_MS: Ms = 10;
const RETRY_MS: Ms = 20;
const ANSWER_MS: Ms = 1000;
/** Asking the sentinels takes its time as well. */
const GIVE_UP_MS: Ms = 5000;
/** Lines go out together. */
const FLUSH_MS: Ms = 50;

interface Application {
  readonly name: string;
  /** Append a number to the list; returns the address of who acknowledged it. */
  append(list: string, n: number): Promise<string>;
  close(): void;
}

/** It keeps its connection until a write fails, and then asks one sentinel after the other. */
function plain(): Application {
  const sentinels = SENTINEL_HOSTS.map((each) => createClient(Number(port), { host: addressOf(each), timeoutMs: 500 }));
  let live: { address: string; client: Client } | undefined;
  const find = async () => {
    for (const sentinel of sentinels) {
      const reply = await sentinel.command('SENTINEL', 'GET-MASTER-ADDR-BY-NAME', master).catch(() => undefined);
      if (!Array.isArray(reply)) continue;
      const address = String(reply[0]);
      return { address, client: createClient(Number(reply[1]), { host: address, timeoutMs: ANSWER_MS }) };
    }
    throw new Error('no sentinel answers');
  };
  const close = () => {
    live?.client.close();
    live = undefined;
  };
  return {
    name: 'plain',
    async append(list, n) {
      try {
        live ??= await find();
        await live.client.command('RPUSH', list, String(n));
        return live.address;
      } catch (error) {
        close();
        throw error;
      }
    },
    close,
  };
}

/**
 * ioredis as its users have it: told of switches by the sentinels, and connected again when its master refuses writes.
 * It may give up for good when a switch comes while it connects: then it is made anew.
 */
function ioredis(): Application {
  let redis = connect();
  return {
    name: 'ioredis',
    async append(list, n) {
      if (redis.status === 'end') redis = connect();
      // Who it was is known only while the connection stands.
      const appended = redis.rpush(list, n);
      const to = redis.stream?.remoteAddress;
      await appended;
      return redis.stream?.remoteAddress ?? to ?? '';
    },
    close: () => redis.disconnect(),
  };
}

function connect(): Redis {
  const redis = new Redis({
    sentinels: SENTINEL_HOSTS.map((each) => ({ host: addressOf(each), port: Number(port) })),
    name: master,
    failoverDetector: true,
    sentinelRetryStrategy: () => 100,
    retryStrategy: () => 50,
    reconnectOnError: ({ message }) => /^(READONLY|MISCONF)/.test(message),
    autoResendUnfulfilledCommands: false,
    maxRetriesPerRequest: 0,
    connectTimeout: ANSWER_MS,
    commandTimeout: ANSWER_MS,
    socketTimeout: 2 * ANSWER_MS,
  });
  redis.on('error', () => undefined);
  return redis;
}

let stopping = false;
let printed = '';
const flush = () => {
  if (printed !== '') process.stdout.write(printed);
  printed = '';
};

const failed = (error: unknown) => ({ error: textOf(error) });

async function write(application: Application): Promise<void> {
  const writer = `${host}-${application.name}`;
  for (let n = 1; !stopping; n++) {
    const sentAt = nowMs();
    const late = new AbortController();
    const outcome = await Promise.race([
      application.append(`writes:${writer}`, n).then((address) => ({ to: nameOf(address) }), failed),
      sleep(GIVE_UP_MS, { error: 'neither done nor failed' }, { signal: late.signal }).catch(failed),
    ]);
    late.abort();
    printed += `${JSON.stringify({ at: nowMs(), kind: 'write', writer, n, sentAt, ...outcome })}\n`;
    await sleep('error' in outcome ? RETRY_MS : PAUSE_MS);
  }
  application.close();
}

// Whoever started us tells us to end by closing our input.
process.stdin.resume().on('end', () => {
  stopping = true;
});
const flushing = setInterval(flush, FLUSH_MS);
await Promise.all([write(plain()), write(ioredis())]);
clearInterval(flushing);
flush();
// Connections of ioredis to sentinels may outlive it.
process.stdout.write('', () => process.exit(0));
