// A user as plain data: who may log in as it, and what it may do. Users are never changed, only replaced.

/** What a key pattern allows. A sentinel has no keys: patterns are kept, and written back. */
export type KeyAccess = 'read' | 'write' | 'all';

/** Which commands may be run; names are full names as in `AclCommands`. */
export interface CommandRights {
  readonly allowed: ReadonlySet<string>;
  /** Given by `+@all`, taken by `-@all`: rules are then written as what is taken away from all commands. */
  readonly future: boolean;
  /** Commands that are allowed with one of these words behind them only, in any case. */
  readonly firstArguments: ReadonlyMap<string, readonly string[]>;
  /** Rules that name a command which redis-sentinel 7.0.15 does not have (see `AclCommand.sameRightAs`). */
  readonly newer: ReadonlyMap<string, boolean>;
}

/** Commands, keys and channels that may be used together. */
export interface Selector {
  readonly allKeys: boolean;
  /** By pattern, in the order they were given. */
  readonly keys: ReadonlyMap<string, KeyAccess>;
  readonly allChannels: boolean;
  readonly channels: readonly string[];
  readonly commands: CommandRights;
}

export interface User {
  readonly name: string;
  readonly on: boolean;
  /** Every password is right. */
  readonly nopass: boolean;
  /** Lower-case SHA-256 hex, in the order they were given; never clear text. */
  readonly passwords: readonly string[];
  /** Means nothing here; `undefined`: never said, and never written. */
  readonly payload: 'sanitize-payload' | 'skip-sanitize-payload' | undefined;
  readonly root: Selector;
  /** Each of them is enough for a request. */
  readonly selectors: readonly Selector[];
}

export const NO_COMMANDS: CommandRights = {
  allowed: new Set(),
  future: false,
  firstArguments: new Map(),
  newer: new Map(),
};

/** Nothing is allowed but, where `acl-pubsub-default` says so, all channels. */
export function emptySelector(allChannels: boolean): Selector {
  return { allKeys: false, keys: new Map(), allChannels, channels: [], commands: NO_COMMANDS };
}

/** A user as it is before its first rule: off, without password or rights. */
export function createUser(name: string, allChannels: boolean): User {
  const root = emptySelector(allChannels);
  return { name, on: false, nopass: false, passwords: [], payload: undefined, root, selectors: [] };
}

/** Bytewise, as ACL LIST and the files have them. */
export function byName(a: { readonly name: string }, b: { readonly name: string }): number {
  return a.name < b.name ? -1 : a.name > b.name ? 1 : 0;
}
