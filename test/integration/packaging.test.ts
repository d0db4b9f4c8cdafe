// The example configuration and the image's health check, tried on real sentinels of both kinds.
import { execFileSync, spawnSync } from 'node:child_process';
import {
  chmodSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, describe, expect, onTestFinished, test } from 'vitest';
import { createClient } from '../../src/demo/client.ts';
import { createSentinelNode } from '../../src/demo/nodes.ts';
import { freePorts } from '../../src/demo/ports.ts';
import { startChild } from '../../src/demo/processes.ts';
import { findGenuineSentinel, sentinelCommand } from '../../src/demo/programs.ts';
import { until } from '../../src/demo/until.ts';
import { createAuthority, writeTlsFiles } from '../certificates.ts';

const read = (file: string) => readFileSync(new URL(`../../${file}`, import.meta.url), 'utf8');
const scratch = mkdtempSync(join(tmpdir(), 'ts-sentinel-packaging-'));
afterAll(() => rmSync(scratch, { recursive: true, force: true }));

/** The example on a port and in a folder of its own, with or without the lines that are switched off. */
function example(port: number, dir: string, tlsPort?: number): string {
  const text = read('sentinel.conf.example');
  const own = text
    .replace(/^port .*$/m, `port ${port}`)
    .replace(/^dir .*$/m, `dir ${dir}`)
    .replace(/^logfile .*$/m, '');
  if (tlsPort === undefined) return own;
  // All of it, but that the plain port stays beside the one for TLS; what it names has to be there.
  const authority = createAuthority('example');
  mkdirSync(dir, { recursive: true });
  const tls = writeTlsFiles(dir, 'example', authority.issue('sentinel'), authority);
  for (const script of ['notify.sh', 'reconfigure.sh'])
    writeFileSync(join(dir, script), '#!/bin/sh\n', { mode: 0o755 });
  return own
    .replace(/^#port 0$/m, '')
    .replaceAll(/^#(?=\S)/gm, '')
    .replace(/^logfile .*$/m, '')
    .replace(/^tls-port .*$/m, `tls-port ${tlsPort}`)
    .replace('/etc/redis/tls/sentinel.crt', tls.certFile)
    .replace('/etc/redis/tls/sentinel.key', tls.keyFile)
    .replace('/etc/redis/tls/ca.crt', tls.caFile)
    .replaceAll('/etc/redis/', `${dir}/`);
}

const kinds = [
  { kind: 'ts', skip: false },
  { kind: 'genuine', skip: findGenuineSentinel() === undefined },
] as const;

describe.each(kinds)('$kind sentinel', ({ kind, skip }) => {
  test.skipIf(skip).each([
    { why: 'as it is', all: false },
    { why: 'with everything switched on', all: true },
  ])('starts with the example: $why', async ({ why, all }) => {
    const [port = 0, tlsPort = 0] = await freePorts(2);
    const dir = join(scratch, `${kind} ${why}`.replaceAll(' ', '-'));
    const node = createSentinelNode({
      name: kind,
      kind,
      command: sentinelCommand(kind),
      port,
      dir,
      conf: { file: 'sentinel.conf', text: example(port, dir, all ? tlsPort : undefined) },
      ...(all ? { login: { password: 'a-long-secret' } } : {}),
    });
    try {
      await node.start();
      expect(await node.command('SENTINEL', 'GET-MASTER-ADDR-BY-NAME', 'mymaster')).toEqual(['127.0.0.1', '6379']);
      expect(healthCheck(port)).toBe(0);
    } finally {
      await node.stop();
    }
    expect(healthCheck(port)).toBe(1);
  });
});

/** The exit code of the health check that the image runs. */
function healthCheck(port: number): number | null {
  const [, command = '[]'] = /^HEALTHCHECK .*CMD (\[.*\])$/m.exec(read('Dockerfile')) ?? [];
  const [, ...args] = JSON.parse(command) as string[];
  const env = { ...process.env, SENTINEL_HOST: '127.0.0.1', SENTINEL_PORT: String(port) };
  return spawnSync(process.execPath, args, { env }).status;
}

test('the built program tells its version without a configuration file', () => {
  const [program = '', ...args] = sentinelCommand('ts');
  expect(execFileSync(program, [...args, '--version']).toString()).toMatch(/^Redis server v=/);
});

test('the packed package runs by npx, with no build step and nothing but its own dependencies', async () => {
  const home = join(scratch, 'installed');
  const installed = join(home, 'node_modules', 'ts-sentinel');
  mkdirSync(installed, { recursive: true });
  const root = fileURLToPath(new URL('../..', import.meta.url));
  // The build is there already (`npm test` made it); others read it at this moment, so it is not made again.
  const [packed] = JSON.parse(
    execFileSync('npm', ['pack', '--json', '--ignore-scripts', '--pack-destination', home], {
      cwd: root,
      encoding: 'utf8',
    }),
  ) as { filename: string; files: { path: string }[] }[];
  const paths = packed?.files.map(({ path }) => path) ?? [];
  expect(paths.filter((path) => !/^(dist|packaging)\//.test(path)).sort()).toEqual(
    ['CHANGELOG.md', 'LICENSE', 'README.md', 'package.json', 'sentinel.conf.example'].sort(),
  );
  expect(paths.filter((path) => path.includes('demo'))).toEqual([]);
  execFileSync('tar', ['-xzf', join(home, packed?.filename ?? ''), '-C', installed, '--strip-components=1']);
  // As `npm install` would lay them out, but without a registry: the dependencies that it declares, and theirs.
  const manifest = JSON.parse(readFileSync(join(installed, 'package.json'), 'utf8')) as { bin: Record<string, string> };
  const lock = JSON.parse(readFileSync(join(root, 'package-lock.json'), 'utf8')) as {
    packages: Record<string, { dev?: boolean }>;
  };
  for (const [path, { dev }] of Object.entries(lock.packages))
    if (path !== '' && dev !== true && !path.slice(1).includes('node_modules/'))
      if (existsSync(join(root, path))) cpSync(join(root, path), join(home, path), { recursive: true });
  mkdirSync(join(home, 'node_modules', '.bin'), { recursive: true });
  for (const [name, target] of Object.entries(manifest.bin)) {
    chmodSync(join(installed, target), 0o755);
    symlinkSync(join('..', 'ts-sentinel', target), join(home, 'node_modules', '.bin', name));
  }
  const [port = 0] = await freePorts(1);
  const conf = join(home, 'sentinel.conf');
  writeFileSync(conf, `port ${port}\nsentinel monitor mymaster 127.0.0.1 1 2\n`);
  const folders = { stdoutFile: join(home, 'stdout.txt'), stderrFile: join(home, 'stderr.txt') };
  const child = startChild(['npx', '--no-install', 'ts-sentinel', conf], { cwd: home, ...folders });
  const client = createClient(port);
  onTestFinished(() => {
    client.close();
    // npx is no sentinel: the one it started is in its process group.
    if (child.pid !== undefined && child.exit === undefined) process.kill(-child.pid, 'SIGKILL');
  });
  expect(await until('an answer', () => client.command('PING'))).toBe('PONG');
  process.kill(-(child.pid ?? 0), 'SIGTERM');
  expect(await child.ended(15_000)).toBe(true);
  expect(readFileSync(folders.stdoutFile, 'utf8')).toContain('bye bye');
});
