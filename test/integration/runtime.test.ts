// Changes at run time: MONITOR, SET, REMOVE, RESET, FLUSHCONFIG, and what of them survives in the file.
import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import type { SentinelNode } from '../../src/demo/nodes.ts';
import { until } from '../../src/demo/until.ts';
import { event, listed, masterFields, start } from './support.ts';

const linesOf = (sentinel: SentinelNode) => readFileSync(sentinel.confFile, 'latin1').split('\n');

test('MONITOR, SET, REMOVE and RESET take effect at once and are in the file when they are answered', async () => {
  const topology = await start({ sentinels: [{}, {}, { blank: true }], failoverTimeoutMs: 20_000, unsettled: true });
  const late = topology.sentinels[2] as SentinelNode;
  const port = String(topology.master.port);
  expect(await late.command('SENTINEL', 'MONITOR', 'mymaster', '127.0.0.1', port, '2')).toBe('OK');
  expect(linesOf(late)).toContain(`sentinel monitor mymaster 127.0.0.1 ${port} 2`);
  const set = ['down-after-milliseconds', '1500', 'parallel-syncs', '2', 'quorum', '1'];
  expect(await late.command('SENTINEL', 'SET', 'mymaster', ...set)).toBe('OK');
  expect(linesOf(late)).toEqual(
    expect.arrayContaining([
      `sentinel monitor mymaster 127.0.0.1 ${port} 1`,
      'sentinel down-after-milliseconds mymaster 1500',
      'sentinel parallel-syncs mymaster 2',
    ]),
  );
  await topology.settled();
  const fields = await masterFields(late);
  expect(fields).toMatchObject({ quorum: '1', 'parallel-syncs': '2', 'down-after-milliseconds': '1500' });
  for (const replica of await listed(late, 'REPLICAS')) expect(replica['down-after-milliseconds']).toBe('1500');

  expect(await late.command('SENTINEL', 'RESET', 'my*')).toBe(1);
  await event(late, '+reset-master');
  await topology.settled();

  expect(await late.command('SENTINEL', 'REMOVE', 'mymaster')).toBe('OK');
  await event(late, '-monitor');
  expect(linesOf(late).filter((line) => line.includes('mymaster'))).toEqual([]);
  await expect(late.command('SENTINEL', 'MASTER', 'mymaster')).rejects.toThrow('ERR No such master with that name');
});

test('wrong credentials show as disconnected, the right ones by SET connect at once', async () => {
  const topology = await start({ password: 'opensesame', sentinels: 1, quorum: 1 });
  const [sentinel] = topology.sentinels as [SentinelNode];
  const flags = async () => (await masterFields(sentinel)).flags;
  await until('connected', async () => (await flags()) === 'master');
  await sentinel.command('SENTINEL', 'SET', 'mymaster', 'auth-pass', 'wrong');
  await until('disconnected', async () => (await flags())?.includes('disconnected'));
  await sentinel.command('SENTINEL', 'SET', 'mymaster', 'auth-pass', 'opensesame');
  await until('connected again', async () => (await flags()) === 'master');
  expect(sentinel.log()).not.toContain('opensesame');
});

test('a password that is set here first, and on the node later, is tried again', async () => {
  const topology = await start({ password: 'old', sentinels: 1, quorum: 1, replicas: [] });
  const [sentinel] = topology.sentinels as [SentinelNode];
  const flags = async () => (await masterFields(sentinel)).flags;
  await sentinel.command('SENTINEL', 'DEBUG', 'min-link-reconnect-period', '1000');
  await sentinel.command('SENTINEL', 'SET', 'mymaster', 'auth-pass', 'new', 'down-after-milliseconds', '20000');
  await until('the new password to be refused', () => sentinel.log().includes('WRONGPASS'));
  await topology.master.command('CONFIG', 'SET', 'requirepass', 'new');
  await until('connected again', async () => (await flags()) === 'master', { withinMs: 15_000 });
});

test('a removed and re-monitored master starts from scratch while the epoch goes on', async () => {
  const topology = await start();
  const [sentinel] = topology.sentinels as [SentinelNode];
  await sentinel.command('SENTINEL', 'FAILOVER', 'mymaster');
  const promoted = await topology.agreedMaster({ not: topology.master });
  await event(sentinel, '+switch-master');
  for (const each of topology.sentinels) await each.command('SENTINEL', 'REMOVE', 'mymaster');
  for (const each of topology.sentinels)
    await each.command('SENTINEL', 'MONITOR', 'mymaster', '127.0.0.1', String(promoted.port), '2');
  await topology.settled();
  expect((await masterFields(sentinel))['config-epoch']).toBe('0');
  expect(linesOf(sentinel)).toContain('sentinel current-epoch 1');
});
