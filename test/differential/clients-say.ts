// What real clients and tools send to a sentinel, each on its connection (seen by a proxy between them and 7.0.15).
import type { Conversation } from './known.ts';

const named = ['get-master-addr-by-name', 'mymaster'];

export const clientsSay: Readonly<Record<string, Conversation>> = {
  redis_exporter: [
    ['CLIENT', 'SETNAME', 'redis_exporter'],
    ['CONFIG', 'GET', '*'],
    ['INFO', 'ALL'],
    ['LATENCY', 'LATEST'],
    ['SLOWLOG', 'LEN'],
    ['SLOWLOG', 'GET', '1'],
    ['SENTINEL', 'MASTERS'],
    ['SENTINEL', 'CKQUORUM', 'mymaster'],
    ['SENTINEL', 'SENTINELS', 'mymaster'],
    ['SENTINEL', 'SLAVES', 'mymaster'],
    ['SENTINEL', 'config', 'get', '*'],
  ],
  ioredis: [
    ['sentinel', ...named],
    ['sentinel', 'sentinels', 'mymaster'],
    ['sentinel', 'slaves', 'mymaster'],
  ],
  'ioredis 6': [
    ['hello', '3'],
    ['sentinel', ...named],
    ['sentinel', 'sentinels', 'mymaster'],
  ],
  'a failover detector': [['subscribe', '+switch-master'], ['ping']],
  'node-redis': [
    ['HELLO', '3'],
    ['CLIENT', 'MAINT_NOTIFICATIONS', 'ON', 'moving-endpoint-type', 'external-ip'],
    ['SENTINEL', 'SENTINELS', 'mymaster'],
    ['SENTINEL', 'MASTER', 'mymaster'],
    ['SENTINEL', 'REPLICAS', 'mymaster'],
    ['psubscribe', 'switch-master', '[-+]sdown', '+slave', '+sentinel', '[-+]odown', '+slave-reconf-done'],
    ['ping'],
  ],
  'redis-py': [
    ['SENTINEL', 'MASTERS'],
    ['SENTINEL', 'SLAVES', 'mymaster'],
    ['SENTINEL', 'CKQUORUM', 'mymaster'],
  ],
  coredis: [
    ['HELLO', '3', 'AUTH', 'default', ''],
    ['SENTINEL', 'GET-MASTER-ADDR-BY-NAME', 'mymaster'],
    ['SENTINEL', 'REPLICAS', 'mymaster'],
  ],
  'redis-rs': [['SENTINEL', 'MASTERS'], ['SENTINEL', 'SLAVES', 'mymaster'], ['ROLE']],
  'go-redis': [
    ['hello', '3'],
    ['sentinel', ...named],
    ['sentinel', 'sentinels', 'mymaster'],
    ['sentinel', 'replicas', 'mymaster'],
    ['subscribe', '+switch-master', '+replica-reconf-done'],
    ['ping'],
  ],
  Lettuce: [
    ['HELLO', '2'],
    ['PING'],
    ['SENTINEL', ...named],
    ['SENTINEL', 'master', 'mymaster'],
    ['SENTINEL', 'replicas', 'mymaster'],
    ['PSUBSCRIBE', '*'],
  ],
  Jedis: [
    ['SENTINEL', 'GET-MASTER-ADDR-BY-NAME', 'mymaster'],
    ['SENTINEL', 'GET-MASTER-ADDR-BY-NAME', 'nobody'],
    ['SUBSCRIBE', '+switch-master'],
  ],
  'an operator': [
    ['PING'],
    ['SENTINEL', 'MYID'],
    ['SENTINEL', 'MASTER', 'mymaster'],
    ['SENTINEL', 'MASTER', 'nobody'],
    ['SENTINEL', 'CKQUORUM', 'nobody'],
    ['SENTINEL', 'PENDING-SCRIPTS'],
    ['SENTINEL', 'INFO-CACHE', 'mymaster'],
    ['SENTINEL', 'FLUSHCONFIG'],
    ['SENTINEL', 'DEBUG'],
    ['INFO', 'sentinel'],
    ['INFO'],
    ['CLIENT', 'LIST', 'TYPE', 'pubsub'],
    ['QUIT'],
    ['PING'],
  ],
};
