// The operator's scripts that wait or run, as plain data, and who puts them there: events and new configurations.
// scripts.ts starts and ends them.
import { LEVEL, payload, type SentinelEvent } from './events.ts';
import type { Master, Ms, SentinelState } from './state.ts';

export type JobId = number;

/** One call of a script. It is forgotten when it ended well or for good. */
export interface ScriptJob {
  readonly id: JobId;
  /** The path first, as the script is given it. */
  readonly argv: readonly [path: string, ...args: string[]];
  /** How many times it was started. */
  runs: number;
  /** It tells of something that must be on disk before anybody hears of it. */
  awaitsSave: boolean;
  status: ScriptStatus;
}

/** `starting`: the shell was told to run it and has not yet said how that went. */
export type ScriptStatus =
  | { readonly kind: 'scheduled'; readonly at: Ms }
  | { readonly kind: 'starting' }
  | { readonly kind: 'running'; readonly pid: number; readonly since: Ms; readonly killed: boolean };

export interface ScriptQueue {
  /** Oldest first. Never more than `QUEUE_MAX`. */
  jobs: ScriptJob[];
  nextId: JobId;
  /** The deadline that is in the heap for the queue. */
  wakeAt: Ms | undefined;
}

/** redis-sentinel 7.0.15 keeps so many calls and no more (spec/behavior.md §11). */
export const QUEUE_MAX = 256;

export function createScriptQueue(): ScriptQueue {
  return { jobs: [], nextId: 1, wakeAt: undefined };
}

/** Queue the notification script for `event`, if it is a warning about an instance whose master has such a script. */
export function notify(state: SentinelState, event: SentinelEvent, awaitsSave: boolean): void {
  if (LEVEL[event.name] !== 'warning' || !('about' in event)) return;
  const master = state.masters.get((event.about.master ?? event.about).name);
  const path = master?.options.notificationScript;
  if (path !== undefined) schedule(state, [path, event.name, payload(event)], awaitsSave);
}

/** The address of a master before and after. */
export interface Move {
  readonly from: { readonly host: string; readonly port: number };
  readonly to: { readonly host: string; readonly port: number };
}

/** Queue the client reconfiguration script of `master`, if it has one: clients are to use `to` from now on. */
export function tellReconfiguration(
  state: SentinelState,
  master: Master,
  role: 'leader' | 'observer',
  { from, to }: Move,
): void {
  const path = master.options.clientReconfigScript;
  if (path === undefined) return;
  const places = [from.host, String(from.port), to.host, String(to.port)];
  schedule(state, [path, master.name, role, 'start', ...places], false);
}

/** Queue one call, due at once. When the queue is full, the oldest call that does not run is dropped without a word. */
function schedule({ scripts }: SentinelState, argv: ScriptJob['argv'], awaitsSave: boolean): void {
  const status = { kind: 'scheduled', at: Number.NEGATIVE_INFINITY } as const;
  scripts.jobs.push({ id: scripts.nextId++, argv, runs: 0, awaitsSave, status });
  if (scripts.jobs.length <= QUEUE_MAX) return;
  const oldest = scripts.jobs.findIndex((job) => job.status.kind === 'scheduled');
  scripts.jobs.splice(oldest, 1);
}

/** Calls that are being run. */
export function runningScripts({ scripts }: SentinelState): number {
  return scripts.jobs.filter(({ status }) => status.kind !== 'scheduled').length;
}

/** The save of this turn succeeded or failed: what waited for it may run, or nobody ever hears of it. */
export function settleUnsaved({ scripts }: SentinelState, saved: boolean): void {
  if (!saved) scripts.jobs = scripts.jobs.filter(({ awaitsSave }) => !awaitsSave);
  for (const job of scripts.jobs) job.awaitsSave = false;
}
