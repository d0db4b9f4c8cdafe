// The signals that reach us, and the way the process ends: what is removed, what is said, with which status.
import { toBytes } from './bytes.ts';
import type { Log } from './log.ts';

export interface Ending {
  readonly log: Log;
  /** Tell the supervisor, close sockets, remove files; then how long it takes until nothing is under way. */
  cleanUp(): void;
  /** Resolves when the save that is under way is through. */
  readonly settled: () => Promise<unknown>;
}

/** A disk that hangs must not keep us; the file is whole at every instant. */
const SETTLE_MAX_MS = 500;

/** Make the function that ends the process cleanly, with status 0; once is enough. */
export function createStop({ log, cleanUp, settled }: Ending): () => void {
  let stopping = false;
  return () => {
    if (stopping) return;
    stopping = true;
    log.write('warning', 'User requested shutdown...');
    cleanUp();
    const end = () => {
      log.write('warning', 'Sentinel is now ready to exit, bye bye...');
      process.exit(0);
    };
    setTimeout(end, SETTLE_MAX_MS);
    void settled().then(end, end);
  };
}

/**
 * Node's own answers would be to end without a word (SIGHUP, SIGALRM) and to open a debugger (SIGUSR1): neither is for
 * a sentinel. To be called first of all, before there is a log.
 * Differs: SIGUSR1 and SIGUSR2 end the genuine server (TS-D12).
 */
export function ignoreSignals(say: (text: string) => void): void {
  for (const signal of ['SIGHUP', 'SIGPIPE', 'SIGALRM'] as const) process.on(signal, () => undefined);
  for (const signal of ['SIGUSR1', 'SIGUSR2'] as const)
    process.on(signal, () => say(`Received ${signal}: it has no effect`));
}

/** SIGTERM and SIGINT stop us; a second SIGINT before we are through ends us at once, with status 1. */
export function stopOnSignals(log: Log, stop: () => void): void {
  let interrupted = false;
  process.on('SIGTERM', () => {
    log.writeFromSignal('Received SIGTERM scheduling shutdown...');
    stop();
  });
  process.on('SIGINT', () => {
    if (interrupted) {
      log.writeFromSignal('You insist... exiting now.');
      process.exit(1);
    }
    interrupted = true;
    log.writeFromSignal('Received SIGINT scheduling shutdown...');
    stop();
  });
}

/**
 * A broken invariant, or an error nobody expected, wherever it was thrown: the process ends at once, with status 1. A
 * stopped sentinel is outvoted, a wrong one is believed. To be called first of all; `last` is asked when it happens.
 * `withReport`: crash-log-enabled, the stack as well.
 */
export function endOnBug(last: () => { readonly log: Log; readonly withReport: boolean }): void {
  const end = (thrown: unknown) => {
    const { log, withReport } = last();
    const text = withReport
      ? `=== TS-SENTINEL BUG REPORT START: ${stackOf(thrown)} === BUG REPORT END`
      : `Ended by an unexpected error: ${thrown instanceof Error ? thrown.message : String(thrown)}`;
    log.writeLast(toBytes(text));
    process.exit(1);
  };
  process.on('uncaughtException', end);
  // Without this, NODE_OPTIONS could make a rejection a mere warning.
  process.on('unhandledRejection', end);
}

/** The stack, and those of the causes. Other properties stay out: an ioredis error carries the password that was sent. */
function stackOf(thrown: unknown): string {
  if (!(thrown instanceof Error)) return `thrown: ${String(thrown)}`;
  const stack = thrown.stack ?? thrown.message;
  return thrown.cause === undefined ? stack : `${stack}\ncaused by ${stackOf(thrown.cause)}`;
}
