// The turn: inputs are stepped as they come, their effects wait for the end of the event loop's iteration, and whatever
// became durable in between is on disk before the first of them runs (design.md §3).
import type { Outcome } from '../commands/outcome.ts';
import type { Delivery } from '../commands/pubsub.ts';
import type { Clock, Effect, Input } from '../core/effects.ts';
import type { SentinelEvent } from '../core/events.ts';
import { isSettled } from '../core/names.ts';
import type { Rand, SentinelState } from '../core/state.ts';
import { nextDeadline, step } from '../core/step.ts';
import { SaveError } from './store.ts';

/** While a save is under way the clock is looked at this often, so that a slow disk is not taken for a standstill. */
const TICK_WHILE_SAVING_MS = 100;

/** An effect that reaches the world; `persist` is the engine's own business. */
export type OuterEffect = Exclude<Effect, { kind: 'persist' }>;

/** The world the engine acts on: real in main, fake in simulations. */
export interface World {
  clock(): Clock;
  readonly rand: Rand;
  /** Put the durable part of the state on disk; rejects with `SaveError` when the disk refuses. */
  save(): Promise<void>;
  /** Who hears of an event that happens now: whoever subscribes or leaves before it is told changes nothing of that. */
  audience(event: SentinelEvent): Audience;
  /** Carry out an effect; `audience`: of an event that is announced. */
  perform(effect: OuterEffect, audience: Audience): void;
  /** Run `callback` when the inputs that have arrived by now are through. */
  afterInputs(callback: () => void): void;
  /** Run `callback` after `delayMs`; a later call replaces an earlier one. */
  setTimer(callback: () => void, delayMs: number): void;
}

export interface Engine {
  /** Something happened. */
  input(input: Input): void;
  /**
   * Run a client's request in the present turn (returns true), or after the save that is under way or when a host
   * name is settled (returns false). While it waits for a name, `run` was called and is called again.
   * `deliver` gets the outcome when its effects have run; `saved` is false when this turn's save failed.
   */
  request(run: RunRequest, deliver: Deliver): boolean;
  /** Run the effects of the start, the save of a new id among them, and begin to keep time; then call `started`. */
  start(effects: readonly Effect[], started?: () => void): void;
}

type RunRequest = (clock: Clock) => Outcome;
type Deliver = (outcome: Outcome, saved: boolean) => void;
type Deed = { readonly effect: Effect; readonly audience: Audience } | { readonly deliver: (saved: boolean) => void };
/** Messages for those who listen. */
export type Audience = readonly Delivery[];
const NOBODY: Audience = [];

/** A reply, and nothing that anybody else could notice. */
function isAnswerOnly({ effects, after, close, abandon, kill, shutdown }: Outcome): boolean {
  if (effects !== undefined && effects.length > 0) return false;
  if (after !== undefined && after.length > 0) return false;
  return close !== true && abandon !== true && kill === undefined && shutdown !== true;
}

/** Create the engine of one sentinel. Nothing happens before `start`. */
export function createEngine(state: SentinelState, world: World): Engine {
  let deeds: Deed[] = [];
  let scheduled = false;
  let saving = false;
  /** When the first thing of the present turn happened: nothing of it has left yet. */
  let turnBegunAt = 0;
  /** When the timer goes off. */
  let timerAt = Number.POSITIVE_INFINITY;
  /** What arrived during a save; each knows the time at which it did. */
  const waiting: (() => void)[] = [];
  /** A save was long: its end and what arrived meanwhile are made up for, and the core knows that. */
  let isHeldBack = false;
  /** Requests that wait for a host name. */
  let parked: { readonly name: string; again(clock: Clock): void }[] = [];

  const collect = (effects: readonly Effect[] = []) => {
    for (const effect of effects)
      deeds.push({ effect, audience: effect.kind === 'announce' ? world.audience(effect.event) : NOBODY });
  };
  const stepNow = (input: Input, clock: Clock) => {
    schedule();
    collect(step(state, input, clock, world.rand));
    if (parked.length > 0) runParked(clock);
  };

  function runParked(clock: Clock): void {
    const ready = parked.filter(({ name }) => isSettled(state, name));
    parked = parked.filter((request) => !ready.includes(request));
    for (const { again } of ready) again(clock);
  }

  /** Run a request, or put it aside until the host name that it needs is settled. Returns whether it ran. */
  function serve(run: RunRequest, deliver: Deliver, clock: Clock): boolean {
    // A request changes the state without a step of its own: what is due by now comes first.
    if (nextDeadline(state) <= clock.now) stepNow({ kind: 'tick' }, clock);
    const outcome = run(clock);
    // Who only asked has changed nothing: no turn has to end for it, and no timer to be set anew.
    if (outcome.repeatable === true && deeds.length === 0) {
      deliver(outcome, true);
      return true;
    }
    schedule();
    collect(outcome.effects);
    if (outcome.awaitsName !== undefined) {
      parked.push({ name: outcome.awaitsName, again: (later) => void serve(run, deliver, later) });
      return false;
    }
    // Nothing of this turn waits to be done or saved, and this adds nothing: the answer need not wait for its end.
    if (deeds.length === 0 && isAnswerOnly(outcome)) deliver(outcome, true);
    else deeds.push({ deliver: (saved) => deliver(outcome, saved) });
    collect(outcome.after);
    return true;
  }

  /** Run `work` now, or with the time of its arrival as soon as the save is done. */
  const arrive = (work: (clock: Clock) => void): boolean => {
    const clock = world.clock();
    if (saving) {
      waiting.push(() => work(clock));
      return false;
    }
    if (deeds.length === 0) turnBegunAt = clock.now;
    work(clock);
    return true;
  };

  function schedule(): void {
    if (scheduled) return;
    scheduled = true;
    world.afterInputs(endTurn);
  }

  /** Carry out what was decided, and what that leads to. Only a save makes a turn wait. */
  function endTurn(): void {
    while (deeds.length > 0) {
      const turn = deeds;
      deeds = [];
      if (turn.some((deed) => 'effect' in deed && deed.effect.kind === 'persist')) return void endSavedTurn(turn);
      carryOut(turn, true);
    }
    scheduled = false;
    armTimer();
  }

  async function endSavedTurn(turn: readonly Deed[]): Promise<void> {
    carryOut(turn, await save());
    endTurn();
  }

  function carryOut(turn: readonly Deed[], saved: boolean): void {
    for (const deed of turn) perform(deed, saved);
    runWaiting();
  }

  /** What arrived during a save is judged by the time it arrived at, but what that leads to leaves only now. */
  function runWaiting(): void {
    if (!isHeldBack) return;
    isHeldBack = false;
    for (const work of waiting.splice(0)) work();
    const clock = world.clock();
    turnBegunAt = clock.now;
    stepNow({ kind: 'let-go' }, clock);
  }

  /**
   * Save, and tell the core how it went: what that leads to belongs to the next turn. The core hears of it as of the
   * time at which the save began, since everything that arrived later is yet to come; time never goes back.
   */
  async function save(): Promise<boolean> {
    saving = true;
    const begun = world.clock();
    armTimer();
    let outcome: Input = { kind: 'saved' };
    try {
      await world.save();
    } catch (error) {
      if (!(error instanceof SaveError)) throw error;
      outcome = { kind: 'save-failed', reason: error.message };
    }
    saving = false;
    // A process that stood still meanwhile has heard of nothing, and the save took it long all the same.
    isHeldBack = waiting.length > 0 || world.clock().now - begun.now > TICK_WHILE_SAVING_MS;
    if (isHeldBack) stepNow({ kind: 'held-back', since: turnBegunAt }, begun);
    stepNow(outcome, begun);
    return outcome.kind === 'saved';
  }

  function perform(deed: Deed, saved: boolean): void {
    if ('deliver' in deed) return deed.deliver(saved);
    const { effect } = deed;
    if (effect.kind === 'persist') return;
    // What must not be told unsaved is not told at all; everything else goes on (design.md §3).
    if (effect.kind === 'announce' && effect.ifSaved && !saved) return;
    world.perform(effect, deed.audience);
  }

  /** A timer that goes off before anything is due does no harm; to set it anew in each turn would cost more. */
  function armTimer(): void {
    const { now } = world.clock();
    const at = saving ? now + TICK_WHILE_SAVING_MS : nextDeadline(state);
    if (at >= timerAt) return;
    timerAt = at;
    world.setTimer(onTimer, Math.max(0, at - now));
  }

  /**
   * A late timer must not judge before the replies that lie in our sockets have been read: a process that did not get
   * the processor for a while would take every node for silent.
   */
  function onTimer(): void {
    world.afterInputs(() => {
      timerAt = Number.POSITIVE_INFINITY;
      arrive((clock) => stepNow({ kind: 'tick' }, clock));
      if (saving) armTimer();
    });
  }

  return {
    input: (input) => void arrive((clock) => stepNow(input, clock)),
    request(run, deliver) {
      let ran = false;
      arrive((clock) => {
        ran = serve(run, deliver, clock);
      });
      return ran;
    },
    start: (effects, started = () => undefined) => {
      collect(effects);
      deeds.push({ deliver: started });
      schedule();
    },
  };
}
