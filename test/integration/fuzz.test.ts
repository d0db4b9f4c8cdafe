// The command that the README gives for the long fuzz run, with few inputs.
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { expect, test } from 'vitest';

const root = join(import.meta.dirname, '../..');
const fuzz = (...args: string[]) =>
  spawnSync('npm', ['run', '--silent', 'fuzz', '--', ...args], { cwd: root, encoding: 'utf8' });

test('npm run fuzz tells how many inputs it tried, of which seed, and what they cost', () => {
  const { status, stdout } = fuzz('--inputs', '200', '--seed', '5');
  expect(stdout).toMatch(/fuzz: 200 inputs, seed 5, \d+\.\d s, heap peak \d+ MB/);
  expect(status).toBe(0);
});

test('npm run fuzz refuses numbers that are none', () => {
  const { status, stderr } = fuzz('--inputs', 'many');
  expect(stderr).toContain("--inputs must be a number from 1 on, not 'many'");
  expect(status).toBe(1);
});
