// Child processes that never outlive us unless asked to: started in a group of their own (a Ctrl-C in the terminal is
// ours alone to handle), output in files (so that they can be left running), ended when this process ends.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';

export interface Exit {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  /** Set when the program could not be started at all. */
  readonly error?: Error;
}

export interface Child {
  readonly pid: number | undefined;
  /** How it ended; `undefined` while it runs (also while it is paused). */
  readonly exit: Exit | undefined;
  /** Send a signal; a process that has ended is left alone. */
  signal(name: NodeJS.Signals): void;
  /** Wait for the end: `true` when it came within `ms`. */
  ended(ms: number): Promise<boolean>;
  /** Let it go on living after us. */
  release(): void;
}

export interface SpawnOptions {
  cwd: string;
  stdoutFile: string;
  stderrFile: string;
  env?: Record<string, string | undefined>;
}

/** Start a program; whether it is of any use is for the caller to find out. */
export function startChild([program = '', ...args]: readonly string[], options: SpawnOptions): Child {
  const stdout = openSync(options.stdoutFile, 'a');
  const stderr = openSync(options.stderrFile, 'a');
  const child = spawn(program, args, {
    cwd: options.cwd,
    env: { ...process.env, ...options.env },
    stdio: ['ignore', stdout, stderr],
    detached: true,
  });
  closeSync(stdout);
  closeSync(stderr);
  const forget = atExit(() => child.kill('SIGKILL'));
  let exit: Exit | undefined;
  const over = new Promise<void>((resolve) => {
    const settle = (how: Exit) => {
      exit ??= how;
      forget();
      resolve();
    };
    child.once('exit', (code, signal) => settle({ code, signal }));
    child.once('error', (error) => child.pid === undefined && settle({ code: null, signal: null, error }));
  });
  return {
    pid: child.pid,
    get exit() {
      return exit;
    },
    signal: (name) => void (exit === undefined && child.kill(name)),
    ended: async (ms) => {
      const timer = new AbortController();
      const late = sleep(ms, undefined, { signal: timer.signal }).catch(() => undefined);
      await Promise.race([over, late]);
      timer.abort();
      return exit !== undefined;
    },
    release: () => {
      forget();
      child.unref();
    },
  };
}

const chores = new Set<() => void>();

/** Do something synchronous when this process ends, by itself or by a signal. Returns how to call it off. */
export function atExit(chore: () => void): () => void {
  watchOurEnd();
  chores.add(chore);
  return () => void chores.delete(chore);
}

let watching = false;

function watchOurEnd(): void {
  if (watching) return;
  watching = true;
  process.once('exit', doChores);
  for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    const onSignal = () => {
      // Whoever else listens for it decides about our end; its `exit` event brings us here again.
      if (process.listenerCount(name) > 1) return;
      doChores();
      process.removeListener(name, onSignal);
      process.kill(process.pid, name);
    };
    process.on(name, onSignal);
  }
}

function doChores(): void {
  for (const chore of [...chores].reverse()) chore();
  chores.clear();
}

/** Run a program to its end and return what it wrote; it is ended when it takes longer than `withinMs`. */
export async function runToEnd(
  [program = '', ...args]: readonly string[],
  { withinMs, env = {} }: { withinMs: number; env?: Record<string, string> },
): Promise<{ code: number | null; output: string }> {
  const child = spawn(program, args, {
    env: { ...process.env, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
    timeout: withinMs,
    killSignal: 'SIGKILL',
  });
  const forget = atExit(() => child.kill('SIGKILL'));
  const chunks: Buffer[] = [];
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk: Buffer) => void chunks.push(chunk));
  try {
    const [code] = (await once(child, 'close')) as [number | null];
    return { code, output: Buffer.concat(chunks).toString() };
  } catch (error) {
    return { code: null, output: String(error) };
  } finally {
    forget();
  }
}
