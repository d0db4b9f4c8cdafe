// The table and the totals at the end of `npm run test:clients`.
import { expect, test } from 'vitest';
import { type Row, reasonsOf, tableOf, totalsOf } from './reporter.ts';

const row = (client: string, variant: string, outcome: Row['outcome'], reason = ''): Row => ({
  client,
  version: '1.2.3',
  variant,
  outcome,
  reason,
  verdict: outcome === 'passed' ? { pausesMs: [1234, 40], errors: [] } : undefined,
});
const rows = [
  row('Jedis', 'plain', 'passed'),
  row('Jedis', 'tls', 'failed', 'it broke'),
  row('go-redis', 'plain', 'skipped', 'go not installed'),
  row('redis-rs', 'plain', 'skipped', 'go not installed'),
];

test('one line for each client, one column for each variant', () => {
  expect(tableOf(rows)).toEqual([
    'client    version  plain                   tls',
    'Jedis     1.2.3    passed (1.2 s / 0.0 s)  failed',
    'go-redis  1.2.3    skipped                 -',
    'redis-rs  1.2.3    skipped                 -',
  ]);
});

test('each reason once, with all whom it concerns', () => {
  expect(reasonsOf(rows)).toEqual([
    '\nJedis tls failed: it broke',
    '\ngo-redis plain, redis-rs plain skipped: go not installed',
  ]);
});

test('what broke outside of tests counts as failed', () => {
  expect(totalsOf(rows, 0)).toBe('1 passed, 1 failed, 2 skipped');
  expect(totalsOf(rows, 2)).toBe('1 passed, 3 failed, 2 skipped');
});
