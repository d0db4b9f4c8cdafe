// The ACL file on a real disk, and passwords against hashes.
import { mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test, vi } from 'vitest';
import { createAclFile } from '../../src/shell/acl-file.ts';
import { hashPassword, passwordIs } from '../../src/shell/auth.ts';

function inFolder() {
  const folder = mkdtempSync(join(tmpdir(), 'ts-sentinel-acl-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  const warn = vi.fn();
  const path = join(folder, 'users.acl');
  return { path, warn, file: createAclFile(path, warn) };
}

test('it is read as it is now, replaced whole, and keeps its mode', async () => {
  const { path, warn, file } = inFolder();
  expect(file.read()).toEqual({ error: 'No such file or directory' });
  writeFileSync(path, 'user \xe9 on\n', { encoding: 'latin1', mode: 0o600 });
  expect(file.read()).toEqual({ text: 'user \xe9 on\n' });
  expect(await file.write('user \xe8 on\n')).toBeUndefined();
  expect(readFileSync(path, 'latin1')).toBe('user \xe8 on\n');
  expect(statSync(path).mode & 0o777).toBe(0o600);
  expect(warn).not.toHaveBeenCalled();
});

test('a save that was cut short while it wrote in place is read as it was to be', () => {
  const { path, file } = inFolder();
  writeFileSync(path, 'user half o');
  writeFileSync(`${path}.pending`, 'user whole on\n');
  expect(file.read()).toEqual({ text: 'user whole on\n' });
});

test('what cannot be saved is told with its reason', async () => {
  const { path, warn, file } = inFolder();
  mkdirSync(path);
  expect(await file.write('x')).toBe('Is a directory');
  expect(warn).toHaveBeenCalledWith('The ACL file was not saved: Is a directory');
});

test('passwords: any of the hashes, and never one that is not there', () => {
  const hashes = ['one', 'two'].map(hashPassword);
  expect(passwordIs('two', hashes)).toBe(true);
  expect(passwordIs('three', hashes)).toBe(false);
  expect(passwordIs('', [])).toBe(false);
});
