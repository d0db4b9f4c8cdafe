// Which replica comes first among equals.
import { expect, test } from 'vitest';
import { compareReplicas } from '../../src/core/selection.ts';
import type { Replica } from '../../src/core/state.ts';

/** Only what the order looks at. */
const replica = (priority: number, offset: bigint, runId: string) => ({ priority, offset, runId }) as Replica;

test.each([
  { why: 'the lower priority number, whatever the offset', first: replica(10, 0n, 'b'), second: replica(100, 9n, 'a') },
  { why: 'then the larger offset, whatever the run id', first: replica(100, 9n, 'b'), second: replica(100, 8n, 'a') },
  { why: 'offsets have 64 bits', first: replica(1, 2n ** 63n + 1n, 'b'), second: replica(1, 2n ** 63n, 'a') },
  { why: 'then the smaller run id', first: replica(100, 9n, 'a'), second: replica(100, 9n, 'b') },
  { why: 'run ids in any case', first: replica(100, 9n, 'A'), second: replica(100, 9n, 'b') },
  { why: 'an unknown run id comes last', first: replica(100, 9n, 'z'), second: replica(100, 9n, '') },
])('$why', ({ first, second }) => {
  expect(compareReplicas(first, second)).toBeLessThan(0);
  expect(compareReplicas(second, first)).toBeGreaterThan(0);
  expect(compareReplicas(first, first)).toBe(0);
});
