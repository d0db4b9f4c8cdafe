// The demo as a newcomer runs it, with its options: does it end well, and does it leave nothing behind?
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect, onTestFinished, test } from 'vitest';
import { findGenuineSentinel } from '../../src/demo/programs.ts';
import { until } from '../../src/demo/until.ts';

const demo = fileURLToPath(new URL('../../dist/demo/main.js', import.meta.url));

function startDemo(...options: string[]): { child: ChildProcess; output: () => string } {
  const child = spawn(process.execPath, [demo, ...options], { stdio: ['ignore', 'pipe', 'pipe'] });
  const chunks: Buffer[] = [];
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk: Buffer) => void chunks.push(chunk));
  onTestFinished(() => void child.kill('SIGTERM'));
  return { child, output: () => Buffer.concat(chunks).toString() };
}

async function play(...options: string[]): Promise<{ code: number | null; output: string }> {
  const { child, output } = startDemo(...options);
  const [code] = (await once(child, 'close')) as [number | null];
  return { code, output: output() };
}

/** The process ids of whatever has one of these ports or folders in its command line. */
function leftOvers(output: string): string[] {
  const ports = [...output.matchAll(/127\.0\.0\.1:(\d+)/g)].map(([, port = '']) => port);
  const processes = execFileSync('ps', ['-eo', 'pid,args']).toString().split('\n');
  return processes.filter((line) => /redis|sentinel/.test(line) && ports.some((port) => line.includes(`:${port}`)));
}

test.concurrent('a killed master', async () => {
  const { code, output } = await play('--down-after', '800');
  expect(output).toMatch(/Summary: node 1 \(127\.0\.0\.1:\d+\) was killed/);
  expect(output).toMatch(/Writes refused +for \d+\.\d+ s/);
  expect(output).toMatch(/Chosen because +\S/);
  expect(output).toContain('All sentinels and nodes agree.');
  expect(code).toBe(0);
  expect(leftOvers(output)).toEqual([]);
});

test.concurrent('a hung master, and everything is kept until it is ended as told', async () => {
  const { code, output } = await play('--hang', '--keep');
  expect(output).toMatch(/was stopped with SIGSTOP/);
  expect(code).toBe(0);
  const [command = '', pids = '', dir = ''] = /kill ([\d ]+); rm -r (\S+)/.exec(output) ?? [];
  expect(pids.split(' ')).toHaveLength(6);
  expect(leftOvers(output)).toHaveLength(6);
  execFileSync('sh', ['-c', command]);
  await until('the kept processes are gone', () => leftOvers(output).length === 0);
  expect(existsSync(dir)).toBe(false);
});

test.concurrent.skipIf(findGenuineSentinel() === undefined)(
  'Ctrl-C in the middle, with genuine sentinels',
  async () => {
    const { child, output } = startDemo('--genuine');
    await until('the master is killed', () => output().includes('was killed'), { describe: output });
    child.kill('SIGINT');
    const [code, signal] = (await once(child, 'close')) as [number | null, string | null];
    expect({ code, signal }).toEqual({ code: null, signal: 'SIGINT' });
  },
);

test('an option that makes no sense is told so', async () => {
  const { code, output } = await play('--down-after', 'soon');
  expect(output).toContain('milliseconds');
  expect(code).toBe(1);
});
