// What the core asks the shell to do, and what the shell tells the core: the whole boundary between them.
import type { Level, SentinelEvent } from './events.ts';
import type { JobId } from './script-queue.ts';
import type { ScriptEnd } from './scripts.ts';
import type { ConnectionId, Ms } from './state.ts';

/**
 * What the core wants done. Array order is execution order; nothing may be reordered.
 * One exception is the engine's: `persist` runs once per turn, ahead of every other effect of the turn.
 */
export type Effect =
  /** The durable state must be on disk before any other effect of this turn runs. */
  | { readonly kind: 'persist' }
  /** Tell an event: log and pub/sub channel. `ifSaved`: not at all when this turn's save failed. */
  | { readonly kind: 'announce'; readonly event: SentinelEvent; readonly ifSaved?: true }
  /** A log line that is no event. `untilWallMs` is written behind the text, in local time as C's ctime has it. */
  | { readonly kind: 'log'; readonly level: Level; readonly text: string; readonly untilWallMs?: number }
  /** Open a TCP (or TLS) connection; answered by `connected` or `closed` with the same id. */
  | { readonly kind: 'connect'; readonly connection: ConnectionId; readonly host: string; readonly port: number }
  /** Look a host name up; answered by `resolved` or `resolve-failed` with the same text, however long that takes. */
  | { readonly kind: 'resolve'; readonly name: string }
  /** Close it; nothing more of it comes back. */
  | { readonly kind: 'disconnect'; readonly connection: ConnectionId }
  /** Send one request; answered in order by `reply`. */
  | { readonly kind: 'send'; readonly connection: ConnectionId; readonly args: readonly string[] }
  /** Run an executable; answered by `script-started` and later `script-exited`, or by `script-refused`. */
  | { readonly kind: 'run-script'; readonly job: JobId; readonly argv: readonly [path: string, ...args: string[]] }
  /** Kill it; its end is told as any other. */
  | { readonly kind: 'kill-script'; readonly job: JobId }
  /** End the process at once: nothing that comes behind happens, and nobody is told what was not sent yet. */
  | { readonly kind: 'crash' };

/** A reply as far as the core reads it. Strings are byte strings: one character, one byte. */
export type NodeReply =
  /** A status or a bulk string: what carries the bytes does not tell them apart. */
  | { readonly kind: 'text'; readonly text: string }
  | { readonly kind: 'error'; readonly text: string }
  | { readonly kind: 'integer'; readonly value: bigint }
  | { readonly kind: 'null' }
  | { readonly kind: 'array'; readonly items: readonly NodeReply[] };

/** What happened in the world. */
export type Input =
  /** Time passed; sent when the deadline of `nextDeadline` has come. */
  | { readonly kind: 'tick' }
  | { readonly kind: 'connected'; readonly connection: ConnectionId; readonly localIp: string }
  /** The attempt failed, the other side closed, or the connection broke. */
  | { readonly kind: 'closed'; readonly connection: ConnectionId; readonly reason: string }
  | { readonly kind: 'reply'; readonly connection: ConnectionId; readonly reply: NodeReply }
  /** A message on the hello channel of a data node. */
  | { readonly kind: 'message'; readonly connection: ConnectionId; readonly text: string }
  /** A hello that a peer sent to us directly by PUBLISH. */
  | { readonly kind: 'hello'; readonly text: string }
  /** The IPs a host name stands for, in the resolver's order, at least one. */
  | { readonly kind: 'resolved'; readonly name: string; readonly ips: readonly string[] }
  | { readonly kind: 'resolve-failed'; readonly name: string; readonly reason: string }
  | { readonly kind: 'script-started'; readonly job: JobId; readonly pid: number }
  /** It ended, or there was nothing that could be executed (code 2, no `script-started` before). */
  | { readonly kind: 'script-exited'; readonly job: JobId; readonly end: ScriptEnd }
  /** The system has no process to spare. */
  | { readonly kind: 'script-refused'; readonly job: JobId; readonly reason: string }
  /** The durable state as it was at the end of the last turn is on disk. */
  | { readonly kind: 'saved' }
  | { readonly kind: 'save-failed'; readonly reason: string }
  /** A save was under way: what inputs led to since this instant leaves only with `let-go`. */
  | { readonly kind: 'held-back'; readonly since: Ms }
  /** Now it leaves. */
  | { readonly kind: 'let-go' };

/** Both clocks at the moment of an input: `now` monotonic for intervals, `wallMs` (Unix time) only for TILT and texts. */
export interface Clock {
  readonly now: Ms;
  readonly wallMs: Ms;
}
