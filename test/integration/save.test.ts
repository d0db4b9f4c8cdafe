// Saving on a real disk: kill -9 in the middle of saves, a full disk, a file that is a mount of its own.
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, expect, onTestFinished, test } from 'vitest';
import { createSentinelNode, parseFields, type SentinelNode } from '../../src/demo/nodes.ts';
import { freePorts } from '../../src/demo/ports.ts';
import { sentinelCommand } from '../../src/demo/programs.ts';
import { until } from '../../src/demo/until.ts';

const scratch = mkdtempSync(join(tmpdir(), 'ts-sentinel-save-'));
afterAll(() => rmSync(scratch, { recursive: true, force: true }));

/** A sentinel of a master that does not exist; it ends with the test. */
async function lone(dir: string): Promise<SentinelNode> {
  const [port = 0] = await freePorts(1);
  const text = `port ${port}\nbind 127.0.0.1\n# a comment\nsentinel monitor mymaster 127.0.0.1 1 2\n`;
  const conf = { file: 'sentinel.conf', text };
  const node = createSentinelNode({ name: 'sentinel', kind: 'ts', command: sentinelCommand('ts'), port, dir, conf });
  onTestFinished(() => node.kill());
  return node;
}

const quorumOf = async (node: SentinelNode) =>
  Number(parseFields(await node.command('SENTINEL', 'MASTER', 'mymaster')).quorum);

test('killed at any moment of a flood of saves, it starts again with what it had told', async () => {
  const dir = join(scratch, 'killed');
  const node = await lone(dir);
  let acknowledged = 2;
  let sent = 2;
  for (let round = 0; round < 8; round++) {
    await node.start();
    const id = await node.command('SENTINEL', 'MYID');
    // The save that the kill cut short may have been the next one: then it was whole, and not yet told.
    expect([acknowledged, sent]).toContain(await quorumOf(node));
    let dead = false;
    const flood = (async () => {
      while (!dead) {
        sent = acknowledged + 1;
        await node.command('SENTINEL', 'SET', 'mymaster', 'quorum', String(sent));
        acknowledged = sent;
      }
    })().catch(() => undefined);
    await until('some saves', () => acknowledged > 4 + round);
    await sleep(round * 3);
    await node.kill();
    dead = true;
    await flood;
    const text = readFileSync(node.confFile, 'utf8');
    expect(text).toContain(`sentinel myid ${id}`);
    expect(text).toContain('# a comment');
    expect(text.endsWith('\n')).toBe(true);
  }
  await node.start();
  await node.command('SENTINEL', 'FLUSHCONFIG');
  await node.stop();
  await node.start();
  expect(readdirSync(dir).filter((name) => name.startsWith('sentinel.conf'))).toEqual(['sentinel.conf']);
});

/** Mounting needs a right that a user, and most containers, do not have. */
function mount(...words: string[]): boolean {
  const mounted = spawnSync('mount', words).status === 0;
  if (mounted) onTestFinished(() => void spawnSync('umount', ['-l', words.at(-1) ?? '']));
  else process.stdout.write(`save: not tried, mount ${words.join(' ')} is refused here\n`);
  return mounted;
}

test('a full disk: the change stays, the old file stays whole, and the next save that can be made is made', async (context) => {
  const dir = join(scratch, 'full');
  mkdirSync(dir);
  if (!mount('-t', 'tmpfs', '-o', 'size=256k', 'tmpfs', dir)) return context.skip('no right to mount');
  const node = await lone(dir);
  await node.start();
  const before = readFileSync(node.confFile, 'utf8');
  const filler = join(dir, 'filler');
  try {
    writeFileSync(filler, Buffer.alloc(1024 * 1024));
  } catch {
    // It took what there was: that is what it is for.
  }
  await expect(node.command('SENTINEL', 'SET', 'mymaster', 'quorum', '7')).rejects.toThrow(
    'ERR Failed to save config file. Check server logs.',
  );
  expect(await quorumOf(node)).toBe(7);
  expect(readFileSync(node.confFile, 'utf8')).toBe(before);
  expect(node.log()).toMatch(/not able to save the new configuration on disk!!!: No space left on device/);
  rmSync(filler);
  await until('the save to be made', () => readFileSync(node.confFile, 'utf8').includes('127.0.0.1 1 7'));
  expect(readdirSync(dir).filter((name) => name.startsWith('sentinel.conf'))).toEqual(['sentinel.conf']);
});

test('a file that is a mount of its own, as in containers, is saved; killed in between, it is whole at the next start', async (context) => {
  const dir = join(scratch, 'mounted');
  const node = await lone(dir);
  const outside = join(scratch, 'outside.conf');
  writeFileSync(outside, readFileSync(node.confFile));
  if (!mount('--bind', outside, node.confFile)) return context.skip('no right to mount');
  await node.start();
  await node.command('SENTINEL', 'SET', 'mymaster', 'quorum', '5');
  expect(readFileSync(outside, 'utf8')).toContain('sentinel monitor mymaster 127.0.0.1 1 5');
  expect(node.log()).toContain(
    "The configuration file can't be replaced (Device or resource busy): it is written in place",
  );
  expect(readdirSync(dir).filter((name) => name.startsWith('sentinel.conf'))).toEqual(['sentinel.conf']);
  // What a crash in the middle of a later save leaves: half of it here, the whole beside it.
  await node.kill();
  const whole = readFileSync(outside, 'utf8').replace('1 5', '1 6');
  writeFileSync(`${node.confFile}.pending`, whole);
  writeFileSync(outside, whole.slice(0, whole.length / 2));
  await node.start();
  expect(await quorumOf(node)).toBe(6);
  expect(node.log()).toContain('A save was cut short');
});

test('a read-only file system is refused at the start, in the genuine words', async (context) => {
  const dir = join(scratch, 'read-only');
  const node = await lone(dir);
  if (!mount('--bind', dir, dir)) return context.skip('no right to mount');
  execFileSync('mount', ['-o', 'remount,ro,bind', dir]);
  const [program = '', ...args] = sentinelCommand('ts');
  const { status, stdout } = spawnSync(program, [...args, node.confFile], { cwd: tmpdir(), encoding: 'utf8' });
  expect(status).toBe(1);
  expect(stdout).toContain(`Sentinel config file ${node.confFile} is not writable: Read-only file system. Exiting...`);
});
