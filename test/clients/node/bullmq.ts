// BullMQ over ioredis 5: a write is a job that was added to the queue and done by a worker.
import { Queue, Worker } from 'bullmq';
import { Redis } from 'ioredis5';
import { type Orders, run, sayError } from './program.ts';
import { throughSentinels } from './through-sentinels.ts';

/** A job that was added just before its master died is lost with it; the next one is not. */
const JOB_MS = 5_000;

await run(async (orders) => {
  const forQueue = connect(orders);
  const forWorker = connect(orders);
  const queue = new Queue<string>(orders.key, { connection: forQueue });
  const waiting = new Map<string, () => void>();
  const work = async ({ data }: { data: string }) => {
    await forWorker.set(orders.key, data);
    waiting.get(data)?.();
  };
  const worker = new Worker<string>(orders.key, work, { connection: forWorker });
  queue.on('error', (error: unknown) => sayError('queue', error));
  worker.on('error', (error: unknown) => sayError('worker', error));
  return {
    write: async (value) => {
      const finished = new Promise<void>((resolve, reject) => {
        waiting.set(value, resolve);
        setTimeout(() => reject(new Error('the job was not done in time')), JOB_MS).unref();
      });
      finished.catch(() => undefined);
      await queue.add('write', value, { removeOnComplete: true, removeOnFail: true });
      await finished.finally(() => waiting.delete(value));
    },
    close: () => Promise.all([worker.close(true), queue.close()]),
  };
});

function connect(orders: Orders): Redis {
  // BullMQ waits for as long as it takes.
  const client = new Redis({ ...throughSentinels(orders, 'master'), maxRetriesPerRequest: null });
  client.on('error', (error: unknown) => sayError('connection', error));
  return client;
}
