// ioredis 6, ioredis 5 and iovalkey, which share one interface: the package is named by the first argument.
import type { Redis, RedisOptions } from 'ioredis5';
import { type Orders, run, say, sayError } from './program.ts';
import { throughSentinels } from './through-sentinels.ts';

const { Redis: Client } = (await import(process.argv[2] ?? 'ioredis')) as {
  Redis: new (options: RedisOptions) => Redis;
};

await run(async (orders) => {
  const writer = open({ ...throughSentinels(orders, 'master'), ...spoken(orders) });
  const reader = open({ ...throughSentinels(orders, 'slave'), ...spoken(orders) });
  listen(orders);
  return {
    write: (value) => writer.set(orders.key, value),
    read: async () => {
      const [value, role] = await Promise.all([reader.get(orders.key), reader.role()]);
      return { value, role: String(role[0]) };
    },
    close: () => {
      for (const client of [writer, reader]) client.disconnect();
    },
  };
});

/** The only one that can choose is ioredis 6; the others know RESP2 alone. */
function spoken({ protocol }: Orders): RedisOptions {
  return process.argv[2] === 'ioredis' ? ({ protocol } as RedisOptions) : {};
}

function open(options: RedisOptions): Redis {
  const client = new Client(options);
  client.on('error', (error: unknown) => sayError('connection', error));
  return client;
}

function listen(orders: Orders): void {
  const {
    sentinels: [first],
    sentinelLogin,
    tls,
  } = orders;
  const sentinel = open({
    ...first,
    ...sentinelLogin,
    ...spoken(orders),
    ...(tls === undefined ? {} : { tls }),
  });
  sentinel.on('message', (_channel, payload) => say('switched', { payload }));
  sentinel.subscribe('+switch-master').then(
    () => say('listening'),
    (error: unknown) => sayError('listener', error),
  );
}
