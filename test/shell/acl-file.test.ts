// The ACL file on a real disk, and passwords against hashes.
import { mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import { createAclFile } from '../../src/shell/acl-file.ts';
import { hashPassword, passwordIs } from '../../src/shell/auth.ts';
import type { Disk } from '../../src/shell/disk.ts';
import { createFakeDisk } from './fake-disk.ts';

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
  expect(await file.write(() => 'user \xe8 on\n')).toBeUndefined();
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
  expect(await file.write(() => 'x')).toBe('Is a directory');
  expect(warn).toHaveBeenCalledWith('The ACL file was not saved: Is a directory');
});

describe('several saves at a time', () => {
  /** A disk on which the first save stands still before its rename. */
  function slowFirst() {
    const disk = createFakeDisk({ [ACL]: 'none\n' });
    let goOn: () => void = () => undefined;
    const still = new Promise<void>((resolve) => {
      goOn = resolve;
    });
    let renames = 0;
    const slow: Disk = {
      ...disk,
      async rename(from, to) {
        if (renames++ === 0) await still;
        await disk.rename(from, to);
      },
    };
    const file = createAclFile(ACL, vi.fn(), slow);
    return { disk, file, goOn: () => goOn(), begun: () => vi.waitFor(() => expect(renames).toBe(1)) };
  }
  const ACL = '/etc/redis/users.acl';

  test('the last one is what the file has, with the users of that instant', async () => {
    const { disk, file, goOn, begun } = slowFirst();
    let users = 'a\n';
    const saves = [file.write(() => users)];
    await begun();
    users = 'a\nb\n';
    saves.push(file.write(() => users));
    users = 'a\nb\nc\n';
    saves.push(file.write(() => users));
    goOn();
    expect(await Promise.all(saves)).toEqual([undefined, undefined, undefined]);
    expect(disk.files.get(ACL)).toBe('a\nb\nc\n');
    expect([...disk.files.keys()]).toEqual([ACL]);
  });

  test('who reads behind a save reads what it writes, and the file again when it is over', async () => {
    const { disk, file, goOn, begun } = slowFirst();
    const first = file.write(() => 'a\n');
    await begun();
    let users = 'b\n';
    const second = file.write(() => users);
    expect(file.read()).toEqual({ text: 'b\n' });
    // A load took them away again; what was asked for is saved all the same.
    users = '';
    goOn();
    await Promise.all([first, second]);
    expect(disk.files.get(ACL)).toBe('b\n');
    await Promise.resolve();
    expect(file.read()).toEqual({ error: 'No such file or directory' });
  });

  test('one that fails holds up none behind it', async () => {
    const refusals = ['ENOSPC'];
    const refuse = (step: string) => (step.startsWith('create') ? refusals.shift() : undefined);
    const disk = createFakeDisk({ [ACL]: 'none\n' }, { refuse });
    const file = createAclFile(ACL, vi.fn(), disk);
    expect(await Promise.all([file.write(() => 'a\n'), file.write(() => 'b\n')])).toEqual([
      'No space left on device',
      undefined,
    ]);
    expect(disk.files.get(ACL)).toBe('b\n');
  });
});

test('passwords: any of the hashes, and never one that is not there', () => {
  const hashes = ['one', 'two'].map(hashPassword);
  expect(passwordIs('two', hashes)).toBe(true);
  expect(passwordIs('three', hashes)).toBe(false);
  expect(passwordIs('', [])).toBe(false);
});
