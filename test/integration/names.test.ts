// Nodes that are known by a name or by IPv6, with real processes, also beside redis-sentinel; and names without an IP.
// The only name that needs no network is localhost, which may stand for 127.0.0.1 or ::1: every process listens on both.
import { readFileSync } from 'node:fs';
import { networkInterfaces } from 'node:os';
import { expect, onTestFinished, test } from 'vitest';
import { createClient } from '../../src/demo/client.ts';
import type { DataNode, SentinelNode } from '../../src/demo/nodes.ts';
import type { SentinelKind } from '../../src/demo/programs.ts';
import type { Topology } from '../../src/demo/topology.ts';
import { until } from '../../src/demo/until.ts';
import { acceptsWrites, follows, genuineIsInstalled, listed, masterFields, promotions, start } from './support.ts';

const BOTH = 'bind 127.0.0.1 -::1';
const hasIpv6 = Object.values(networkInterfaces()).some((all) => all?.some(({ address }) => address === '::1'));

interface Calling {
  /** What the sentinels are told, and what they show. */
  readonly host: string;
  readonly shown: string;
  readonly sentinelLines: readonly string[];
  readonly nodeLines: readonly string[];
}

/** A cluster whose sentinels have been told a master at `host`, and whose nodes call each other by that as well. */
async function startCalled({ host, sentinelLines, nodeLines }: Calling, kinds: readonly SentinelKind[]) {
  const config = [BOTH, ...sentinelLines];
  const topology = await start({
    sentinels: kinds.map((kind) => ({ kind, config, blank: true })),
    config: [BOTH, ...nodeLines],
    unsettled: true,
  });
  const { master, replicas, sentinels } = topology;
  for (const replica of replicas) await replica.command('REPLICAOF', host, String(master.port));
  for (const replica of replicas) await follows(replica, master);
  for (const sentinel of sentinels) {
    await sentinel.command('SENTINEL', 'MONITOR', 'mymaster', host, String(master.port), '2');
    const options = ['down-after-milliseconds', '1500', 'failover-timeout', '6000'];
    await sentinel.command('SENTINEL', 'SET', 'mymaster', ...options);
  }
  await topology.settled();
  return topology;
}

/** Everybody shows everybody by `host`, and nobody twice. */
async function showsAll(topology: Topology, host: string): Promise<void> {
  const { port } = await topology.agreedMaster();
  const bracketed = host.includes(':') ? `[${host}]` : host;
  for (const sentinel of topology.sentinels) {
    const master = await masterFields(sentinel);
    expect([master.ip, master.port, master['num-slaves']]).toEqual([host, String(port), '2']);
    const replicas = (await listed(sentinel, 'REPLICAS')).map(({ name }) => name).toSorted();
    const others = topology.nodes.filter((node) => node.port !== port);
    expect(replicas).toEqual(others.map((node) => `${bracketed}:${node.port}`).toSorted());
    expect(await listed(sentinel, 'SENTINELS')).toHaveLength(topology.sentinels.length - 1);
  }
}

const byName: Calling = {
  host: 'localhost',
  shown: 'localhost',
  sentinelLines: ['resolve-hostnames yes', 'announce-hostnames yes', 'announce-ip localhost'].map(
    (line) => `sentinel ${line}`,
  ),
  nodeLines: ['replica-announce-ip localhost'],
};
const byIpv6: Calling = { host: '0:0:0:0:0:0:0:1', shown: '::1', sentinelLines: [], nodeLines: [] };

const rows: { why: string; calling: Calling; kinds: SentinelKind[]; possible: boolean }[] = [
  { why: 'names', calling: byName, kinds: ['ts', 'ts', 'ts'], possible: true },
  { why: 'names, mixed', calling: byName, kinds: ['genuine', 'ts', 'ts'], possible: genuineIsInstalled },
  { why: 'IPv6, mixed', calling: byIpv6, kinds: ['genuine', 'ts', 'ts'], possible: hasIpv6 && genuineIsInstalled },
];
for (const { why, calling, kinds, possible } of rows) {
  // Without redis-sentinel there is nothing to mix with; without IPv6 on the loopback interface, nothing to call.
  const testIfPossible = possible ? test : test.skip;
  testIfPossible(`a failover among nodes known by ${why}`, async () => {
    const topology = await startCalled(calling, kinds);
    await showsAll(topology, calling.shown);
    await topology.master.kill();
    const promoted = await topology.agreedMaster({ not: topology.master });
    await acceptsWrites(promoted);
    const other = topology.replicas.find((node) => node !== promoted) as DataNode;
    await follows(other, promoted);
    expect((await other.info('replication')).master_host).toBe(calling.shown);
    await topology.master.start();
    await topology.master.command('REPLICAOF', calling.host, String(promoted.port));
    await topology.settled();
    await showsAll(topology, calling.shown);
    expect(promotions(topology)).toHaveLength(1);
    if (calling === byName) await showsAddressesAtOnce(topology);
  });
}

/** `announce-hostnames no` at run time: addresses in the next reply, and in the file. */
async function showsAddressesAtOnce({ sentinels }: Topology): Promise<void> {
  const sentinel = sentinels.find(({ kind }) => kind === 'ts') as SentinelNode;
  await sentinel.command('SENTINEL', 'CONFIG', 'SET', 'announce-hostnames', 'no');
  const { ip = '' } = await masterFields(sentinel);
  expect(['127.0.0.1', '::1']).toContain(ip);
  for (const replica of await listed(sentinel, 'REPLICAS')) expect(replica.ip).toBe(ip);
  const file = readFileSync(sentinel.confFile, 'utf8');
  expect(file).toMatch(new RegExp(`^sentinel monitor mymaster ${ip} `, 'm'));
  expect(file.match(/^sentinel known-replica .*$/gm)).toHaveLength(2);
  expect(file).not.toMatch(/^sentinel known-.*localhost/m);
}

test('names that nobody can resolve hold nothing up, and are kept in the file', async () => {
  const lines = ['sentinel resolve-hostnames yes', 'sentinel monitor lost no-such-host.invalid 6379 1'];
  const config = [...lines, 'sentinel down-after-milliseconds lost 1000'];
  const topology = await start({ sentinels: [{ config }], replicas: 0, unsettled: true });
  const [sentinel] = topology.sentinels as [SentinelNode];
  await until('the lost master to be down', async () =>
    (await masterFields(sentinel, 'lost')).flags?.includes('s_down'),
  );
  expect((await masterFields(sentinel)).flags).toBe('master');
  const failure = "Failed to resolve hostname 'no-such-host.invalid'";
  await until('the failure to be told', () => sentinel.log().includes(failure), { describe: sentinel.log });
  // A name server that does not answer is given 5 s, as long as a client usually waits for its answer.
  const client = createClient(sentinel.port, { timeoutMs: 20_000 });
  onTestFinished(() => client.close());
  const monitor = (host: string) => client.command('SENTINEL', 'MONITOR', 'more', host, '6379', '1');
  await expect(monitor('neither-this.invalid')).rejects.toThrow('ERR Invalid IP address or hostname specified');
  await expect(monitor('[::1]')).rejects.toThrow('ERR Invalid IP address or hostname specified');
  expect(await monitor('LocalHost')).toBe('OK');
  await sentinel.restart();
  expect(readFileSync(sentinel.confFile, 'utf8')).toMatch(/^sentinel monitor lost no-such-host\.invalid 6379 1$/m);
  expect((await masterFields(sentinel, 'more')).ip).toMatch(/^(127\.0\.0\.1|::1)$/);
});
