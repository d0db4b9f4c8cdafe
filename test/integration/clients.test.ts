// Unmodified clients from npm find the master through us, follow a failover and read from a replica.
import { Redis } from 'ioredis';
import { createSentinel } from 'redis';
import { expect, onTestFinished, test } from 'vitest';
import { until } from '../../src/demo/until.ts';
import { start } from './support.ts';

test('ioredis finds the master, follows a failover and reads from a replica', async () => {
  const topology = await start();
  const sentinels = topology.sentinels.map(({ port }) => ({ host: '127.0.0.1', port }));
  const client = new Redis({ sentinels, name: 'mymaster', failoverDetector: false });
  const reader = new Redis({ sentinels, name: 'mymaster', role: 'slave' });
  for (const each of [client, reader]) {
    // What a client reports while it looks for the new master is its own affair.
    each.on('error', () => undefined);
    onTestFinished(() => each.disconnect());
  }
  expect(await client.set('key', 'before')).toBe('OK');
  await until('the replica to have it', async () => (await reader.get('key')) === 'before');
  await topology.master.kill();
  const promoted = await topology.agreedMaster({ not: topology.master });
  await until('a write through ioredis', async () => (await client.set('key', 'after')) === 'OK');
  await until('the promoted node to have it', async () => (await promoted.command('GET', 'key')) === 'after');
  await until('the replica to have that, too', async () => (await reader.get('key')) === 'after');
});

test('node-redis finds the master, follows a failover and reads from a replica', async () => {
  const topology = await start();
  const client = createSentinel({
    name: 'mymaster',
    sentinelRootNodes: topology.sentinels.map(({ port }) => ({ host: '127.0.0.1', port })),
    replicaPoolSize: 1,
    // Its subscription misses +switch-master (it leaves out the sign), so it has to look for itself now and then.
    scanInterval: 500,
  });
  client.on('error', () => undefined);
  await client.connect();
  onTestFinished(() => client.destroy());
  expect(await client.set('key', 'before')).toBe('OK');
  await until('the replica to have it', async () => (await client.get('key')) === 'before');
  await topology.master.kill();
  const promoted = await topology.agreedMaster({ not: topology.master });
  await until('a write through node-redis', async () => (await client.set('key', 'after')) === 'OK');
  await until('the promoted node to have it', async () => (await promoted.command('GET', 'key')) === 'after');
  await until('the replica to have that, too', async () => (await client.get('key')) === 'after');
});
