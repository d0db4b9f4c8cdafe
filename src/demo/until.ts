// Waiting for a condition with a deadline, and the one clock of demo and integration tests.
// Nothing here sleeps and hopes: whoever waits says for what, and learns what was seen last.
import { setTimeout as sleep } from 'node:timers/promises';

export interface UntilOptions {
  /** Deadline, 30 s unless told: generous, since a loaded machine is slow and a deadline costs nothing when met. */
  withinMs?: number;
  /** Pause between two looks, 50 ms unless told. */
  everyMs?: number;
  /** Extra text for the error, asked for only when the deadline passed. */
  describe?: () => string;
}

/**
 * Look again and again until `check` gives something other than `false` or `undefined`, and return that.
 * A `check` that throws counts as "not yet". At the deadline an error names `what`, the last error and `describe()`.
 */
export async function until<T>(
  what: string,
  check: () => Promise<T | false | undefined> | T | false | undefined,
  { withinMs = 30_000, everyMs = 50, describe }: UntilOptions = {},
): Promise<T> {
  const begunAt = nowMs();
  let lastError: unknown;
  for (;;) {
    const leftMs = withinMs - (nowMs() - begunAt);
    try {
      const seen = await within(Math.max(leftMs, everyMs), check);
      if (seen !== false && seen !== undefined) return seen;
      lastError = undefined;
    } catch (error) {
      lastError = error;
    }
    if (leftMs <= 0) break;
    await sleep(Math.min(everyMs, leftMs));
  }
  const details = [lastError === undefined ? '' : `last error: ${textOf(lastError)}`, describe?.() ?? ''];
  const text = [`waited ${withinMs} ms in vain for: ${what}`, ...details.filter((line) => line !== '')].join('\n');
  throw new Error(text, { cause: lastError });
}

/** Milliseconds since the Unix epoch with fractions, from a clock that no one steps while we run. */
export function nowMs(): number {
  return performance.timeOrigin + performance.now();
}

/** The message of whatever was thrown. */
export function textOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** A look that hangs must not outlive the deadline. */
async function within<T>(ms: number, check: () => Promise<T> | T): Promise<T> {
  const stop = new AbortController();
  const tooLate = sleep(ms, undefined, { signal: stop.signal }).then(() => {
    throw new Error('the check itself did not return');
  });
  try {
    return await Promise.race([Promise.resolve(check()), tooLate]);
  } finally {
    tooLate.catch(() => undefined);
    stop.abort();
  }
}
