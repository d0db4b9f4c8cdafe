// Runs ts-sentinel, or the genuine server, as a user does: arguments in, output and exit status out.
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach } from 'vitest';

export const program = fileURLToPath(new URL('../../dist/main.js', import.meta.url));

/** What a run prints, and its exit status; `undefined` while it runs, `null` where a signal ended it. */
export interface Run {
  readonly child: ChildProcess;
  readonly out: { stdout: string; stderr: string };
  readonly ended: Promise<number | null>;
}

export interface RunOptions {
  /** Program and first arguments; ts-sentinel unless told otherwise. */
  readonly command?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  readonly stdin?: string;
}

/** A temporary folder for each test of the file, in which servers are run; both end with the test. */
export function workplace() {
  let folder = '';
  const started: ChildProcess[] = [];
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'ts-sentinel-process-'));
  });
  afterEach(() => {
    for (const child of started.splice(0)) child.kill('SIGKILL');
    rmSync(folder, { recursive: true, force: true });
  });

  return {
    path: (name: string) => join(folder, name),
    /** Write a file, sentinel.conf unless named otherwise; returns its path. */
    write(text: string, name = 'sentinel.conf'): string {
      writeFileSync(join(folder, name), text, 'latin1');
      return join(folder, name);
    },
    run(args: readonly string[], { command = [process.execPath, program], env = {}, stdin }: RunOptions = {}): Run {
      const [file = '', ...first] = command;
      const child = spawn(file, [...first, ...args], {
        cwd: folder,
        env: { ...process.env, ...env },
        stdio: [stdin === undefined ? 'ignore' : 'pipe', 'pipe', 'pipe'],
      });
      started.push(child);
      child.stdin?.end(stdin);
      const out = { stdout: '', stderr: '' };
      child.stdout?.on('data', (data: Buffer) => (out.stdout += data.toString()));
      child.stderr?.on('data', (data: Buffer) => (out.stderr += data.toString()));
      const ended = new Promise<number | null>((resolve) => child.on('close', resolve));
      return { child, out, ended };
    },
  };
}
