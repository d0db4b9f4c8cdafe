// node-redis: `createSentinel` for the data, a plain client for the events of one sentinel.
import { createClient, createSentinel } from 'redis';
import { type Orders, run, say, sayError } from './program.ts';

await run(async (orders) => {
  const { sentinels, masterName, key, protocol, sentinelLogin, redisLogin } = orders;
  const client = createSentinel({
    name: masterName,
    sentinelRootNodes: sentinels,
    replicaPoolSize: 1,
    // Its subscription misses +switch-master (it leaves out the sign), so it has to look for itself now and then.
    scanInterval: 500,
    RESP: protocol,
    nodeClientOptions: { ...redisLogin, ...secured(orders) },
    sentinelClientOptions: { ...sentinelLogin, ...secured(orders) },
  });
  client.on('error', (error: unknown) => sayError('connection', error));
  await client.connect();
  await listen(orders);
  return {
    write: (value) => client.set(key, value),
    read: async () => {
      const value = await client.get(key);
      const role = await client.sendCommand<unknown[]>(true, ['ROLE']);
      return { value: value === null ? null : String(value), role: String(role[0]) };
    },
    close: () => client.destroy(),
  };
});

function secured({ tls }: Orders) {
  return tls === undefined ? {} : { socket: { tls: true as const, ...tls } };
}

async function listen(orders: Orders): Promise<void> {
  const [first = { host: '', port: 0 }] = orders.sentinels;
  const socket = { ...first, ...secured(orders).socket };
  const sentinel = createClient({ ...orders.sentinelLogin, RESP: orders.protocol, socket });
  sentinel.on('error', (error: unknown) => sayError('listener', error));
  await sentinel.connect();
  await sentinel.subscribe('+switch-master', (payload) => say('switched', { payload }));
  say('listening');
}
