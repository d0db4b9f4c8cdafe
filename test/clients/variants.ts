// The ways in which clients reach a cluster: without anything, with passwords, …; the same settings for both sides.
import type { TopologyOptions } from '../../src/demo/topology.ts';
import type { Orders } from './program.ts';

export interface Variant {
  readonly name: string;
  readonly topology: TopologyOptions;
  readonly orders: Omit<Orders, 'KEY' | 'SENTINELS' | 'MASTER_NAME'>;
}

/** Long enough that starting three virtual machines on two cores takes no node for down. */
const WATCH = { downAfterMs: 2_000, failoverTimeoutMs: 10_000 };

const SENTINEL_PASSWORD = 'sentinel-secret';
const REDIS_PASSWORD = 'data-secret';

export const variants: readonly Variant[] = [
  { name: 'plain', topology: WATCH, orders: { PROTOCOL: '2' } },
  {
    name: 'password',
    topology: {
      ...WATCH,
      password: REDIS_PASSWORD,
      sentinels: Array.from({ length: 3 }, () => ({ password: SENTINEL_PASSWORD })),
    },
    orders: { PROTOCOL: '2', SENTINEL_PASSWORD, REDIS_PASSWORD },
  },
];
