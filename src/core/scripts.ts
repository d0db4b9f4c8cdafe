// When scripts are started, tried again, killed and given up (spec/behavior.md §11).
import { pushDeadline } from './deadlines.ts';
import { type JobId, runningScripts, type ScriptJob } from './script-queue.ts';
import type { Ms } from './state.ts';
import { announce, log, type Turn } from './turn.ts';

/** So many run at a time, */
export const RUNNING_MAX = 16;
/** and each is started so many times at most. */
export const RUNS_MAX = 10;
/**
 * A process that the system refuses to make is asked for again after so long.
 * Differs: the genuine server asks at every tick, for every call in the queue, and counts each as a run.
 */
const REFUSED_RETRY_MS: Ms = 1000;
/** What `-script-error` names as the signal of a process that could not be made; there is no such signal. */
const REFUSED_SIGNAL = 99;

/** Start what is due, kill what runs too long, and see to it that we are woken for the next. Ends every run of the core. */
export function runScripts(turn: Turn): void {
  const { scripts } = turn.state;
  if (scripts.jobs.length === 0) return;
  let running = runningScripts(turn.state);
  let next = Number.POSITIVE_INFINITY;
  // They start in the order of what they tell: behind one that waits for the save all others wait for it.
  let held = false;
  for (const job of scripts.jobs) {
    held ||= job.awaitsSave;
    if (!held && running < RUNNING_MAX && isDue(turn, job)) {
      start(turn, job);
      running += 1;
    }
    next = Math.min(next, nextInstant(turn, job, !held && running < RUNNING_MAX));
  }
  const armed = scripts.wakeAt !== undefined && scripts.wakeAt > turn.now && scripts.wakeAt <= next;
  if (armed || next === Number.POSITIVE_INFINITY) return;
  scripts.wakeAt = next;
  pushDeadline(turn.state.deadlines, { at: next, target: 0 });
}

const isDue = ({ now }: Turn, { status }: ScriptJob): boolean => status.kind === 'scheduled' && status.at <= now;

function start(turn: Turn, job: ScriptJob): void {
  job.runs += 1;
  job.status = { kind: 'starting' };
  turn.effects.push({ kind: 'run-script', job: job.id, argv: job.argv });
}

/** When something is to be done about `job` by itself. One that may not start now waits for a save or another one's end. */
function nextInstant(turn: Turn, job: ScriptJob, mayStart: boolean): Ms {
  const { status } = job;
  if (status.kind === 'running' && !status.killed) {
    const deadline = status.since + turn.state.tunables.scriptMaxRuntimeMs + 1;
    if (turn.now < deadline) return deadline;
    kill(turn, job, status);
  }
  return mayStart && status.kind === 'scheduled' ? status.at : Number.POSITIVE_INFINITY;
}

/** Its end comes as an input like any other end. */
function kill(turn: Turn, job: ScriptJob, status: Extract<ScriptJob['status'], { kind: 'running' }>): void {
  job.status = { ...status, killed: true };
  announce(turn, { name: '-script-timeout', path: job.argv[0], pid: status.pid });
  turn.effects.push({ kind: 'kill-script', job: job.id });
}

/** The shell made a process for the job. */
export function onScriptStarted(turn: Turn, id: JobId, pid: number): void {
  const job = find(turn, id);
  if (job === undefined) return;
  job.status = { kind: 'running', pid, since: turn.now, killed: false };
  announce(turn, { name: '+script-child', pid });
}

/** How a script ended: `signal` is 0 unless it was killed by one, then `code` is 0. */
export interface ScriptEnd {
  readonly code: number;
  readonly signal: number;
}

/** 0: done. 1, or killed by a signal: once more, later. Anything else, or once too often: given up. */
export function onScriptExited(turn: Turn, id: JobId, { code, signal }: ScriptEnd): void {
  const job = find(turn, id);
  if (job === undefined || job.status.kind === 'scheduled') return;
  if (job.status.kind === 'running') announce(turn, { name: '-script-child', pid: job.status.pid, code, signal });
  if ((signal !== 0 || code === 1) && job.runs < RUNS_MAX) {
    job.status = { kind: 'scheduled', at: turn.now + turn.state.tunables.scriptRetryDelayMs * 2 ** (job.runs - 1) };
    return;
  }
  if (signal !== 0 || code !== 0) announce(turn, { name: '-script-error', path: job.argv[0], signal, code });
  const { scripts } = turn.state;
  scripts.jobs = scripts.jobs.filter((other) => other !== job);
}

/** The system made no process: nothing was run, and the job stays. */
export function onScriptRefused(turn: Turn, id: JobId, reason: string): void {
  const job = find(turn, id);
  if (job === undefined) return;
  announce(turn, { name: '-script-error', path: job.argv[0], signal: REFUSED_SIGNAL, code: 0 });
  log(turn, 'warning', `Can't start a process for ${job.argv[0]}: ${reason}`);
  job.runs -= 1;
  job.status = { kind: 'scheduled', at: turn.now + REFUSED_RETRY_MS };
}

function find({ state }: Turn, id: JobId): ScriptJob | undefined {
  return state.scripts.jobs.find((job) => job.id === id);
}
