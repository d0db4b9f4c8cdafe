// Our configuration text against the genuine server's: both must read what the other one wrote, and refuse the same.
// Needs redis-sentinel (7.0) on the PATH; without it everything here is skipped, and says so.
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { accessSync, constants, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { aclTable } from '../../src/commands/table.ts';
import { ConfigError, renderConfigError } from '../../src/config/config-error.ts';
import { type Environment, loadConfig } from '../../src/config/load.ts';
import { rewriteConfig } from '../../src/config/rewrite.ts';
import type { DurableState } from '../../src/core/durable.ts';
import { freePorts } from '../../src/demo/ports.ts';
import { sha256Hex } from '../config/fake-environment.ts';
import { generateState, sorted } from '../config/generate-state.ts';
import { refusedTexts } from '../config/refused-texts.ts';

function genuineVersion(): string | undefined {
  try {
    return /v=(\S+)/.exec(execFileSync('redis-sentinel', ['--version'], { encoding: 'latin1' }))?.[1];
  } catch {
    return undefined;
  }
}

const version = genuineVersion();
if (version === undefined) process.stdout.write('config-genuine: skipped, redis-sentinel is not installed\n');

/** The texts and limits that are compared are those of 7.0. */
const is70 = version?.startsWith('7.0.') === true;
if (version !== undefined && !is70) process.stdout.write(`config-genuine: errors skipped, ${version} is not 7.0\n`);

let folder = '';
const started: ChildProcess[] = [];

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'ts-sentinel-config-'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));
afterEach(async () => {
  await Promise.all(started.splice(0).map(stop));
});

function stop(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return Promise.resolve();
  const ended = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  child.kill('SIGKILL');
  return ended;
}

/** The real file system, as far as these tests use it. */
function environment(): Environment {
  return {
    readInclude: () => ({ error: 'No such file or directory' }),
    isExecutable: (path) => {
      try {
        accessSync(path, constants.X_OK);
        return true;
      } catch {
        return false;
      }
    },
    enterDirectory: (path) => (path === folder ? undefined : 'No such file or directory'),
    workingDirectory: () => folder,
    tryLogFile: () => undefined,
    sha256Hex,
    commands: aclTable,
    readAclFile: () => ({ error: 'No such file or directory' }),
  };
}

interface Outcome {
  readonly stderr: string;
  readonly exitCode: number | null;
}

interface Saving {
  readonly password?: string;
  /** Its text settles with the second save: only then has the last line its empty line, each class its line. */
  readonly saves?: number;
}

const file = () => join(folder, 'sentinel.conf');

function spawnGenuine(text: string): ChildProcess {
  writeFileSync(file(), text, 'latin1');
  const child = spawn('redis-sentinel', [file()], { cwd: folder, stdio: ['ignore', 'pipe', 'pipe'] });
  started.push(child);
  return child;
}

/** Waits until the genuine server gave up; a server that starts instead is stopped, and its exit code is null. */
function refusedByGenuine(text: string): Promise<Outcome> {
  const child = spawnGenuine(text);
  let stderr = '';
  child.stderr?.setEncoding('latin1').on('data', (chunk: string) => {
    stderr += chunk;
  });
  child.stdout?.setEncoding('latin1').on('data', (chunk: string) => {
    if (chunk.includes('Sentinel ID is')) child.kill('SIGKILL');
  });
  return new Promise((resolve) => child.once('close', (exitCode) => resolve({ stderr, exitCode })));
}

/** Starts the genuine server on `text`, lets it save as often as asked, and returns the file it left. */
async function savedByGenuine(text: string, port: number, { password, saves = 1 }: Saving = {}): Promise<string> {
  const child = spawnGenuine(text);
  let log = '';
  const ready = new Promise<void>((resolve, reject) => {
    child.stdout?.setEncoding('latin1').on('data', (chunk: string) => {
      log += chunk;
      if (log.includes('Sentinel ID is')) resolve();
    });
    child.stderr?.setEncoding('latin1').on('data', (chunk: string) => {
      log += chunk;
    });
    child.once('close', () => reject(new Error(`redis-sentinel did not start:\n${log}\n${text}`)));
  });
  await ready;
  const auth = password === undefined ? '' : `*2\r\n$4\r\nAUTH\r\n$${password.length}\r\n${password}\r\n`;
  const replies = saves + (auth === '' ? 0 : 1);
  const reply = await ask(port, auth + 'SENTINEL FLUSHCONFIG\r\n'.repeat(saves), replies);
  expect(reply).toBe('+OK\r\n'.repeat(replies));
  await stop(child);
  return readFileSync(file(), 'latin1');
}

function ask(port: number, request: string, lines: number): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect(port, '127.0.0.1', () => socket.write(request, 'latin1'));
    let reply = '';
    socket.setEncoding('latin1').on('error', reject);
    socket.setTimeout(10_000, () => socket.destroy(new Error('no reply')));
    socket.on('data', (chunk: string) => {
      reply += chunk;
      if (reply.split('\r\n').length <= lines) return;
      socket.destroy();
      resolve(reply);
    });
  });
}

describe.runIf(is70)('refused by both, with the same block', () => {
  test.each(refusedTexts)('$why', async ({ text }) => {
    const genuine = await refusedByGenuine(text);
    expect(genuine.exitCode).toBe(1);
    let ours = '';
    try {
      loadConfig(text, environment());
    } catch (error) {
      if (!(error instanceof ConfigError)) throw error;
      ours = renderConfigError(error, version ?? '');
    }
    expect(ours).toBe(genuine.stderr);
  });
});

describe.runIf(version !== undefined)('what one wrote, the other reads', () => {
  const seeds = Array.from({ length: 12 }, (_, seed) => seed);
  const start = (port: number) => `port ${port}\nbind 127.0.0.1\n`;

  /** What the operator's file says, before any server wrote to it. */
  async function fileOf(state: DurableState): Promise<{ text: string; port: number }> {
    const [port = 0] = await freePorts(1);
    const { inEffect } = loadConfig(start(port), environment());
    return { text: rewriteConfig(start(port), state, inEffect), port };
  }

  test.each(seeds)('seed %i: ours, read and saved by the genuine server, read by us', async (seed) => {
    const state = generateState(seed, { tame: true, names: false });
    const { text, port } = await fileOf(state);
    const saved = await savedByGenuine(text, port);
    const loaded = loadConfig(saved, environment());
    expect(sorted(loaded.durable)).toEqual(sorted(state));
    expect(loaded.general).toEqual(loadConfig(text, environment()).general);
    expect(loaded.warnings.filter((warning) => !warning.includes('script'))).toEqual([]);
    // And back again: our rewrite of its file is one it reads as well, with the same lines.
    const again = rewriteConfig(saved, loaded.durable, loaded.inEffect);
    const meaning = (all: string) =>
      all
        .split('\n')
        .filter((line) => line !== '')
        .sort();
    expect(meaning(await savedByGenuine(again, port))).toEqual(meaning(again));
  });

  test.each(seeds)('seed %i: nasty texts reach the genuine server as they are', async (seed) => {
    const state = generateState(seed + 100, { tame: false, names: false });
    // It writes them raw, which breaks its own file (TS-D1) but shows what it read.
    const { text, port } = await fileOf(state);
    const saved = await savedByGenuine(text, port);
    for (const { name, authPass, authUser, renamedCommands } of state.masters) {
      if (authPass !== undefined) expect(saved).toContain(`\nsentinel auth-pass ${name} ${authPass}\n`);
      if (authUser !== undefined) expect(saved).toContain(`\nsentinel auth-user ${name} ${authUser}\n`);
      for (const { command, renamed } of renamedCommands.values())
        expect(saved).toContain(`\nsentinel rename-command ${name} ${command} ${renamed}\n`);
    }
    if (state.sentinelPass !== undefined) expect(saved).toContain(`\nsentinel sentinel-pass ${state.sentinelPass}\n`);
  });

  test('general options and requirepass are written line for line alike', async () => {
    const [port = 0] = await freePorts(1);
    const text = `# by hand\nport ${port}\nbind 127.0.0.1\nrequirepass "p w"\ntimeout 0\ntimeout 7\nproto-max-bulk-len 10MB\nclient-query-buffer-limit 2000000\nclient-output-buffer-limit pubsub 1gb 3k 5\nloglevel VERBOSE\n\n\nmaxclients 100\ntcp-keepalive 60\nprotected-mode yes\nsupervised auto\nacllog-max-len 5\nlogfile ""\nsyslog-ident "a b"\nmaxmemory-clients 10%\nunixsocketperm 0700\nsentinel myid ${'c'.repeat(40)}\nsentinel deny-scripts-reconfig NO\n`;
    const how = { password: 'p w', saves: 3 };
    const saved = await savedByGenuine(text, port, how);
    const loaded = loadConfig(text, environment());
    const ours = rewriteConfig(text, loaded.durable, loaded.inEffect);
    const [above, below] = parts(saved);
    expect(parts(ours)[0]).toEqual(above);
    expect(parts(ours)[1].sort()).toEqual(below.sort());
    // Loaded from its own file, it and we write the longer form of the default user, and nothing else changes.
    const reloaded = loadConfig(saved, environment());
    const second = rewriteConfig(saved, reloaded.durable, reloaded.inEffect);
    expect(second).toBe(await savedByGenuine(saved, port, how));
  });
});

/** The lines above and below the signature; those below come in hash order in theirs. */
function parts(text: string): [string[], string[]] {
  const lines = text.trimEnd().split('\n');
  const at = lines.indexOf('# Generated by CONFIG REWRITE');
  return [lines.slice(0, at), lines.slice(at).filter((line) => line !== '')];
}
