// A live quorum of genuine sentinels becomes one of ts-sentinels, one at a time, on the same files and ports, and one of
// them goes back: the steps of the README, while a client writes. Nothing but the failovers interrupts the writes.
import { expect, test } from 'vitest';
import type { DataNode, SentinelNode } from '../../src/demo/nodes.ts';
import type { Topology } from '../../src/demo/topology.ts';
import { nowMs } from '../../src/demo/until.ts';
import { missingWrites, startWriter, type Writer } from '../../src/demo/writer.ts';
import { acceptsWrites, agreedEpoch, follows, genuineIsInstalled, promotions, start } from './support.ts';

const MASTER = 'mymaster';
/** How long the client waits for an answer. */
const TIMEOUT_MS = 1000;

/** From the kill of a master to the first write that the next one took. */
interface Outage {
  readonly from: number;
  readonly to: number;
}

/** Kill the master; when the cluster is whole again, with the old master back, tell how long writes were away. */
async function failOver(topology: Topology, writer: Writer): Promise<Outage> {
  const old = await topology.agreedMaster();
  const from = nowMs();
  await old.kill();
  const master = await topology.agreedMaster({ not: old });
  await expect
    .poll(() => writer.writes.some(({ at, port }) => at > from && port === master.port), { timeout: 20_000 })
    .toBe(true);
  const to = writer.writes.find(({ at, port }) => at > from && port === master.port)?.at ?? 0;
  await old.start();
  await follows(old, master);
  await topology.settled();
  await agreedEpoch(topology);
  return { from, to };
}

/** Replace one sentinel as the README says, and fail over once. */
async function replace(topology: Topology, writer: Writer, sentinel: SentinelNode, kind: 'ts' | 'genuine') {
  const id = await sentinel.command('SENTINEL', 'MYID');
  await sentinel.become(kind);
  expect(await sentinel.command('SENTINEL', 'MYID')).toBe(id);
  await topology.settled();
  expect(await sentinel.command('SENTINEL', 'CKQUORUM', MASTER)).toMatch(/^OK 3 usable Sentinels/);
  return failOver(topology, writer);
}

// There is nothing to replace where redis-sentinel is not installed; `.ci/run` says so.
test.skipIf(!genuineIsInstalled)('three genuine sentinels are replaced one by one, and one goes back', async () => {
  const topology = await start({ kind: 'genuine', downAfterMs: 2000 });
  const [first, second, third] = topology.sentinels as [SentinelNode, SentinelNode, SentinelNode];
  const sentinelPorts = topology.sentinels.map(({ port }) => port);
  const writer = startWriter({ sentinelPorts, masterName: MASTER, timeoutMs: TIMEOUT_MS });
  const outages: Outage[] = [];
  for (const [sentinel, kind] of [
    [first, 'ts'],
    [second, 'ts'],
    [third, 'ts'],
    [second, 'genuine'],
  ] as const)
    outages.push(await replace(topology, writer, sentinel, kind));
  await writer.stop();

  expect(promotions(topology)).toHaveLength(outages.length);
  // The write that a kill refused may have been under way before it, and lasts until the next master takes one.
  const outside = writer.refusals.filter(
    ({ beganAt, endedAt = Number.POSITIVE_INFINITY }) =>
      !outages.some(({ from, to }) => beganAt >= from - TIMEOUT_MS && endedAt > from && endedAt <= to),
  );
  expect(outside, JSON.stringify({ outside, outages })).toEqual([]);
  // Asynchronous replication may lose what the killed masters had just acknowledged, and nothing else.
  const master: DataNode = await topology.agreedMaster();
  await acceptsWrites(master);
  const lost = await missingWrites(master, writer.writes.length);
  const unexplained = lost.filter((number) => {
    const at = writer.writes[number]?.at ?? 0;
    return !outages.some(({ from }) => Math.abs(at - from) < 1000);
  });
  expect(unexplained).toEqual([]);
});
