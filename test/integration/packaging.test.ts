// The example configuration and the image's health check, tried on real sentinels of both kinds.
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { createSentinelNode } from '../../src/demo/nodes.ts';
import { freePorts } from '../../src/demo/ports.ts';
import { findGenuineSentinel, sentinelCommand } from '../../src/demo/programs.ts';

const read = (file: string) => readFileSync(new URL(`../../${file}`, import.meta.url), 'utf8');
const scratch = mkdtempSync(join(tmpdir(), 'ts-sentinel-packaging-'));
afterAll(() => rmSync(scratch, { recursive: true, force: true }));

/** The example on a port and in a folder of its own, with or without the lines that are switched off. */
function example(port: number, dir: string, all: boolean): string {
  const text = all ? read('sentinel.conf.example').replaceAll(/^#(?=\S)/gm, '') : read('sentinel.conf.example');
  return text
    .replace(/^port .*$/m, `port ${port}`)
    .replace(/^dir .*$/m, `dir ${dir}`)
    .replace(/^logfile .*$/m, '');
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
    const [port = 0] = await freePorts(1);
    const dir = join(scratch, `${kind} ${why}`.replaceAll(' ', '-'));
    const node = createSentinelNode({
      name: kind,
      kind,
      command: sentinelCommand(kind),
      port,
      dir,
      conf: { file: 'sentinel.conf', text: example(port, dir, all) },
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
