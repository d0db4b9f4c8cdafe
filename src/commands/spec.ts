// The shape of the command table: everything that is said of a command anywhere is said in its row.
import { untilNul } from './arguments.ts';
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
  /** Another command does the same, and since this release is to be used; told by COMMAND DOCS. */
  readonly deprecated?: { readonly since: string; readonly replacedBy: string };
  /** Its arguments, for HELP. */
  readonly usage?: string;
  /** Its part of HELP where usage and summary do not do: each entry a usage line and the lines that explain it. */
  readonly help?: readonly (readonly string[])[];
  /** Channels among its arguments: the first one, all, or all of them patterns. Rights to them are needed as well. */
  readonly channels?: 'first' | 'all' | 'patterns';
  /**
   * It works, but no list, description or help tells of it: redis-sentinel 7.0.15 does not have it. The right to run it
   * is that of the command named here, in full.
   */
  readonly sameRightAs?: string;
  /** Absent for a container that cannot be called by itself. */
  readonly run?: Handler;
  readonly subcommands?: readonly CommandSpec[];
}

export type CommandTable = ReadonlyMap<string, CommandSpec>;

/** A row that was found. Without `spec` the container is there, and its subcommand is not. */
export interface Found {
  readonly command: CommandSpec;
  readonly spec: CommandSpec | undefined;
  readonly fullName: string;
}

/** The row that the first words of a request name; `undefined`: there is no such command. */
export function lookUp(table: CommandTable, words: readonly string[]): Found | undefined {
  const command = table.get(untilNul(words[0] ?? '').toLowerCase());
  if (command === undefined) return undefined;
  const found = rowsOf(command);
  if (command.subcommands === undefined || words.length < 2) return found.own;
  const name = untilNul(words[1] ?? '').toLowerCase();
  return found.below.get(name) ?? { command, spec: undefined, fullName: `${command.name}|${name}` };
}

/** What can be found in a row, itself included: made once, since every request looks for something. */
interface Rows {
  readonly own: Found;
  readonly below: ReadonlyMap<string, Found>;
}
const known = new WeakMap<CommandSpec, Rows>();

function rowsOf(command: CommandSpec): Rows {
  const rows = known.get(command);
  if (rows !== undefined) return rows;
  const { name, subcommands = [] } = command;
  const made = {
    own: { command, spec: command, fullName: name },
    below: new Map(subcommands.map((spec) => [spec.name, { command, spec, fullName: `${name}|${spec.name}` }])),
  };
  known.set(command, made);
  return made;
}

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
