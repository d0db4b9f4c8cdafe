// A client as an application has one: it asks the sentinels where the master is, writes there one key after the other,
// asks again whenever a write fails, and keeps book on what was acknowledged and when writes were refused.
import { setTimeout as sleep } from 'node:timers/promises';
import { type Client, createClient, isErrorReply } from './client.ts';
import { nowMs, textOf } from './until.ts';

/** A time in which no write succeeded. */
export interface Refusal {
  /** When the first write that failed was sent. */
  readonly beganAt: number;
  /** When a write was acknowledged again; `undefined` while it lasts. */
  endedAt: number | undefined;
  attempts: number;
  readonly firstError: string;
}

/** An acknowledged write; its number is its place in the list. */
export interface Write {
  readonly at: number;
  /** Port of the node that acknowledged it. */
  readonly port: number;
}

export interface Writer {
  readonly writes: readonly Write[];
  readonly refusals: readonly Refusal[];
  /** The refusal that lasts just now. */
  refusal(): Refusal | undefined;
  /** Write no more; settles when the last write has its answer. */
  stop(): Promise<void>;
}

export interface WriterOptions {
  sentinelPorts: readonly number[];
  masterName: string;
  /** Longer than this no answer is awaited: a hung server refuses, too. */
  timeoutMs: number;
}

/** Some hundred writes per second show what happens; more would only heat the machine. */
const PAUSE_MS = 2;
const RETRY_MS = 5;

/** Start writing, and go on until told to stop. */
export function startWriter({ sentinelPorts, masterName, timeoutMs }: WriterOptions): Writer {
  const writes: Write[] = [];
  const refusals: Refusal[] = [];
  const sentinels = sentinelPorts.map((port) => createClient(port, { timeoutMs }));
  let master: { port: number; client: Client } | undefined;
  let stopping = false;
  const refusal = () => {
    const last = refusals.at(-1);
    return last?.endedAt === undefined ? last : undefined;
  };

  const writeOne = async () => {
    const beganAt = nowMs();
    try {
      master ??= await connectToMaster(sentinels, masterName, timeoutMs);
      await master.client.command('SET', keyOf(writes.length), 'written');
      const at = nowMs();
      writes.push({ at, port: master.port });
      const over = refusal();
      if (over !== undefined) over.endedAt = at;
      await sleep(PAUSE_MS);
    } catch (error) {
      if (refusal() === undefined)
        refusals.push({ beganAt, endedAt: undefined, attempts: 0, firstError: textOf(error) });
      const lasting = refusal();
      if (lasting !== undefined) lasting.attempts++;
      master?.client.close();
      master = undefined;
      await sleep(RETRY_MS);
    }
  };
  const finished = (async () => {
    while (!stopping) await writeOne();
    for (const client of [...sentinels, ...(master === undefined ? [] : [master.client])]) client.close();
  })();

  return {
    writes,
    refusals,
    refusal,
    stop: () => {
      stopping = true;
      return finished;
    },
  };
}

/** The numbers of those writes that the node does not have. */
export async function missingWrites(node: Pick<Client, 'command'>, count: number): Promise<number[]> {
  const missing: number[] = [];
  const batch = 500;
  for (let first = 0; first < count; first += batch) {
    const numbers = Array.from({ length: Math.min(batch, count - first) }, (_, index) => first + index);
    const values = (await node.command('MGET', ...numbers.map(keyOf))) as unknown[];
    missing.push(...numbers.filter((_, index) => values[index] === null));
  }
  return missing;
}

/** How many writes were acknowledged in each of the last `count` spans of `spanMs`, oldest first. */
export function writesPerSpan(writes: readonly Write[], now: number, spanMs: number, count: number): number[] {
  const spans = new Array<number>(count).fill(0);
  // Whole spans of the clock, so that a span's number does not change as the picture moves on.
  const newest = Math.floor(now / spanMs);
  for (let index = writes.length - 1; index >= 0; index--) {
    const age = newest - Math.floor((writes[index]?.at ?? 0) / spanMs);
    if (age >= count) break;
    const span = count - 1 - age;
    spans[span] = (spans[span] ?? 0) + 1;
  }
  return spans;
}

function keyOf(number: number): string {
  return `demo:${number}`;
}

/** Ask one sentinel after the other until one answers. */
async function connectToMaster(sentinels: readonly Client[], name: string, timeoutMs: number) {
  let failure: unknown = new Error('no sentinel to ask');
  for (const sentinel of sentinels) {
    try {
      const reply = await sentinel.command('SENTINEL', 'GET-MASTER-ADDR-BY-NAME', name);
      if (!Array.isArray(reply)) throw new Error(`no sentinel knows ${name}`);
      const port = Number(reply[1]);
      return { port, client: createClient(port, { host: String(reply[0]), timeoutMs }) };
    } catch (error) {
      if (isErrorReply(error)) throw error;
      failure = error;
    }
  }
  throw failure;
}
