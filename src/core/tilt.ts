// TILT: the process stood still or a clock jumped, so for a while our own view of time is not to be trusted.
import type { Clock } from './effects.ts';
import { goOn } from './ping.ts';
import type { SentinelState } from './state.ts';
import { announce, type Turn, touch } from './turn.ts';

/**
 * Did time do something that a running process does not see? Either an input comes long after the deadline that should
 * have woken us, or wall and monotonic time drifted apart since the last input (design.md §4).
 */
export function stoodStill(state: SentinelState, clock: Clock): boolean {
  const { tiltTriggerMs } = state.tunables;
  const elapsed = clock.now - state.lastInputAt;
  const drift = clock.wallMs - state.lastWallMs - elapsed;
  const due = state.deadlines[0]?.at ?? Number.POSITIVE_INFINITY;
  return Math.abs(drift) > tiltTriggerMs || clock.now - Math.max(due, state.lastInputAt) > tiltTriggerMs;
}

/** Enter TILT, or stay in it for another whole period. */
export function enterTilt(turn: Turn): void {
  turn.state.tiltAt = turn.now;
  announce(turn, { name: '+tilt' });
}

/** Leave TILT when its period is over: everything that was not judged meanwhile is judged now. */
export function leaveTiltWhenOver(turn: Turn): void {
  const { state, now } = turn;
  if (state.tiltAt === undefined || now - state.tiltAt <= state.tunables.tiltPeriodMs) return;
  state.tiltAt = undefined;
  announce(turn, { name: '-tilt' });
  for (const instance of state.instances.values()) touch(turn, instance);
  for (const master of state.masters.values()) goOn(turn, master);
}
