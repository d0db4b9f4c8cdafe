// The demo as a newcomer runs it, with its options: does it end well, and does it leave nothing behind?
import { type ChildProcess, execFileSync, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readdirSync, readlinkSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, type TestContext, test } from 'vitest';
import { findGenuineSentinel } from '../../src/demo/programs.ts';
import { until } from '../../src/demo/until.ts';

const demo = fileURLToPath(new URL('../../dist/demo/main.js', import.meta.url));
const installer = fileURLToPath(new URL('../../dist/demo/redis-server.js', import.meta.url));

interface Run {
  child: ChildProcess;
  /** Everything that the demo starts works in a folder in this one. */
  folder: string;
  output(): string;
}

function startDemo({ onTestFinished }: TestContext, ...options: string[]): Run {
  const folder = mkdtempSync(join(tmpdir(), 'demo-test-'));
  const env = { ...process.env, TMPDIR: folder };
  const child = spawn(process.execPath, [demo, ...options], { env, stdio: ['ignore', 'pipe', 'pipe'] });
  const chunks: Buffer[] = [];
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk: Buffer) => void chunks.push(chunk));
  onTestFinished(() => {
    child.kill('SIGTERM');
    rmSync(folder, { recursive: true, force: true });
  });
  return { child, folder, output: () => Buffer.concat(chunks).toString() };
}

async function play(context: TestContext, ...options: string[]) {
  const { child, folder, output } = startDemo(context, ...options);
  const [code] = (await once(child, 'close')) as [number | null];
  return { code, folder, output: output() };
}

/** Files in the folder, and processes that work in it (where the system shows them). */
function leftIn(folder: string): string[] {
  const pids = existsSync('/proc/self') ? readdirSync('/proc').filter((name) => /^\d+$/.test(name)) : [];
  return [...readdirSync(folder), ...pids.filter((pid) => worksIn(pid, folder))];
}

function worksIn(pid: string, folder: string): boolean {
  try {
    return readlinkSync(`/proc/${pid}/cwd`).startsWith(folder);
  } catch {
    return false;
  }
}

function isAlive(pid: string): boolean {
  try {
    return process.kill(Number(pid), 0);
  } catch {
    return false;
  }
}

test('a killed master', async (context) => {
  const { code, folder, output } = await play(context, '--down-after', '800');
  expect(output).toMatch(/Summary: node 1 \(127\.0\.0\.1:\d+\) was killed/);
  expect(output).toMatch(/Writes refused +for \d+\.\d+ s/);
  expect(output).toMatch(/Chosen because +\S/);
  expect(output).toContain('All sentinels and nodes agree.');
  expect(code, output).toBe(0);
  expect(leftIn(folder)).toEqual([]);
});

test('a hung master, and everything is kept until it is ended as told', async (context) => {
  const { code, folder, output } = await play(context, '--hang', '--keep');
  expect(output).toMatch(/was stopped with SIGSTOP/);
  expect(code, output).toBe(0);
  const [command = '', pids = ''] = /kill ([\d ]+); rm -r \S+/.exec(output) ?? [];
  expect(pids.split(' ').filter(isAlive)).toHaveLength(6);
  execFileSync('sh', ['-c', command]);
  await until('the kept processes and files are gone', () => leftIn(folder).length === 0);
});

const noGenuine = findGenuineSentinel() === undefined;
test.skipIf(noGenuine)('Ctrl-C in the middle, with genuine sentinels', async (context) => {
  const { child, folder, output } = startDemo(context, '--genuine');
  await until('the master is killed', () => output().includes('was killed'), { describe: output });
  child.kill('SIGINT');
  const [code, signal] = (await once(child, 'close')) as [number | null, string | null];
  expect({ code, signal }).toEqual({ code: null, signal: 'SIGINT' });
  await until('nothing is left', () => leftIn(folder).length === 0);
});

test('an option that makes no sense is told so', async (context) => {
  const { code, output } = await play(context, '--down-after', 'soon');
  expect(output).toContain('wanted: milliseconds');
  expect(code).toBe(1);
});

test('a machine without Redis: the package manager brings it, and one line tells so', ({ onTestFinished }) => {
  const bin = mkdtempSync(join(tmpdir(), 'demo-test-'));
  onTestFinished(() => rmSync(bin, { recursive: true, force: true }));
  const program = (name: string, text: string) =>
    writeFileSync(join(bin, name), `#!/bin/sh\n${text}\n`, { mode: 0o755 });
  program('apt-get', `[ "$1" = update ] && exit 100; /bin/cp "$0" ${bin}/redis-server`);
  program('sudo', '[ "$1" = -n ] && shift && "$@"');
  const run = () => spawnSync(process.execPath, [installer], { env: { PATH: bin }, encoding: 'utf8' });
  const said = 'redis-server not found: installing it with apt-get ...\n';
  expect(run()).toMatchObject({ status: 0, stdout: `${join(bin, 'redis-server')}\n`, stderr: said });
  expect(run()).toMatchObject({ status: 0, stdout: `${join(bin, 'redis-server')}\n`, stderr: '' });
  rmSync(join(bin, 'redis-server'));
  program('apt-get', 'exit 100');
  const failed = run();
  expect(failed.status).toBe(1);
  expect(failed.stderr.trimEnd().split('\n')).toHaveLength(2);
  expect(failed.stderr).toContain('please install Redis by hand');
});
