// The commands that rights can be given to, as the rules of users name them: made from the command table, which this
// folder does not know.

/** What rights need to know of a row of the command table. */
export interface AclRow {
  readonly name: string;
  readonly categories: readonly string[];
  readonly subcommands?: readonly AclRow[];
  readonly sameRightAs?: string;
}

/** A command under its full name: `client|list`. */
export interface AclCommand {
  readonly name: string;
  /** Without `@`. */
  readonly categories: readonly string[];
  readonly isSubcommand: boolean;
  /** Present, and not empty, for a container. */
  readonly subcommands: readonly AclCommand[] | undefined;
  /**
   * Differs: a command that redis-sentinel 7.0.15 does not have, and refuses in rules: the full name of the one whose right counts for it, unless a
   * rule names it. Rules that are derived, and not given, never name it: the genuine server could not read them.
   */
  readonly sameRightAs: string | undefined;
}

/** All commands; `byName` knows the newer ones as well, `top` lists the genuine ones, containers with theirs. */
export interface AclCommands {
  readonly top: readonly AclCommand[];
  readonly byName: ReadonlyMap<string, AclCommand>;
  /** The genuine members of each category, subcommands included. */
  readonly inCategory: ReadonlyMap<string, readonly AclCommand[]>;
}

/** The categories of redis-sentinel 7.0.15 in its order; most have no command here. */
export const ACL_CATEGORIES: readonly string[] = [
  ...['keyspace', 'read', 'write', 'set', 'sortedset', 'list', 'hash', 'string', 'bitmap', 'hyperloglog', 'geo'],
  ...['stream', 'pubsub', 'admin', 'fast', 'slow', 'blocking', 'dangerous', 'connection', 'transaction', 'scripting'],
];

/** The commands of a table of rows; `subcommands` makes a row a container. */
export function aclCommands(rows: Iterable<AclRow>): AclCommands {
  const byName = new Map<string, AclCommand>();
  const top = [...rows].map((row) => command(row, undefined, byName));
  const all = top.flatMap((each) => [each, ...(each.subcommands ?? [])]);
  const members = (category: string) => all.filter(({ categories }) => categories.includes(category));
  return { top, byName, inCategory: new Map(ACL_CATEGORIES.map((category) => [category, members(category)])) };
}

function command(row: AclRow, container: string | undefined, byName: Map<string, AclCommand>): AclCommand {
  const name = container === undefined ? row.name : `${container}|${row.name}`;
  const subcommands = row.subcommands?.map((sub) => command(sub, name, byName));
  const made: AclCommand = {
    name,
    categories: row.categories.map((category) => category.replace(/^@/, '')),
    isSubcommand: container !== undefined,
    subcommands: subcommands?.filter((sub) => sub.sameRightAs === undefined),
    sameRightAs: row.sameRightAs,
  };
  byName.set(name, made);
  return made;
}
