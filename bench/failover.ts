// Failovers of real data nodes, as a client that asks the sentinels sees them.
import { setTimeout as sleep } from 'node:timers/promises';
import type { DataNode, SentinelNode } from '../src/demo/nodes.ts';
import { startTopology, type Topology, type TopologyOptions } from '../src/demo/topology.ts';
import { nowMs, until } from '../src/demo/until.ts';
import { missingWrites, startWriter } from '../src/demo/writer.ts';
import { atMostShare, type Measurement, maxAtMost, medianAtMost, type Row, type Samples } from './measure.ts';

const MASTER = 'mymaster';

async function withTopology<T>(options: TopologyOptions, work: (topology: Topology) => Promise<T>): Promise<T> {
  const topology = await startTopology(options);
  try {
    return await work(topology);
  } finally {
    await topology.stop();
  }
}

/** When the quorum-th sentinel took the master for down, from `from` on; `undefined`: not yet. */
function quorumAt(topology: Topology, from: number, name = MASTER, quorum = 2): number | undefined {
  const firsts = topology.sentinels
    .map((sentinel) =>
      sentinel
        .events()
        .find(
          ({ at, channel, payload }) => at >= from && channel === '+sdown' && payload.startsWith(`master ${name} `),
        ),
    )
    .flatMap((told) => (told === undefined ? [] : [told.at]))
    .sort((a, b) => a - b);
  return firsts[quorum - 1];
}

/** Ask the sentinels in turn, every 2 ms, and write to whatever they name instead of `old`: when a write is accepted. */
async function firstWrite(
  topology: Topology,
  old: DataNode,
  withinMs = 60_000,
): Promise<{ at: number; node: DataNode }> {
  const deadline = nowMs() + withinMs;
  for (let turn = 0; nowMs() < deadline; turn++) {
    const asked = topology.sentinels.filter(({ running, paused }) => running && !paused);
    const sentinel = asked[turn % asked.length] as SentinelNode;
    const port = await topology.masterPort(sentinel).catch(() => old.port);
    const node = port === old.port ? undefined : topology.nodeAt(port);
    if (node !== undefined && (await node.command('SET', 'bench', String(turn)).catch(() => undefined)) === 'OK')
      return { at: nowMs(), node };
    await sleep(2);
  }
  throw new Error('no write was accepted again');
}

/** When all running sentinels name `node` and all other running nodes follow it and are in sync. */
async function allOn(topology: Topology, node: DataNode): Promise<number> {
  await until(
    'everybody on the new master',
    async () => {
      for (const sentinel of topology.sentinels)
        if (sentinel.running && (await topology.masterPort(sentinel)) !== node.port) return false;
      for (const other of topology.nodes) {
        if (other === node || !other.running || other.paused) continue;
        const info = await other.info('replication');
        if (info.master_port !== String(node.port) || info.master_link_status !== 'up') return false;
      }
      return true;
    },
    { everyMs: 5, withinMs: 120_000 },
  );
  return nowMs();
}

/** Bring the node that failed back as a replica, and wait until nothing is under way any more. */
async function repair(topology: Topology, node: DataNode, master: DataNode): Promise<void> {
  if (node.paused) node.resume();
  if (!node.running) await node.start();
  await follow(node, master);
  await allOn(topology, master);
  await topology.settled({ withinMs: 90_000 });
}

/** A sentinel may tell it the same at this moment, and cut all its connections. */
async function follow(node: DataNode, master: DataNode): Promise<void> {
  await until('the order to follow', () => node.command('REPLICAOF', '127.0.0.1', String(master.port)));
}

type Failure = 'kill -9' | 'SIGSTOP' | 'manual';

async function fail(topology: Topology, master: DataNode, how: Failure): Promise<number> {
  const from = nowMs();
  if (how === 'kill -9') await master.kill();
  else if (how === 'SIGSTOP') master.pause();
  else await until('the order to be taken', () => topology.sentinels[0]?.command('SENTINEL', 'FAILOVER', MASTER));
  return from;
}

function failovers(how: Failure, rounds: number, each: number): Measurement {
  const name = `failover: ${how}`;
  const first = `${name}, to the first write`;
  const everybody = `${name}, all on the new master`;
  const since = how === 'manual' ? 'the command' : 'quorum';
  return {
    name,
    // The genuine server takes ten times as long, and its figures differ little.
    rounds: { ts: rounds, genuine: Math.ceil(rounds / 2) },
    rows: [
      {
        name: first,
        unit: `ms after ${since}`,
        target: 'median ≤ 60 and ≤ 0.15 ×, worst ≤ 300',
        met: (ours, genuine) => medianAtMost(60)(ours) && maxAtMost(300)(ours) && atMostShare(0.15)(ours, genuine),
      },
      { name: everybody, unit: 'ms after that write', target: 'median ≤ 1000', met: medianAtMost(1000) },
    ],
    run: (kind) =>
      withTopology({ kind, downAfterMs: 1000, failoverTimeoutMs: 6000, parallelSyncs: 2 }, async (topology) => {
        const samples: Samples = { [first]: [], [everybody]: [] };
        for (let turn = 0; turn < each; turn++) {
          const old = await topology.agreedMaster();
          const from = await fail(topology, old, how);
          const write = await firstWrite(topology, old);
          const begin = how === 'manual' ? from : await until('the events', () => quorumAt(topology, from));
          samples[first]?.push(write.at - begin);
          samples[everybody]?.push((await allOn(topology, write.node)) - write.at);
          await repair(topology, old, write.node);
        }
        return samples;
      }),
  };
}

/** Kills in a row at a down-after of 200 ms: each must be one promotion and no more. */
function shortDownAfter(kills: { ts: number; genuine: number }): Measurement {
  const write = 'down-after 200: to the first write';
  const promotions = 'down-after 200: promotions per kill';
  const rows: Row[] = [
    { name: write, unit: 'ms after the kill', target: 'median ≤ 280', met: medianAtMost(280) },
    { name: promotions, unit: '', target: 'exactly 1', met: (ours) => ours.min === 1 && ours.max === 1 },
  ];
  return {
    name: 'down-after 200',
    rounds: { ts: 1, genuine: 1 },
    rows,
    run: (kind) =>
      withTopology({ kind, downAfterMs: 200, failoverTimeoutMs: 6000, parallelSyncs: 2 }, async (topology) => {
        const samples: Samples = { [write]: [], [promotions]: [] };
        let seen = 0;
        for (let kill = 0; kill < kills[kind]; kill++) {
          const old = await topology.agreedMaster();
          const from = await fail(topology, old, 'kill -9');
          const { at } = await firstWrite(topology, old);
          samples[write]?.push(at - from);
          await old.start();
          const master = await topology.agreedMaster({ not: old });
          await follow(old, master);
          await allOn(topology, await topology.agreedMaster());
          await topology.settled({ withinMs: 90_000 });
          const all = topology.sentinels
            .flatMap((each) => each.events())
            .filter((told) => told.channel === '+promoted-slave');
          samples[promotions]?.push(all.length - seen);
          seen = all.length;
        }
        return samples;
      }),
  };
}

/** A client that keeps its connection and asks again on an error only: when it writes to the new master, what is lost. */
const plainClient: Measurement = {
  name: 'manual failover, client without subscriptions',
  rounds: { ts: 5, genuine: 3 },
  rows: [
    {
      name: 'manual failover: client without subscriptions on the new master',
      unit: 'ms after the command',
      target: 'median ≤ 150',
      met: medianAtMost(150),
    },
    {
      name: 'manual failover: its writes lost after the announcement',
      unit: '',
      target: '0',
      met: maxAtMost(0),
    },
  ],
  run: (kind) =>
    withTopology({ kind, downAfterMs: 1000, failoverTimeoutMs: 6000, parallelSyncs: 2 }, async (topology) => {
      const sentinelPorts = topology.sentinels.map(({ port }) => port);
      const writer = startWriter({ sentinelPorts, masterName: MASTER, timeoutMs: 2000 });
      try {
        const old = await topology.agreedMaster();
        await until('some writes', () => writer.writes.length > 100);
        const from = await fail(topology, old, 'manual');
        const write = await until(
          'a write to the new master',
          () => writer.writes.find(({ at, port }) => at > from && port !== old.port),
          { everyMs: 2, withinMs: 60_000 },
        );
        const announced = topology.sentinels
          .flatMap((sentinel) => sentinel.events())
          .filter(({ at, channel }) => at > from && channel === '+switch-master')
          .map(({ at }) => at);
        await writer.stop();
        const node = topology.nodeAt(write.port) as DataNode;
        // Its clients are cut when it is promoted, ours as well.
        const missing = await until('its keys', () => missingWrites(node, writer.writes.length));
        const lost = missing.filter((number) => (writer.writes[number]?.at ?? 0) > Math.min(...announced));
        return {
          'manual failover: client without subscriptions on the new master': [write.at - from],
          'manual failover: its writes lost after the announcement': [lost.length],
        };
      } finally {
        await writer.stop();
      }
    }),
};

/** The leader dies as soon as it was elected; or all sentinels are candidates at the same instant. */
function troubled(name: string, trouble: (topology: Topology, old: DataNode) => Promise<number>): Measurement {
  const row = `${name}: to the first write`;
  return {
    name,
    rounds: { ts: 5, genuine: 3 },
    rows: [{ name: row, unit: 'ms after quorum', target: 'worst ≤ 3000', met: maxAtMost(3000) }],
    run: (kind) =>
      withTopology({ kind, downAfterMs: 1000, failoverTimeoutMs: 10_000, parallelSyncs: 2 }, async (topology) => {
        const old = await topology.agreedMaster();
        const from = await trouble(topology, old);
        const { at } = await firstWrite(topology, old);
        const begin = await until('the events', () => quorumAt(topology, from));
        return { [row]: [at - begin] };
      }),
  };
}

const deadLeader = troubled('the leader is killed when elected', async (topology, old) => {
  let killed = false;
  for (const sentinel of topology.sentinels)
    sentinel.onEvent(({ channel }) => {
      if (killed || channel !== '+elected-leader') return;
      killed = true;
      void sentinel.kill();
    });
  return fail(topology, old, 'kill -9');
});

/** Stopped while the master dies and its down-after passes, they all find it down when they wake, and stand at once. */
const threeCandidates = troubled('three candidates at one instant', async (topology, old) => {
  const from = nowMs();
  for (const sentinel of topology.sentinels) sentinel.pause();
  await fail(topology, old, 'kill -9');
  // Below tilt-trigger, or they would not act at all.
  await sleep(1300);
  for (const sentinel of topology.sentinels) sentinel.resume();
  return from;
});

const MASTERS = 50;
/** Many masters lose their servers at one instant. */
const manyMasters: Measurement = {
  name: `${MASTERS} masters at once`,
  rounds: { ts: 2, genuine: 2 },
  rows: [
    {
      name: `${MASTERS} masters at once: all promoted`,
      unit: 'ms after quorum',
      target: 'worst ≤ 2000',
      met: maxAtMost(2000),
    },
    { name: `${MASTERS} masters at once: TILT`, unit: 'events', target: '0', met: maxAtMost(0) },
  ],
  run: (kind) =>
    withTopology({ kind, replicas: 1, downAfterMs: 2000, failoverTimeoutMs: 20_000 }, async (topology) => {
      const watch = { replicas: 1, downAfterMs: 2000, failoverTimeoutMs: 20_000, quorum: 2 };
      for (let number = 1; number < MASTERS; number++) await topology.addMaster(`m${number}`, watch);
      for (const group of topology.groups) await topology.settled({ group, withinMs: 90_000 });
      const from = nowMs();
      await Promise.all(topology.groups.map(({ master }) => master.kill()));
      const promoted = () =>
        topology.sentinels
          .flatMap((sentinel) => sentinel.events())
          .filter(({ at, channel }) => at > from && channel === '+promoted-slave');
      await until('all promotions', () => promoted().length >= MASTERS, { withinMs: 120_000 });
      const quorums = topology.groups.map(({ name }) => quorumAt(topology, from, name) ?? Number.NaN);
      const tilts = topology.sentinels
        .flatMap((sentinel) => sentinel.events())
        .filter(({ channel }) => channel === '+tilt');
      return {
        [`${MASTERS} masters at once: all promoted`]: [
          Math.max(...promoted().map(({ at }) => at)) - Math.max(...quorums),
        ],
        [`${MASTERS} masters at once: TILT`]: [tilts.length],
      };
    }),
};

/** All measurements of failovers. `short`: a look, not a figure to keep. */
export function failoverMeasurements(short: boolean): Measurement[] {
  return [
    failovers('kill -9', short ? 1 : 4, short ? 3 : 5),
    failovers('SIGSTOP', short ? 1 : 4, short ? 3 : 5),
    failovers('manual', short ? 1 : 4, short ? 3 : 5),
    plainClient,
    shortDownAfter(short ? { ts: 10, genuine: 3 } : { ts: 50, genuine: 10 }),
    deadLeader,
    threeCandidates,
    manyMasters,
  ];
}
