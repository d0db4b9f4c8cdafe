// One quorum with genuine redis-sentinels: discovery, voting and failover with either kind as leader, and one file.
import { expect, test } from 'vitest';
import type { SentinelNode } from '../../src/demo/nodes.ts';
import type { SentinelKind } from '../../src/demo/programs.ts';
import type { Topology } from '../../src/demo/topology.ts';
import { until } from '../../src/demo/until.ts';
import {
  acceptsWrites,
  agreedEpoch,
  follows,
  genuineIsInstalled,
  killInTurn,
  masterFields,
  promotions,
  start,
} from './support.ts';

// Without redis-sentinel on the machine there is nothing to mix with; `.ci/run` says when it could not be installed.
const withGenuine = test.skipIf(!genuineIsInstalled);

const MIXES: { why: string; kinds: SentinelKind[] }[] = [
  { why: 'two genuine, one ts', kinds: ['genuine', 'genuine', 'ts'] },
  { why: 'one genuine, two ts', kinds: ['genuine', 'ts', 'ts'] },
];

withGenuine.each(MIXES)('$why: a killed master is replaced once, whoever leads', async ({ kinds }) => {
  const topology = await start({ sentinels: kinds.map((kind) => ({ kind })), downAfterMs: 2000 });
  await topology.master.kill();
  const promoted = await topology.agreedMaster({ not: topology.master });
  await acceptsWrites(promoted);
  await agreedEpoch(topology);
  await topology.master.start();
  await follows(topology.master, promoted);
  for (const replica of topology.replicas) if (replica !== promoted) await follows(replica, promoted);
  expect(promotions(topology)).toHaveLength(1);
});

withGenuine.each([...MIXES, { why: 'three ts', kinds: ['ts', 'ts', 'ts'] as SentinelKind[] }])(
  '$why: at 1500 ms three kills in a row give three promotions; no healthy master is failed over',
  async ({ kinds }) => {
    const topology = await start({ sentinels: kinds.map((kind) => ({ kind })), downAfterMs: 1500 });
    await killInTurn(topology, 3);
  },
);

/** Fail over by order on a sentinel of `kind`: it leads, the others follow its hello. */
async function leadBy(topology: Topology, kind: SentinelKind): Promise<void> {
  const before = await topology.agreedMaster();
  const leader = topology.sentinels.find((each) => each.kind === kind) as SentinelNode;
  await until(
    `${leader.name} to accept SENTINEL FAILOVER`,
    async () => (await leader.command('SENTINEL', 'FAILOVER', 'mymaster')) === 'OK',
  );
  const master = await topology.agreedMaster({ not: before });
  await agreedEpoch(topology);
  for (const node of topology.nodes) if (node !== master) await follows(node, master);
  await until('the failover to be over', async () => (await masterFields(leader)).flags === 'master');
}

withGenuine.each(MIXES)('$why: either kind leads, the other follows', async ({ kinds }) => {
  const topology = await start({ sentinels: kinds.map((kind) => ({ kind })), downAfterMs: 1500 });
  await leadBy(topology, 'ts');
  await leadBy(topology, 'genuine');
});

withGenuine.each([
  { why: 'the genuine peers cannot lead', silent: 'genuine' as const },
  { why: 'the ts peer cannot lead', silent: 'ts' as const },
])('an election is won by either kind with the votes of the other: $why', async ({ silent }) => {
  // Two of one kind would win among themselves: with one of each, the leader needs the other's vote.
  const topology = await start({ sentinels: [{ kind: 'genuine' }, { kind: 'ts' }], quorum: 2, downAfterMs: 1500 });
  const leader = topology.sentinels.find((each) => each.kind !== silent) as SentinelNode;
  const voter = topology.sentinels.find((each) => each.kind === silent) as SentinelNode;
  // A quorum nobody can reach keeps the voter from standing; it votes all the same.
  await voter.command('SENTINEL', 'SET', 'mymaster', 'quorum', '9');
  await topology.master.kill();
  await topology.agreedMaster({ not: topology.master });
  // Events come over connections of their own.
  await until('the promotion', () => promotions(topology).length > 0, { describe: topology.report });
  expect(promotions(topology)).toHaveLength(1);
  expect(leader.events().some(({ channel }) => channel === '+promoted-slave')).toBe(true);
});

withGenuine.each([
  { why: 'what ts-sentinel wrote starts redis-sentinel', from: 'ts', to: 'genuine' },
  { why: 'what redis-sentinel wrote starts ts-sentinel', from: 'genuine', to: 'ts' },
] as const)('$why, with the same state', async ({ from, to }) => {
  // At 1000 ms three genuine ones sometimes fail the new master over once more, and what is compared changes meanwhile.
  const topology = await start({ kind: from, downAfterMs: 2000 });
  await topology.master.kill();
  const promoted = await topology.agreedMaster({ not: topology.master });
  const epoch = await agreedEpoch(topology);
  const [first] = topology.sentinels as [SentinelNode];
  await until('the switch to be made', async () => (await masterFields(first)).port === String(promoted.port));
  await first.command('SENTINEL', 'FLUSHCONFIG');
  const before = await masterFields(first);
  const id = await first.command('SENTINEL', 'MYID');
  await first.become(to);
  expect(await first.command('SENTINEL', 'MYID')).toBe(id);
  const after = await masterFields(first);
  for (const field of ['ip', 'port', 'config-epoch', 'num-slaves', 'num-other-sentinels', 'quorum', 'failover-timeout'])
    expect([field, after[field]]).toEqual([field, before[field]]);
  expect(after['config-epoch']).toBe(epoch);
  expect(after.port).toBe(String(promoted.port));
});
