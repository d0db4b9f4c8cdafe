// One run of the core: the state, the time, the draws, and the effects and instances that the rules touched so far.
// Rules write effects here in order and name the instances to be judged; nobody calls a rule from within another.
import { pushDeadline } from './deadlines.ts';
import type { Effect } from './effects.ts';
import type { Level, SentinelEvent } from './events.ts';
import { notify } from './script-queue.ts';
import type { CrashPoint, Instance, InstanceId, Master, Ms, Rand, SentinelState } from './state.ts';

export interface Turn {
  readonly state: SentinelState;
  readonly now: Ms;
  readonly wallMs: Ms;
  readonly rand: Rand;
  readonly effects: Effect[];
  readonly touched: Touched;
}

/** Instances whose rules must run before the turn ends, in order. Nearly every turn touches one: no set is made for it. */
export interface Touched {
  /** Comes before `more`; none comes here once there is a set. */
  first: InstanceId | undefined;
  more: Set<InstanceId> | undefined;
}

/** Begin a run of the core at `now`. `wallMs` is only for texts that people read. */
export function beginTurn(state: SentinelState, now: Ms, wallMs: Ms, rand: Rand): Turn {
  return { state, now, wallMs, rand, effects: [], touched: { first: undefined, more: undefined } };
}

/** Tell an event, to the notification script as well. With `ifSaved`, nobody hears of it when this turn's save fails. */
export function announce(turn: Turn, event: SentinelEvent, ifSaved?: true): void {
  turn.effects.push(ifSaved ? { kind: 'announce', event, ifSaved } : { kind: 'announce', event });
  notify(turn.state, event, ifSaved === true);
}

/** Write a log line that is no event. */
export function log(turn: Turn, level: Level, text: string): void {
  turn.effects.push({ kind: 'log', level, text });
}

/** End the process if SENTINEL SIMULATE-FAILURE asked for it at this point. */
export function crashIfSimulated(turn: Turn, point: CrashPoint): void {
  if (!turn.state.simulatedCrashes.has(point)) return;
  log(turn, 'warning', 'Sentinel CRASH because of SENTINEL simulate-failure');
  turn.effects.push({ kind: 'crash' });
}

/** Something durable changed: it must be on disk before anything of this turn leaves. */
export function persist(turn: Turn): void {
  turn.state.unsaved = true;
  turn.effects.push({ kind: 'persist' });
}

/** Discoveries come in bursts and can be made again; one save for those of this time is enough. */
export const SAVE_SOON_MS: Ms = 50;

/**
 * Something durable changed that no vote, epoch or reply depends on: save it with others, soon.
 * Differs: the genuine server rewrites its file for each thing that it learns.
 */
export function persistSoon(turn: Turn): void {
  const { state, now } = turn;
  state.unsaved = true;
  if (state.saveAt !== undefined) return;
  state.saveAt = now + SAVE_SOON_MS;
  pushDeadline(state.deadlines, { at: state.saveAt, target: 0 });
}

/** Let the rules of `instance` run before this turn ends. */
export function touch(turn: Turn, instance: { readonly id: InstanceId }): void {
  addTouched(turn.touched, instance.id);
}

/** The same for a master with all its replicas and peers: something changed that all of them look at. */
export function touchGroup(turn: Turn, master: Master): void {
  addTouched(turn.touched, master.id);
  for (const id of master.replicas.values()) addTouched(turn.touched, id);
  for (const id of master.peers.values()) addTouched(turn.touched, id);
}

function addTouched(touched: Touched, id: InstanceId): void {
  if (touched.more !== undefined) {
    if (id !== touched.first) touched.more.add(id);
  } else if (touched.first === undefined) touched.first = id;
  else if (id !== touched.first) touched.more = new Set([id]);
}

/** It is gone: no rules to run. */
export function untouch({ touched }: Turn, id: InstanceId): void {
  if (touched.first === id) touched.first = undefined;
  else touched.more?.delete(id);
}

/** Wake `instance` at `at` unless something wakes it earlier; `Infinity` asks for nothing. */
export function wake(turn: Turn, instance: Instance, at: Ms): void {
  const due = Math.max(at, turn.now + 1);
  if (due >= instance.wakeAt) return;
  instance.wakeAt = due;
  pushDeadline(turn.state.deadlines, { at: instance.wakeAt, target: instance.id });
}
