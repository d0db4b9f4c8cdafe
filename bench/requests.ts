// What clients ask, and what they listen to: requests per second, processor time per request, events to many.
import { execFile } from 'node:child_process';
import { connect, type Socket } from 'node:net';
import { promisify } from 'node:util';
import type { SentinelNode } from '../src/demo/nodes.ts';
import { nowMs, until } from '../src/demo/until.ts';
import { createFakeCluster, type FakeCluster } from './fake-cluster.ts';
import { atLeastShare, atMostShare, type Measurement, medianAtMost, type Row } from './measure.ts';
import { cpuSeconds, memoryMb } from './process-facts.ts';

const run = promisify(execFile);
const DOWN_AFTER_MS = 30_000;

/** redis-benchmark against a sentinel: requests per second, and microseconds of its processor time for each. */
async function load(
  sentinel: SentinelNode,
  words: string[],
  { pipeline, requests }: { pipeline: number; requests: number },
) {
  const pid = sentinel.pid ?? 0;
  const before = cpuSeconds(pid);
  const options = ['-p', String(sentinel.port), '-c', '50', '-P', String(pipeline), '-n', String(requests), '--csv'];
  const { stdout } = await run('redis-benchmark', [...options, ...words]);
  const perSecond = Number(/^"[^"]*","([\d.]+)"/m.exec(stdout.split('\n')[1] ?? '')?.[1]);
  return { perSecond, cpuMicros: ((cpuSeconds(pid) - before) * 1e6) / requests };
}

async function withSentinel<T>(
  kind: SentinelNode['kind'],
  groups: number,
  work: (cluster: FakeCluster) => Promise<T>,
): Promise<T> {
  const cluster = await createFakeCluster(kind, groups, DOWN_AFTER_MS);
  try {
    await cluster.sentinel.start();
    await until('all nodes', async () => (await cluster.order({ kind: 'report' }, 'report')).seen === 2 * groups, {
      withinMs: 120_000,
    });
    return await work(cluster);
  } finally {
    await cluster.stop();
  }
}

const PIPELINES = [
  { pipeline: 1, requests: 200_000, cpuShare: 1.3 },
  { pipeline: 16, requests: 800_000, cpuShare: 1 },
] as const;

function addressRequests(rounds: number): Measurement {
  const rateName = (pipeline: number) => `GET-MASTER-ADDR-BY-NAME, pipeline ${pipeline}`;
  const cpuName = (pipeline: number) => `GET-MASTER-ADDR-BY-NAME, pipeline ${pipeline}: processor time`;
  const rows: Row[] = PIPELINES.flatMap(({ pipeline, cpuShare }) => [
    { name: rateName(pipeline), unit: 'requests/s', target: '≥ 1.0 ×', met: atLeastShare(1) },
    { name: cpuName(pipeline), unit: 'µs/request', target: `≤ ${cpuShare} ×`, met: atMostShare(cpuShare) },
  ]);
  return {
    name: 'GET-MASTER-ADDR-BY-NAME',
    rounds: { ts: rounds, genuine: rounds },
    rows,
    run: (kind) =>
      withSentinel(kind, 1, async ({ sentinel }) => {
        const words = ['SENTINEL', 'GET-MASTER-ADDR-BY-NAME', 'm0'];
        // Warm, as a sentinel that serves clients is.
        await load(sentinel, words, { pipeline: 16, requests: 100_000 });
        const samples: Record<string, number[]> = {};
        for (const { pipeline, requests } of PIPELINES) {
          const { perSecond, cpuMicros } = await load(sentinel, words, { pipeline, requests });
          samples[rateName(pipeline)] = [perSecond];
          samples[cpuName(pipeline)] = [cpuMicros];
        }
        return samples;
      }),
  };
}

const LISTINGS = [
  { words: ['SENTINEL', 'MASTERS'], requests: 3000 },
  { words: ['SENTINEL', 'REPLICAS', 'm7'], requests: 100_000 },
  { words: ['SENTINEL', 'SENTINELS', 'm7'], requests: 100_000 },
];

function listings(rounds: number): Measurement {
  const nameOf = (words: readonly string[]) => `${words[1]}, 100 masters`;
  return {
    name: 'listings',
    rounds: { ts: rounds, genuine: rounds },
    rows: LISTINGS.map(({ words }) => ({
      name: nameOf(words),
      unit: 'requests/s',
      target: '≥ 1.0 ×',
      met: atLeastShare(1),
    })),
    run: (kind) =>
      withSentinel(kind, 100, async ({ sentinel }) => {
        const samples: Record<string, number[]> = {};
        for (const { words, requests } of LISTINGS) {
          await load(sentinel, words, { pipeline: 1, requests: requests / 2 });
          samples[nameOf(words)] = [(await load(sentinel, words, { pipeline: 1, requests })).perSecond];
        }
        return samples;
      }),
  };
}

const LISTENERS = 5000;

/** Many clients listen; how long until the last one has heard, and what a client costs. */
function listeners(rounds: number): Measurement {
  return {
    name: 'listeners',
    rounds: { ts: rounds, genuine: rounds },
    rows: [
      { name: `an event to the last of ${LISTENERS} listeners`, unit: 'ms', target: '≤ 1.0 ×', met: atMostShare(1) },
      { name: 'memory of an idle client', unit: 'KB', target: '≤ 12', met: medianAtMost(12) },
      { name: 'memory of a listening client', unit: 'KB', target: '', met: () => true },
    ],
    run: (kind) =>
      withSentinel(kind, 1, async ({ sentinel }) => {
        const memory = () => memoryMb(sentinel.pid ?? 0) * 1024;
        const before = memory();
        const sockets = await connectMany(sentinel.port, LISTENERS);
        const idle = (memory() - before) / LISTENERS;
        await toAll(sockets, 'SUBSCRIBE +set\r\n', ':1\r\n');
        const listening = (memory() - before) / LISTENERS;
        const times: number[] = [];
        for (let round = 0; round < 10; round++) {
          const from = nowMs();
          const heard = everybodyHears(sockets, '+set');
          await sentinel.command('SENTINEL', 'SET', 'm0', 'quorum', String(2 + (round % 2)));
          times.push((await heard) - from);
        }
        for (const socket of sockets) socket.destroy();
        return {
          [`an event to the last of ${LISTENERS} listeners`]: times,
          'memory of an idle client': [idle],
          'memory of a listening client': [listening],
        };
      }),
  };
}

/** Connected, and served once: each has had the answer to a PING. */
async function connectMany(port: number, count: number): Promise<Socket[]> {
  const sockets: Socket[] = [];
  // Not more at once than a backlog holds.
  for (let left = count; left > 0; left -= 200) {
    const batch = await Promise.all(
      Array.from({ length: Math.min(200, left) }, () => {
        const socket = connect(port, '127.0.0.1');
        socket.setNoDelay(true);
        return new Promise<Socket>((resolve, reject) => {
          socket.once('connect', () => resolve(socket));
          socket.once('error', reject);
        });
      }),
    );
    await toAll(batch, 'PING\r\n', '+PONG\r\n');
    sockets.push(...batch);
  }
  return sockets;
}

async function toAll(sockets: readonly Socket[], request: string, answerEnd: string): Promise<void> {
  const answered = everybodyHears(sockets, answerEnd);
  for (const socket of sockets) socket.write(request);
  await answered;
}

/** When the last socket has received `text`. */
function everybodyHears(sockets: readonly Socket[], text: string): Promise<number> {
  let left = sockets.length;
  return new Promise((resolve) => {
    for (const socket of sockets) {
      let received = '';
      const onData = (bytes: Buffer) => {
        received += bytes.toString('latin1');
        if (!received.includes(text)) return;
        socket.off('data', onData);
        left -= 1;
        if (left === 0) resolve(nowMs());
      };
      socket.on('data', onData);
    }
  });
}

export function requestMeasurements(short: boolean): Measurement[] {
  const rounds = short ? 1 : 3;
  return [addressRequests(rounds), listings(rounds), listeners(rounds)];
}
