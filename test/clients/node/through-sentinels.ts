// How ioredis (any version, iovalkey too) finds the master or a replica: the options, in one place for all who use it.
import type { RedisOptions } from 'ioredis5';
import type { Orders } from './program.ts';

export function throughSentinels(orders: Orders, role: 'master' | 'slave'): RedisOptions {
  const { sentinels, masterName, sentinelLogin, redisLogin, tls } = orders;
  return {
    sentinels,
    name: masterName,
    role,
    // It makes these libraries end themselves now and then when a switch is announced while they ask a sentinel.
    failoverDetector: false,
    ...redisLogin,
    ...(sentinelLogin.username === undefined ? {} : { sentinelUsername: sentinelLogin.username }),
    ...(sentinelLogin.password === undefined ? {} : { sentinelPassword: sentinelLogin.password }),
    ...(tls === undefined ? {} : { tls, sentinelTLS: tls, enableTLSForSentinelMode: true }),
  };
}
