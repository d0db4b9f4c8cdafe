// The commands around the simulation, as docs/simulation.md and the README name them.
import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { expect, test } from 'vitest';

const root = join(import.meta.dirname, '..', '..');
const npm = (args: readonly string[], env: Record<string, string> = {}) =>
  execFileSync('npm', ['run', '--silent', ...args], { cwd: root, encoding: 'utf8', env: { ...process.env, ...env } });

test('npm run sim runs seeds, in one process or several, and sums up', () => {
  expect(npm(['sim', '--', '--seeds', '6'])).toMatch(/^6 seeds, 0 failed; \d+ failovers/m);
  expect(npm(['sim', '--', '--seeds', '6', '--jobs', '2'])).toMatch(/^6 seeds, 0 failed; \d+ failovers/m);
});

test('SIM_SEED tells the story of one seed', () => {
  const story = npm(['sim'], { SIM_SEED: '7' });
  expect(story).toContain('+monitor master m1');
  expect(story).toMatch(/^in order \d+ ms after the faults$/m);
});

test('npm run sim:mutants plants a bug, and the simulation finds it', () => {
  expect(npm(['sim:mutants', '--', '--only', 'two votes'])).toMatch(
    /^\| two votes in one epoch \| \d+ \| one-vote \|$/m,
  );
});
