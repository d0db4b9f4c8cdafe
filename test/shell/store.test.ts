// The file on disk: whole at every instant, never wider open than before, and written in place where it must be.
import { chmod, mkdir, mkdtemp, readdir, readFile, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { createStore, whyNotWritable } from '../../src/shell/store.ts';

let directory: string;
const warnings: string[] = [];
const storeAt = (path: string) => createStore(path, (text) => warnings.push(text));

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'ts-sentinel-store-'));
  warnings.length = 0;
});
afterEach(() => rm(directory, { recursive: true, force: true }));

test('replaces the text, keeps the mode, and leaves nothing beside it', async () => {
  const path = join(directory, 'sentinel.conf');
  await writeFile(path, 'old', { mode: 0o600 });
  await storeAt(path).write('new \xff');
  expect(await readFile(path, 'latin1')).toBe('new \xff');
  expect((await stat(path)).mode & 0o777).toBe(0o600);
  expect(await readdir(directory)).toEqual(['sentinel.conf']);
});

test('a missing file reads as empty and is made anew', async () => {
  const path = join(directory, 'sentinel.conf');
  const store = storeAt(path);
  expect(await store.read()).toBe('');
  await store.write('made');
  expect(await store.read()).toBe('made');
});

test('a symbolic link stays one: its target is replaced', async () => {
  const target = join(directory, 'target.conf');
  const link = join(directory, 'link.conf');
  await writeFile(target, 'old');
  await symlink(target, link);
  await storeAt(link).write('new');
  expect(await readFile(target, 'latin1')).toBe('new');
  expect((await readdir(directory)).sort()).toEqual(['link.conf', 'target.conf']);
});

test('a directory in place of the file is a failed save, and stays empty', async () => {
  const path = join(directory, 'sentinel.conf');
  await mkdir(path);
  await expect(storeAt(path).write('new')).rejects.toThrow('Is a directory');
  expect(await readdir(path)).toEqual([]);
  expect(await readdir(directory)).toEqual(['sentinel.conf']);
  expect(await whyNotWritable(path)).toBe('Is a directory');
});

// Root may write where nobody else may, so this one needs another user.
test.skipIf(process.getuid?.() === 0)('a directory that may not be written: the file is written in place', async () => {
  const path = join(directory, 'sentinel.conf');
  await writeFile(path, 'an old text that is longer');
  await chmod(directory, 0o500);
  const store = storeAt(path);
  await store.write('new');
  await store.write('newer');
  expect(await readFile(path, 'latin1')).toBe('newer');
  expect(warnings).toHaveLength(1);
  await chmod(directory, 0o700);
});

test('a file that does not exist is told in the system’s words', async () => {
  expect(await whyNotWritable(join(directory, 'nowhere.conf'))).toBe('No such file or directory');
});
