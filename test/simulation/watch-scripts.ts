// What must hold of the operator's scripts (spec/behavior.md §14 I22): few at a time, in the order of the events, and a new
// address is handed on only when it is on disk.
import type { JobId } from '../../src/core/script-queue.ts';
import type { Life } from './sentinel.ts';

/** What the genuine server allows. */
const RUNNING_MAX = 16;
const QUEUE_MAX = 256;
/** Ten runs; a process that the system refuses to make is none, and is asked for about as often. */
const STARTS_MAX = 20;

/** The scripts that one process was seen to start. */
export interface ScriptsSeen {
  readonly runs: Map<JobId, number>;
  newest: JobId;
  /** Begun while saves failed, when everything but votes goes on; they may be run again when saves work. */
  readonly unsaved: Set<JobId>;
}

export const noScripts = (): ScriptsSeen => ({ runs: new Map(), newest: 0, unsaved: new Set() });

/** A script is about to be started. Returns what is wrong with that. */
export function wrongInScript({ state, processes }: Life, seen: ScriptsSeen, job: JobId): string | undefined {
  const runs = (seen.runs.get(job) ?? 0) + 1;
  seen.runs.set(job, runs);
  if (processes.size >= RUNNING_MAX) return `${processes.size} scripts run already`;
  if (processes.has(job)) return `script ${job} runs already`;
  if (state.scripts.jobs.length > QUEUE_MAX) return `${state.scripts.jobs.length} scripts wait`;
  if (runs > STARTS_MAX) return `script ${job} runs for the ${runs}th time`;
  if (runs > 1) return undefined;
  if (job < seen.newest) return `script ${job} starts behind ${seen.newest}`;
  seen.newest = job;
  return undefined;
}
