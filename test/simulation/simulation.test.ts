// The short form of the simulation: a few thousand seeds, and every trial that once broke a rule. `npm run sim` runs more.
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { MUTANTS } from './mutant-list.ts';
import { type Outcome, runTrial } from './run.ts';
import { drawTrial, SHORT_FORM } from './trial.ts';

/** What to do about a broken rule stands in the failure itself. */
async function mustHold(name: string, trial: Parameters<typeof runTrial>[0]): Promise<Outcome> {
  const outcome = await runTrial(trial);
  if (outcome.violation === undefined) return outcome;
  const { lines } = await runTrial(trial, true);
  throw new Error(`${name} violates ${outcome.violation.rule}\n${lines.slice(-60).join('\n')}`);
}

test(`${SHORT_FORM} seeds: safe under faults, and in order again after them`, { timeout: 900_000 }, async () => {
  let failovers = 0;
  let writes = 0;
  for (let seed = 1; seed <= SHORT_FORM; seed += 1) {
    const outcome = await mustHold(`SIM_SEED=${seed}`, drawTrial(seed));
    failovers += outcome.failovers;
    writes += outcome.writes;
  }
  // A simulation in which nothing fails over, or nobody writes, proves nothing.
  expect(failovers).toBeGreaterThan(SHORT_FORM / 4);
  expect(writes).toBeGreaterThan(SHORT_FORM);
});

test('the same seed gives the same run, line by line', async () => {
  for (const seed of [7, 24]) {
    const first = await runTrial(drawTrial(seed), true);
    const second = await runTrial(drawTrial(seed), true);
    expect(first.lines.length).toBeGreaterThan(20);
    expect(second.lines).toEqual(first.lines);
  }
});

describe('trials that once broke a rule', () => {
  const folder = join(import.meta.dirname, 'trials');
  test.each(readdirSync(folder))('%s', async (file) => {
    const { why, trial } = JSON.parse(readFileSync(join(folder, file), 'utf8'));
    expect(why).not.toBe('');
    await mustHold(file, trial);
  });
});

test.each(MUTANTS.map(({ name, file, from }) => ({ name, file, from })))(
  'it can still be planted: $name',
  ({ file, from }) => {
    expect(readFileSync(file, 'utf8').split(from)).toHaveLength(2);
  },
);
