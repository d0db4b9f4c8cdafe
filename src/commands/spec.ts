// The shape of the command table: everything that is said of a command anywhere is said in its row.
import type { Call, Outcome } from './outcome.ts';

export type Handler = (call: Call) => Outcome;

export interface CommandSpec {
  /** Lower case. */
  readonly name: string;
  /** With the command's own words; negative = at least so many. */
  readonly arity: number;
  readonly flags: readonly string[];
  readonly categories: readonly string[];
  readonly tips?: readonly string[];
  readonly summary: string;
  readonly since: string;
  readonly group: string;
  /** Its arguments, for HELP. */
  readonly usage?: string;
  /** Its part of HELP where usage and summary do not do: each entry a usage line and the lines that explain it. */
  readonly help?: readonly (readonly string[])[];
  /** Works, but no list, description or help tells of it: redis-sentinel 7.0.15 does not have it. */
  readonly unlisted?: true;
  /** Absent for a container that cannot be called by itself. */
  readonly run?: Handler;
  readonly subcommands?: readonly CommandSpec[];
}

export type CommandTable = ReadonlyMap<string, CommandSpec>;

/** Does a request of `count` words, the command's own included, fit? */
export function fitsArity(spec: CommandSpec, count: number): boolean {
  return spec.arity < 0 ? count >= -spec.arity : count === spec.arity;
}

/** The flag sets that most rows share (spec/commands.md §9). */
export const FLAGS = {
  plain: ['noscript', 'loading', 'stale'],
  admin: ['admin', 'noscript', 'loading', 'stale'],
  free: ['loading', 'stale'],
  pubsub: ['pubsub', 'noscript', 'loading', 'stale'],
} as const;

export const CATEGORIES = {
  admin: ['@admin', '@slow', '@dangerous'],
  connection: ['@slow', '@connection'],
  adminConnection: ['@admin', '@slow', '@dangerous', '@connection'],
  fastConnection: ['@fast', '@connection'],
  pubsub: ['@pubsub', '@slow'],
} as const;
