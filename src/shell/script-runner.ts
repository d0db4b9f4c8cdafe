// The operator's scripts as processes, as redis-sentinel starts them: no shell, our environment, working directory and
// standard streams, no other descriptor of ours. Those that run when we stop go on by themselves.
import { type ChildProcess, spawn } from 'node:child_process';
import { constants } from 'node:os';
import type { JobId } from '../core/script-queue.ts';
import type { ScriptEnd } from '../core/scripts.ts';
import { fromBytes } from './bytes.ts';

/** What becomes of a script: `exited` behind `started`, or alone when there was nothing to execute; or `refused`. */
export interface ScriptEvents {
  started(job: JobId, pid: number): void;
  exited(job: JobId, end: ScriptEnd): void;
  refused(job: JobId, reason: string): void;
}

export interface ScriptRunner {
  /** Start it soon. Texts are byte strings; bytes that are no UTF-8 come out as U+FFFD, since Node can't pass them on. */
  run(job: JobId, argv: readonly [path: string, ...args: string[]]): void;
  kill(job: JobId): void;
}

/** What the genuine server's child says when there is nothing it can execute. */
const CANNOT_EXECUTE: ScriptEnd = { code: 2, signal: 0 };
/** The system can make no process just now; anything else is the script's own fault. */
const NO_PROCESS = new Set(['EAGAIN', 'ENOMEM', 'EMFILE', 'ENFILE']);

/** Create the runner. Each call leads to its events, in this turn of the loop or a later one. */
export function createScriptRunner(events: ScriptEvents): ScriptRunner {
  const waiting: (() => void)[] = [];
  const children = new Map<JobId, ChildProcess>();

  /** A process takes milliseconds to make: replies of nodes and peers are read between two of them. */
  function startNext(): void {
    waiting.shift()?.();
    if (waiting.length > 0) setImmediate(startNext);
  }

  function start(job: JobId, argv: readonly [string, ...string[]]): void {
    let child: ChildProcess;
    try {
      child = make(argv);
    } catch (error) {
      return failed(job, error as NodeJS.ErrnoException);
    }
    const { pid } = child;
    if (pid === undefined) return void child.once('error', (error) => failed(job, error));
    children.set(job, child);
    child.once('exit', (code, signal) => {
      children.delete(job);
      events.exited(job, { code: code ?? 0, signal: signal === null ? 0 : constants.signals[signal] });
    });
    // A kill that comes too late is an error of its own: the exit tells what counts.
    child.on('error', () => undefined);
    events.started(job, pid);
  }

  function failed(job: JobId, error: NodeJS.ErrnoException): void {
    if (NO_PROCESS.has(error.code ?? '')) events.refused(job, error.message);
    else events.exited(job, CANNOT_EXECUTE);
  }

  return {
    run: (job, argv) => {
      waiting.push(() => start(job, argv));
      if (waiting.length === 1) setImmediate(startNext);
    },
    kill: (job) => void children.get(job)?.kill('SIGKILL'),
  };
}

function make(argv: readonly [string, ...string[]]): ChildProcess {
  const [path, ...args] = argv.map(fromBytes);
  const file = path ?? '';
  // Differs: libuv gives a file without a #! line to sh, where the genuine server could not execute it.
  // A bare name is a file of the working directory, not something to look for on the PATH.
  return spawn(file.includes('/') ? file : `./${file}`, args, { argv0: file, stdio: 'inherit' });
}
