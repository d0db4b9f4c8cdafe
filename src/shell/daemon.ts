// `daemonize yes`. A Node process cannot fork: it starts itself once more, in a session of its own and without the
// terminal, and ends when that child listens, or with the child's error.
import { spawn } from 'node:child_process';
import { closeSync, writeSync } from 'node:fs';
import type { Readable } from 'node:stream';

/** Set in the child's environment, so that it does not do the same. */
export const DAEMON_MARK = 'TS_SENTINEL_DAEMON';

/** The pipe from the child to its parent. */
const REPORT_FD = 3;
const LISTENING = 'listening\n';

export interface DaemonStart {
  /** The directory we were started in: `dir` may have changed ours since, and the arguments are relative to it. */
  readonly cwd: string;
  /** What standard input held, if it is a part of the configuration: it can be read only once. */
  readonly stdin: string | undefined;
}

/**
 * Start the child and wait. `error`: what kept it from listening, a text of whole lines; `undefined`: it does.
 * Differs: the genuine server's parent ends with status 0 before its child listens, and hides a port in use.
 */
export function startDaemon({ cwd, stdin }: DaemonStart): Promise<{ error: string | undefined }> {
  const child = spawn(process.execPath, [...process.execArgv, ...process.argv.slice(1)], {
    cwd,
    detached: true,
    stdio: [stdin === undefined ? 'ignore' : 'pipe', 'ignore', 'ignore', 'pipe'],
    env: { ...process.env, [DAEMON_MARK]: '1' },
  });
  child.stdin?.on('error', () => undefined).end(stdin, 'latin1');
  return new Promise((resolve, reject) => {
    let told = '';
    const report = child.stdio[REPORT_FD] as Readable;
    report.setEncoding('latin1').on('data', (text: string) => {
      told += text;
      if (told !== LISTENING) return;
      child.unref();
      resolve({ error: undefined });
    });
    child.on('error', reject);
    child.on('close', (status) => {
      const silent = `The daemon ended with status ${status ?? 'unknown'} before it listened.\n`;
      resolve({ error: told === '' ? silent : told });
    });
  });
}

/** Where the child tells its parent how the start went; used once. */
export interface Parent {
  listening(): void;
  /** `text`: whole lines. */
  failed(text: string): void;
}

/** For the child. A parent that is gone meanwhile hears nothing, which does not matter to the daemon. */
export const parent: Parent = { listening: () => report(LISTENING), failed: report };

function report(text: string): void {
  try {
    writeSync(REPORT_FD, text, null, 'latin1');
    closeSync(REPORT_FD);
  } catch (error) {
    if (!(error instanceof Error && 'code' in error)) throw error;
  }
}
