// Many masters: starting, resting, and a tenth of them failing at once while clients ask; memory and processor time.
import { setTimeout as sleep } from 'node:timers/promises';
import { createClient } from '../src/demo/client.ts';
import type { SentinelNode } from '../src/demo/nodes.ts';
import type { SentinelKind } from '../src/demo/programs.ts';
import { nowMs, until } from '../src/demo/until.ts';
import { createFakeCluster, type FakeCluster } from './fake-cluster.ts';
import {
  atMostShare,
  type Measurement,
  maxAtMost,
  medianAtMost,
  type Row,
  type Samples,
  summarize,
} from './measure.ts';
import { cpuSeconds, memoryMb } from './process-facts.ts';

const REST_MS = 20_000;
/** Ten seconds: at this and above we send a PING a second, as the genuine server does. */
const DOWN_AFTER_MS = 10_000;

/** Start, and wait until every replica and peer is known and answers. Milliseconds from the start of the process. */
async function startAndLearn({ sentinel, order }: FakeCluster, groups: number): Promise<number> {
  const from = nowMs();
  await sentinel.start();
  await until(
    'every node and peer',
    async () => {
      const { seen } = await order({ kind: 'report' }, 'report');
      return seen === 2 * groups && (await knowsPeers(sentinel, groups));
    },
    { withinMs: 400_000, everyMs: 200 },
  );
  return nowMs() - from;
}

/** Look at some masters only: the answer about a thousand would be measured as well. */
async function knowsPeers(sentinel: SentinelNode, groups: number): Promise<boolean> {
  for (let number = 0; number < groups; number += Math.max(1, Math.floor(groups / 20))) {
    const reply = await sentinel.command('SENTINEL', 'SENTINELS', `m${number}`);
    if (!Array.isArray(reply) || reply.length !== 2) return false;
  }
  return true;
}

/** Share of one processor in percent, over a time in which nothing happens. */
async function cpuAtRest(sentinel: SentinelNode, forMs = REST_MS): Promise<number> {
  const pid = sentinel.pid ?? 0;
  const before = cpuSeconds(pid);
  await sleep(forMs);
  return ((cpuSeconds(pid) - before) / (forMs / 1000)) * 100;
}

function atRest(groups: number): Measurement {
  const cpu = `at rest, ${groups} masters: processor time`;
  const ping = `at rest, ${groups} masters: gap between PINGs, 99 %`;
  const start = `start with ${groups} masters: all known`;
  const tilt = `start with ${groups} masters: TILT`;
  const memory = `${groups} masters: memory`;
  const latency = `${groups} masters, a tenth fails: answer to a client, 99 %`;
  const failedTilt = `${groups} masters, a tenth fails: TILT`;
  const rows: Row[] = [
    { name: start, unit: 'ms', target: '≤ 10000', met: maxAtMost(10_000) },
    { name: tilt, unit: 'events', target: '0', met: maxAtMost(0) },
    { name: memory, unit: 'MB', target: groups === 1000 ? '≤ 300' : '', met: maxAtMost(300) },
    {
      name: cpu,
      unit: '% of a core',
      target: groups === 1000 ? '≤ 1.0 ×' : '',
      met: groups === 1000 ? atMostShare(1) : () => true,
    },
    { name: ping, unit: 'ms', target: '≤ 1100', met: maxAtMost(1100) },
    { name: latency, unit: 'ms', target: '≤ 20', met: medianAtMost(20) },
    { name: failedTilt, unit: 'events', target: '0', met: maxAtMost(0) },
  ];
  return {
    name: `${groups} masters`,
    rounds: { ts: 1, genuine: 1 },
    rows,
    async run(kind: SentinelKind) {
      const cluster = await createFakeCluster(kind, groups, DOWN_AFTER_MS);
      const { sentinel, order } = cluster;
      const tilts = () => sentinel.log().match(/\+tilt/g)?.length ?? 0;
      try {
        const samples: Samples = { [start]: [await startAndLearn(cluster, groups)], [tilt]: [tilts()] };
        await sleep(5000);
        await order({ kind: 'record' }, 'done');
        samples[cpu] = [await cpuAtRest(sentinel)];
        const { pingGaps } = await order({ kind: 'report' }, 'report');
        samples[ping] = [summarize(pingGaps)?.p99 ?? Number.NaN];
        samples[memory] = [memoryMb(sentinel.pid ?? 0)];
        const before = tilts();
        samples[latency] = [summarize(await latencies(cluster, Math.ceil(groups / 10)))?.p99 ?? Number.NaN];
        samples[failedTilt] = [tilts() - before];
        return samples;
      } finally {
        await cluster.stop();
      }
    },
  };
}

/** A client asks every 5 ms while a tenth of the masters fails, until 10 s after they went down. */
async function latencies({ sentinel, order }: FakeCluster, dying: number): Promise<number[]> {
  const client = createClient(sentinel.port);
  const values: number[] = [];
  try {
    await client.command('PING');
    await order({ kind: 'kill', groups: dying }, 'done');
    const end = nowMs() + DOWN_AFTER_MS + 10_000;
    for (let number = 0; nowMs() < end; number++) {
      const from = nowMs();
      await client.command('SENTINEL', 'GET-MASTER-ADDR-BY-NAME', `m${number % 100}`);
      values.push(nowMs() - from);
      await sleep(5);
    }
    return values;
  } finally {
    client.close();
  }
}

/** The process as such: how soon it answers, what it needs with one master. */
const small: Measurement = {
  name: 'one master',
  rounds: { ts: 5, genuine: 5 },
  rows: [
    { name: 'start to the first PONG', unit: 'ms', target: '≤ 250', met: medianAtMost(250) },
    { name: '1 master: memory', unit: 'MB', target: '≤ 70', met: medianAtMost(70) },
    { name: '1 master: processor time at rest', unit: '% of a core', target: '≤ 1.0 ×', met: atMostShare(1) },
  ],
  async run(kind) {
    const cluster = await createFakeCluster(kind, 1, DOWN_AFTER_MS);
    const { sentinel } = cluster;
    try {
      const from = nowMs();
      // `start` waits for the answer to PING; it looks every 20 ms.
      await sentinel.start();
      const started = nowMs() - from;
      await sleep(3000);
      const cpu = await cpuAtRest(sentinel);
      return {
        'start to the first PONG': [started],
        '1 master: memory': [memoryMb(sentinel.pid ?? 0)],
        '1 master: processor time at rest': [cpu],
      };
    } finally {
      await cluster.stop();
    }
  },
};

export function mastersMeasurements(short: boolean): Measurement[] {
  return short ? [small, atRest(100)] : [small, atRest(100), atRest(1000)];
}
