// Random faults against three cores: a few hundred seeds, each one a whole story. `SIM_SEED=7` replays one.
import { expect, test } from 'vitest';
import { randomRun } from './random-run.ts';

const SEEDS = 250;

function seeds(): number[] {
  const { SIM_SEED } = process.env;
  return SIM_SEED === undefined ? Array.from({ length: SEEDS }, (_, index) => index + 1) : [Number(SIM_SEED)];
}

test('safe under faults, and in order again after them', { timeout: 120_000 }, () => {
  let failovers = 0;
  for (const seed of seeds()) failovers += randomRun(seed).failovers;
  // A driver under which nothing fails over proves nothing.
  expect(failovers).toBeGreaterThan(0);
});
