// A quorum of ts-sentinels keeps a real Redis available: every way in which a master, a replica or a sentinel fails.
import { expect, test } from 'vitest';
import type { DataNode } from '../../src/demo/nodes.ts';
import type { Topology } from '../../src/demo/topology.ts';
import { nowMs, until } from '../../src/demo/until.ts';
import {
  acceptsWrites,
  agreedEpoch,
  event,
  followedMaster,
  follows,
  listed,
  masterFields,
  promotions,
  start,
  told,
} from './support.ts';

test('a killed master is replaced, the other replica follows, the old master returns as a replica', async () => {
  const topology = await start();
  const [sentinel] = topology.sentinels;
  await topology.master.kill();
  const promoted = await topology.agreedMaster({ not: topology.master });
  await acceptsWrites(promoted);
  for (const replica of topology.replicas) if (replica !== promoted) await follows(replica, promoted);
  for (const each of topology.sentinels)
    await event(each, '+switch-master', {
      text: `mymaster 127.0.0.1 ${topology.master.port} 127.0.0.1 ${promoted.port}`,
    });
  await topology.master.start();
  await follows(topology.master, promoted);
  expect(promotions(topology)).toHaveLength(1);
  // One, or more after a split vote, which a loaded machine may see.
  expect(Number(await agreedEpoch(topology))).toBeGreaterThanOrEqual(1);
  await until('the old master to be listed as a healthy replica', async () => {
    const replicas = sentinel === undefined ? [] : await listed(sentinel, 'REPLICAS');
    return replicas.find(({ port, flags }) => port === String(topology.master.port) && flags === 'slave');
  });
});

test('the leader tells the phases in the genuine order', async () => {
  const topology = await start();
  await topology.master.kill();
  await topology.agreedMaster({ not: topology.master });
  const leader = await until('the leader’s +switch-master', () =>
    topology.sentinels.find((each) => {
      const channels = each.events().map(({ channel }) => channel);
      return channels.includes('+elected-leader') && channels.includes('+switch-master');
    }),
  );
  const order = [
    '+sdown',
    '+odown',
    '+new-epoch',
    '+try-failover',
    '+vote-for-leader',
    '+elected-leader',
    '+failover-state-select-slave',
    '+selected-slave',
    '+failover-state-send-slaveof-noone',
    '+failover-state-wait-promotion',
    '+promoted-slave',
    '+failover-state-reconf-slaves',
    '+slave-reconf-sent',
    '+slave-reconf-inprog',
    '+slave-reconf-done',
    '+failover-end',
    '+switch-master',
    '+slave',
  ];
  const channels = leader.events().map(({ channel }) => channel);
  const from = channels.lastIndexOf('+sdown', channels.indexOf('+odown'));
  const positions = order.map((channel) => channels.indexOf(channel, from));
  expect(positions, told(leader).join('\n')).toEqual([...positions].sort((a, b) => a - b));
  expect(positions).not.toContain(-1);
});

test('a hung master is replaced, and is a replica as soon as it wakes', async () => {
  const topology = await start();
  topology.master.pause();
  const promoted = await topology.agreedMaster({ not: topology.master });
  await acceptsWrites(promoted);
  topology.master.resume();
  await follows(topology.master, promoted);
  expect(promotions(topology)).toHaveLength(1);
});

/** Two replicas, of which `loser` is kept from following the master's last writes. */
async function leaveBehind(loser: DataNode, topology: Topology): Promise<void> {
  await loser.command('REPLICAOF', '127.0.0.1', '1');
  await until('the replica to have lost its master', async () => {
    const { master_link_status: link } = await loser.info('replication');
    return link === 'down';
  });
  for (let n = 0; n < 50; n++) await topology.master.command('SET', `key${n}`, 'x'.repeat(100));
  const other = topology.replicas.find((replica) => replica !== loser);
  await until('the other replica to have all writes', async () => {
    const [master, replica] = await Promise.all([topology.master.info('replication'), other?.info('replication')]);
    return replica?.slave_repl_offset === master.master_repl_offset;
  });
}

async function runId(node: DataNode): Promise<string> {
  return (await node.info('server')).run_id ?? '';
}

test('the better priority wins, whatever the offset', async () => {
  const topology = await start({
    replicas: [{ config: ['replica-priority 100'] }, { config: ['replica-priority 10'] }],
    failoverTimeoutMs: 60_000,
  });
  const preferred = topology.replicas[1] as DataNode;
  await leaveBehind(preferred, topology);
  await topology.master.kill();
  expect(await topology.agreedMaster({ not: topology.master }), topology.report(40)).toBe(preferred);
});

test('with equal priorities the larger offset wins, whatever the run id', async () => {
  const topology = await start({ failoverTimeoutMs: 60_000 });
  const [one, two] = topology.replicas as [DataNode, DataNode];
  // The one that the run id would choose is left behind.
  const [behind, ahead] = (await runId(one)) < (await runId(two)) ? [one, two] : [two, one];
  await leaveBehind(behind, topology);
  await topology.master.kill();
  expect(await topology.agreedMaster({ not: topology.master }), topology.report(40)).toBe(ahead);
});

test('with equal priorities and offsets the smaller run id wins', async () => {
  const topology = await start();
  const [one, two] = topology.replicas as [DataNode, DataNode];
  const expected = (await runId(one)) < (await runId(two)) ? one : two;
  // Nothing is written any more, and the master's own PINGs to its replicas are ten seconds apart.
  await until('both replicas at the same offset', async () => {
    const [a, b] = await Promise.all([one.info('replication'), two.info('replication')]);
    return a.slave_repl_offset === b.slave_repl_offset;
  });
  await topology.master.kill();
  const promoted = await topology.agreedMaster({ not: topology.master });
  expect(promoted).toBe(expected);
});

test('priority 0 and a replica cut off for too long never win: abort with the genuine events, until a good one returns', async () => {
  const topology = await start({
    replicas: [{ config: ['replica-priority 0'] }, {}],
    failoverTimeoutMs: 60_000,
  });
  const [never, good] = topology.replicas as [DataNode, DataNode];
  await good.kill();
  for (const each of topology.sentinels) await event(each, '+sdown', { text: `slave ${good.address}` });
  await topology.master.kill();
  const leader = await until('an abort for want of a good replica', () =>
    topology.sentinels.find((each) => each.events().some(({ channel }) => channel === '-failover-abort-no-good-slave')),
  );
  const channels = leader.events().map(({ channel }) => channel);
  const tail = channels.slice(channels.indexOf('+elected-leader'));
  expect(tail.slice(0, 3)).toEqual([
    '+elected-leader',
    '+failover-state-select-slave',
    '-failover-abort-no-good-slave',
  ]);
  // It comes back: no need to wait for twice the failover-timeout, which would be two minutes here.
  await good.start();
  expect(await topology.agreedMaster({ not: topology.master }), topology.report(40)).toBe(good);
  await follows(never, good);
});

test('a replica whose link has been down for longer than ten times down-after never wins', async () => {
  const topology = await start({ downAfterMs: 3000, failoverTimeoutMs: 60_000 });
  const [stale, good] = topology.replicas as [DataNode, DataNode];
  await stale.command('REPLICAOF', '127.0.0.1', '1');
  await until('the sentinels to see how long it has been cut off', async () => {
    const seen = await Promise.all(topology.sentinels.map((each) => listed(each, 'REPLICAS')));
    return seen.every((replicas) =>
      replicas.some(
        ({ port, 'master-link-down-time': down }) => port === String(stale.port) && Number(down) > 10 * 500 + 3000,
      ),
    );
  });
  await good.kill();
  // Not from the start: of ten seconds on a busy machine, half a one may well be missing, and a good replica was there.
  for (const each of topology.sentinels)
    await each.command('SENTINEL', 'SET', 'mymaster', 'down-after-milliseconds', '500');
  await topology.master.kill();
  await until('an abort for want of a good replica', () =>
    topology.sentinels.some((each) => each.events().some(({ channel }) => channel === '-failover-abort-no-good-slave')),
  );
  expect(promotions(topology)).toHaveLength(0);
});

test('SENTINEL FAILOVER: the old master is a replica at once, and nobody goes on writing to it', async () => {
  const topology = await start();
  const [sentinel] = topology.sentinels;
  const begunAt = nowMs();
  // Both at once: it may be over before the answer has come.
  const [first, second] = await Promise.allSettled(
    Array.from({ length: 2 }, () => sentinel?.command('SENTINEL', 'FAILOVER', 'mymaster')),
  );
  expect(first).toEqual({ status: 'fulfilled', value: 'OK' });
  expect(second).toMatchObject({ status: 'rejected', reason: { message: expect.stringMatching(/INPROG/) } });
  const promoted = await topology.agreedMaster({ not: topology.master });
  await until('the old master to refuse writes', async () => {
    const refused = await topology.master.command('SET', 'probe', 'x').then(
      () => false,
      (error: Error) => error.message.startsWith('READONLY'),
    );
    return refused;
  });
  // The genuine server takes 10 s and more; a loaded machine may take a while, but never that long.
  expect(nowMs() - begunAt).toBeLessThan(10_000);
  await follows(topology.master, promoted);
  expect(promotions(topology)).toHaveLength(1);
});

test('two sentinels that are told to fail over at once do so in different epochs and end in agreement', async () => {
  const topology = await start();
  const answers = await Promise.allSettled(
    topology.sentinels.slice(0, 2).map((each) => each.command('SENTINEL', 'FAILOVER', 'mymaster')),
  );
  expect(answers.some(({ status }) => status === 'fulfilled')).toBe(true);
  await followedMaster(topology, { not: topology.master });
  await agreedEpoch(topology);
  expect(promotions(topology).length).toBeGreaterThan(0);
});

test('two masters that fail at once are both replaced', async () => {
  const topology = await start();
  const second = await topology.addMaster('second', { replicas: 1, downAfterMs: 1000, failoverTimeoutMs: 6000 });
  await Promise.all([topology.master.kill(), second.master.kill()]);
  await topology.agreedMaster({ not: topology.master });
  await topology.agreedMaster({ not: second.master, group: second });
  // Events come over connections of their own: the last of them may still be on its way.
  await until('both promotions', () => promotions(topology).length >= 2, { describe: topology.report });
  expect(promotions(topology)).toHaveLength(2);
});

test('a sentinel killed while it leads, right after its election, is replaced by another', async () => {
  const topology = await start({ failoverTimeoutMs: 60_000 });
  const killed = killFirstToSay(topology, '+elected-leader');
  await topology.master.kill();
  const leader = await killed;
  const promoted = await topology.agreedMaster({ not: topology.master });
  await acceptsWrites(promoted);
  await leader.start();
  await topology.settled();
  expect(await topology.agreedMaster()).toBe(promoted);
});

test('a sentinel killed in the middle of the election is done without', async () => {
  const topology = await start({ failoverTimeoutMs: 60_000 });
  const killed = killFirstToSay(topology, '+try-failover');
  await topology.master.kill();
  await killed;
  await acceptsWrites(await topology.agreedMaster({ not: topology.master }));
});

test('a leader killed right after the promotion leaves one master', async () => {
  const topology = await start({ failoverTimeoutMs: 60_000 });
  const killed = killFirstToSay(topology, '+promoted-slave');
  await topology.master.kill();
  const leader = await killed;
  const promoted = await topology.agreedMaster({ not: topology.master });
  await leader.start();
  expect(await topology.agreedMaster({ not: topology.master }), topology.report(40)).toBe(promoted);
  await until('exactly one data node to be a master', async () => {
    const roles = await Promise.all(topology.replicas.map(async (node) => (await node.info('replication')).role));
    return roles.filter((role) => role === 'master').length === 1;
  });
});

function killFirstToSay(topology: Topology, channel: string) {
  let done = false;
  return new Promise<Topology['sentinels'][number]>((resolve, reject) => {
    for (const sentinel of topology.sentinels)
      sentinel.onEvent((told) => {
        if (done || told.channel !== channel) return;
        done = true;
        sentinel.kill().then(() => resolve(sentinel), reject);
      });
  });
}

test('a minority does not fail over: it stands for election and gives up', async () => {
  const topology = await start({ quorum: 1, failoverTimeoutMs: 3000 });
  const [alone, ...others] = topology.sentinels;
  if (alone === undefined) throw new Error('no sentinel');
  for (const other of others) await other.kill();
  await topology.master.kill();
  await event(alone, '+odown');
  await event(alone, '+try-failover');
  await event(alone, '-failover-abort-not-elected');
  expect(promotions(topology)).toHaveLength(0);
  expect(await topology.masterPort(alone)).toBe(topology.master.port);
  const roles = await Promise.all(topology.replicas.map(async (node) => (await node.info('replication')).role));
  expect(roles).toEqual(['slave', 'slave']);
  // With one more there is a majority again.
  await others[0]?.start();
  await topology.agreedMaster({ not: topology.master });
});

test('without agreement of a quorum nothing is begun at all', async () => {
  const topology = await start({ quorum: 3 });
  const [alone, ...others] = topology.sentinels;
  if (alone === undefined) throw new Error('no sentinel');
  await others[0]?.kill();
  await topology.master.kill();
  for (const each of [alone, others[1]]) if (each) await event(each, '+sdown', { text: 'master mymaster' });
  const from = nowMs();
  // Both have asked each other many times once both know of the third one's silence.
  await event(alone, '+sdown', { text: 'sentinel ' });
  await until('two more PING periods', () => nowMs() - from > 2000);
  expect(told(alone).filter((line) => line.startsWith('+odown') || line.startsWith('+try-failover'))).toEqual([]);
});

test('a restarted sentinel remembers its epochs, its vote, everybody it knew and the new master', async () => {
  const topology = await start();
  await topology.master.kill();
  const promoted = await topology.agreedMaster({ not: topology.master });
  const epoch = await agreedEpoch(topology);
  const [sentinel] = topology.sentinels;
  if (sentinel === undefined) throw new Error('no sentinel');
  const myId = await sentinel.command('SENTINEL', 'MYID');
  await sentinel.kill();
  // All others are silent now, so whatever it knows it has from its file.
  for (const each of topology.sentinels.slice(1)) each.pause();
  await sentinel.start();
  expect(await sentinel.command('SENTINEL', 'MYID')).toBe(myId);
  expect(await topology.masterPort(sentinel)).toBe(promoted.port);
  const fields = await masterFields(sentinel);
  expect(fields['config-epoch']).toBe(epoch);
  expect(fields['num-other-sentinels']).toBe('2');
  expect(fields['num-slaves']).toBe('2');
  // The vote of that epoch was given: nobody gets another one, whoever it was.
  const ask = ['is-master-down-by-addr', '127.0.0.1', String(promoted.port), epoch, 'f'.repeat(40)];
  const answer = (await sentinel.command('SENTINEL', ...ask)) as [unknown, string, unknown];
  expect(answer[1]).toBe('*');
  expect(String(answer[2])).toBe(epoch);
  for (const each of topology.sentinels.slice(1)) each.resume();
});

test('a replica that follows the wrong master is pointed back to the right one', async () => {
  const topology = await start({ failoverTimeoutMs: 3000 });
  const [wrong, other] = topology.replicas as [DataNode, DataNode];
  await wrong.command('REPLICAOF', '127.0.0.1', String(other.port));
  // The first order cuts the replica's connections: who asks anew finds it in its right place.
  await until(
    'a sentinel to point it back',
    () =>
      topology.sentinels.find((each) =>
        each
          .events()
          .some(({ channel, payload }) => channel === '+fix-slave-config' && payload.includes(wrong.address)),
      ),
    { describe: topology.report },
  );
  await follows(wrong, topology.master);
});

test('a replica that was made a master by hand is converted back', async () => {
  const topology = await start();
  const [wrong] = topology.replicas as [DataNode];
  await wrong.command('REPLICAOF', 'NO', 'ONE');
  await follows(wrong, topology.master);
  expect(promotions(topology)).toHaveLength(0);
});
