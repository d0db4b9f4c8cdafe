// Every scenario of test/scenarios is replayed; `vitest run -u` rewrites what came out.
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { replay } from './scenario-runner.ts';

const folder = join(import.meta.dirname, '..', 'scenarios');

describe('scenarios', () => {
  const files = readdirSync(folder).filter((name) => name.endsWith('.txt') && name !== 'README.txt');
  test.each(files)('%s', async (name) => {
    const file = join(folder, name);
    await expect(replay(readFileSync(file, 'utf8'))).toMatchFileSnapshot(file);
  });
});
