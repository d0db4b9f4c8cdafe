// What the integration tests say again and again: wait for an event, for a role, for agreement; find the genuine server.
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, expect } from 'vitest';
import type { PublishedEvent } from '../../src/demo/client.ts';
import { type DataNode, parseFields, type SentinelNode } from '../../src/demo/nodes.ts';
import { findGenuineSentinel } from '../../src/demo/programs.ts';
import { startTopology, type Topology, type TopologyOptions } from '../../src/demo/topology.ts';
import { nowMs, until } from '../../src/demo/until.ts';

/** Mixed quorums need redis-sentinel; `.ci/run` installs it where it can, and says so where it can't. */
export const genuineIsInstalled = findGenuineSentinel() !== undefined;

let running: Topology[] = [];
afterEach(async () => {
  const ended = running;
  running = [];
  await Promise.all(ended.map((topology) => topology.stop()));
});

/** Start a cluster that ends with the test. Failover-timeout is short, so that "twice of it" never hides a fault. */
export async function start(options: TopologyOptions = {}): Promise<Topology> {
  const topology = await startTopology({ failoverTimeoutMs: 6000, ...options });
  running.push(topology);
  return topology;
}

/** Wait for an event of a sentinel whose payload contains `text`, among those from `from` on. */
export function event(
  sentinel: SentinelNode,
  channel: string,
  { text = '', from = 0, withinMs = 30_000 }: { text?: string; from?: number; withinMs?: number } = {},
): Promise<PublishedEvent> {
  return until(
    `${channel} ${text} from ${sentinel.name}`,
    () => sentinel.events().find((told) => told.at >= from && told.channel === channel && told.payload.includes(text)),
    { withinMs, everyMs: 5, describe: () => told(sentinel).join('\n') },
  );
}

/** All events of a sentinel, one a line, for error texts and order checks. */
export function told(sentinel: SentinelNode): string[] {
  return sentinel.events().map(({ channel, payload }) => `${channel} ${payload}`);
}

/** Wait until `node` replicates from `master` and is in sync. */
export async function follows(node: DataNode, master: DataNode, withinMs = 40_000): Promise<void> {
  await until(
    `${node.name} to follow ${master.name}`,
    async () => {
      const info = await node.info('replication');
      return info.role === 'slave' && info.master_port === String(master.port) && info.master_link_status === 'up';
    },
    { withinMs },
  );
}

/**
 * Wait until all sentinels agree on a master, other than `not` if told, and all running nodes follow it; return it.
 * Everything is asked anew at each look: a failover may come right after another one.
 */
export function followedMaster(topology: Topology, options: { not?: DataNode } = {}): Promise<DataNode> {
  const look = async () => {
    const master = await topology.agreedMaster({ ...options, withinMs: 5000 });
    for (const node of topology.nodes) if (node.running && node !== master) await follows(node, master, 5000);
    return (await topology.agreedMaster({ withinMs: 5000 })) === master && master;
  };
  return until('a master that everybody follows', look, { withinMs: 60_000, describe: topology.report });
}

/** The fields of SENTINEL MASTER. */
export async function masterFields(sentinel: SentinelNode, name = 'mymaster'): Promise<Record<string, string>> {
  return parseFields(await sentinel.command('SENTINEL', 'MASTER', name));
}

/** The fields of each of SENTINEL REPLICAS or SENTINELS. */
export async function listed(
  sentinel: SentinelNode,
  what: 'REPLICAS' | 'SENTINELS',
  name = 'mymaster',
): Promise<Record<string, string>[]> {
  const reply = await sentinel.command('SENTINEL', what, name);
  return Array.isArray(reply) ? reply.map(parseFields) : [];
}

/** Wait until every running sentinel shows the same config epoch for the master, and return it. */
export function agreedEpoch(topology: Topology): Promise<string> {
  return until('one config epoch everywhere', async () => {
    const epochs = await Promise.all(
      topology.sentinels
        .filter((sentinel) => sentinel.running)
        .map(async (sentinel) => (await masterFields(sentinel))['config-epoch']),
    );
    return new Set(epochs).size === 1 ? epochs[0] : undefined;
  });
}

/** Wait until a write is accepted by `node`. */
export async function acceptsWrites(node: DataNode): Promise<void> {
  await until(`${node.name} to accept a write`, async () => (await node.command('SET', 'probe', 'x')) === 'OK');
}

/** How many times any sentinel of the cluster promoted a replica. */
export function promotions(topology: Topology): PublishedEvent[] {
  return topology.sentinels.flatMap((sentinel) =>
    sentinel.events().filter(({ channel }) => channel === '+promoted-slave'),
  );
}

/**
 * Kill the master, wait for the new one and for the old one's return as a replica, and so on; after each round there
 * must have been exactly one promotion more.
 */
export async function killInTurn(topology: Topology, kills: number): Promise<void> {
  let master: DataNode = topology.master;
  for (let kill = 1; kill <= kills; kill++) {
    master = await killAndReplace(topology, master);
    expect(promotions(topology), `after kill ${kill}`).toHaveLength(kill);
  }
}

/** Kill `master`, wait for the new one and for the old one's return as a replica; return the new one. */
export async function killAndReplace(topology: Topology, master: DataNode): Promise<DataNode> {
  await master.kill();
  const next = await topology.agreedMaster({ not: master });
  await master.start();
  await master.command('REPLICAOF', '127.0.0.1', String(next.port));
  const followed = await followedMaster(topology);
  await topology.settled();
  await agreedEpoch(topology);
  return followed;
}

/** Knows for how long the machine, or a node or sentinel, stood still. */
export interface StallWatch {
  /** The longest time since this was asked last. */
  longestMs(): number;
  stop(): void;
}

const BEAT_MS = 20;

/** Ask everybody again and again, until stopped. */
export function watchStalls({ nodes, sentinels }: Topology): StallWatch {
  let longestMs = 0;
  let stopped = false;
  const watch = async (node: DataNode) => {
    while (!stopped) {
      const since = nowMs();
      await sleep(BEAT_MS);
      // Who is killed refuses at once, and who becomes a replica ends the connection without an answer.
      await node.command('PING').catch(() => undefined);
      longestMs = Math.max(longestMs, nowMs() - since - BEAT_MS);
    }
  };
  for (const node of [...nodes, ...sentinels]) void watch(node);
  return {
    longestMs() {
      const longest = longestMs;
      longestMs = 0;
      return longest;
    },
    stop: () => {
      stopped = true;
    },
  };
}
