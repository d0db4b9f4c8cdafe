// The launcher under the demo and all integration tests: does it start, tell, kill, restart and clean up?
// Run with genuine sentinels, so that a failure here is the launcher's and not ours; skipped where there are none.
import { existsSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createDataNode, PortTakenError } from '../../src/demo/nodes.ts';
import { findGenuineSentinel, findRedisServer } from '../../src/demo/programs.ts';
import { startTopology, type Topology } from '../../src/demo/topology.ts';
import { until } from '../../src/demo/until.ts';

const skip = findGenuineSentinel() === undefined;

describe.skipIf(skip)('a topology of genuine sentinels', () => {
  let topology: Topology;
  beforeAll(async () => {
    // Votes that are split are given anew after twice the failover-timeout; at a down-after of 1000 ms the new master may be
    // taken for dead as well.
    topology = await startTopology({ kind: 'genuine', downAfterMs: 2000, failoverTimeoutMs: 6000 });
  });
  afterAll(() => topology?.stop());

  test('knows its nodes, and so do its sentinels', async () => {
    expect(topology.nodes).toHaveLength(3);
    expect(await topology.agreedMaster()).toBe(topology.master);
    expect(await topology.master.info('replication')).toMatchObject({ role: 'master', connected_slaves: '2' });
  });

  test('a paused sentinel keeps its connections and answers when resumed', async () => {
    const [sentinel] = topology.sentinels;
    if (sentinel === undefined) throw new Error('no sentinel');
    sentinel.pause();
    expect(sentinel).toMatchObject({ running: true, paused: true });
    const asked = sentinel.command('PING');
    sentinel.resume();
    expect(await asked).toBe('PONG');
  });

  test('a killed master is replaced, the events are on record, and it comes back as a replica', async () => {
    await topology.master.kill();
    expect(topology.master).toMatchObject({ running: false, exit: { signal: 'SIGKILL' } });
    const promoted = await topology.agreedMaster({ not: topology.master });
    expect(topology.replicas).toContain(promoted);
    const channels = () => topology.sentinels.flatMap((sentinel) => sentinel.events().map(({ channel }) => channel));
    // Events come over connections of their own.
    for (const channel of ['+sdown', '+odown', '+elected-leader', '+switch-master'])
      await until(`the event ${channel}`, () => channels().includes(channel), { describe: topology.report });
    expect(topology.sentinels.map((sentinel) => sentinel.log()).join()).toContain('+switch-master mymaster 127.0.0.1');
    await topology.master.start();
    // Asked for anew at each look: genuine sentinels sometimes fail the new master over once more.
    const follows = async () => {
      const { port } = await topology.agreedMaster();
      return (await topology.master.info('replication')).master_port === String(port);
    };
    await until('the old master follows the new one', follows, { withinMs: 40_000, describe: topology.report });
  });

  test('a restarted sentinel remembers, and its events are heard again', async () => {
    const [sentinel] = topology.sentinels;
    if (sentinel === undefined) throw new Error('no sentinel');
    const before = await topology.masterPort(sentinel);
    await sentinel.restart();
    expect(await topology.masterPort(sentinel)).toBe(before);
    const heard = sentinel.events().length;
    await sentinel.command('SENTINEL', 'SET', 'mymaster', 'parallel-syncs', '3');
    const since = () => sentinel.events().slice(heard);
    await until('the event of the change', () => since().some(({ channel }) => channel === '+set'));
  });

  test('masters, replicas and sentinels can be added', async () => {
    const other = await topology.addMaster('other', { replicas: 1, password: 'secret' });
    expect(await topology.agreedMaster({ group: other })).toBe(other.master);
    const replica = await topology.addReplica({ config: ['replica-priority 7'] });
    expect(await replica.info('replication')).toMatchObject({ role: 'slave', slave_priority: '7' });
    const sentinel = await topology.addSentinel();
    await topology.settled();
    await topology.settled({ group: other });
    expect(await topology.masterPort(sentinel, other)).toBe(other.master.port);
  });

  test('a port that somebody else has is told from other failures', async () => {
    const { port, dir } = topology.master;
    const twin = createDataNode({
      name: 'twin',
      command: [findRedisServer() ?? ''],
      port,
      dir: `${dir}-twin`,
      conf: { file: 'redis.conf', text: `port ${port}\nbind 127.0.0.1\n` },
    });
    await expect(twin.start()).rejects.toBeInstanceOf(PortTakenError);
    expect(twin.running).toBe(false);
  });

  test('stop() leaves no process and no file', async () => {
    const [paused] = topology.replicas;
    paused?.pause();
    const pids = [...topology.nodes, ...topology.sentinels].map(({ pid }) => pid);
    await topology.stop();
    expect(pids.filter(isAlive)).toEqual([]);
    expect(existsSync(topology.dir)).toBe(false);
    expect(topology.sentinels.map(({ exit }) => exit?.code)).toEqual([0, 0, 0, 0]);
  });
});

test.skipIf(skip)('a start that fails says why, and leaves nothing', async () => {
  const sentinels = [{ kind: 'genuine' as const, config: ['no-such-directive yes'] }];
  const starting = startTopology({ replicas: 0, sentinels });
  await expect(starting).rejects.toThrow(/sentinel 1 .*ended at once(.|\n)*no-such-directive/);
});

function isAlive(pid: number | undefined): boolean {
  try {
    return pid !== undefined && process.kill(pid, 0);
  } catch {
    return false;
  }
}
