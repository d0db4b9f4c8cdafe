// COMMAND: the table, told to clients. Every answer is a walk over it.
import { array, bulk, bulks, error, integer, map, nullBulk, type Reply, set, simple } from '../protocol/reply.ts';
import { argumentsReply } from './argument-docs.ts';
import { byName, SYNTAX_ERROR, untilNul } from './arguments.ts';
import { globMatches } from './glob.ts';
import { answer, type Call, type Outcome } from './outcome.ts';
import { type CommandSpec, type CommandTable, lookUp } from './spec.ts';

/** COMMAND, COMMAND INFO [name …]. */
export function commandInfo({ table, args }: Call): Outcome {
  const names = args.slice(2);
  if (names.length === 0) return answer(array([...table.values()].map((spec) => entry(spec, spec.name))));
  return answer(
    array(
      names.map((name) => {
        const found = find(table, name);
        return found === undefined ? nullBulk : entry(found.spec, found.fullName);
      }),
    ),
  );
}

export const commandCount = ({ table }: Call): Outcome => answer(integer(table.size));

/** COMMAND LIST [FILTERBY MODULE|ACLCAT|PATTERN value]: containers and `container|sub`. */
export function commandList({ table, args }: Call): Outcome {
  const all = [...named(table)];
  if (args.length === 2) return answer(bulks(all.map(({ fullName }) => fullName)));
  const [, , filterBy = '', kind = '', value = ''] = args;
  if (filterBy.toUpperCase() !== 'FILTERBY' || args.length !== 5) return answer(SYNTAX_ERROR);
  const filters = byName<(found: Named) => boolean>({
    MODULE: () => false,
    ACLCAT: ({ spec }) => spec.categories.includes(`@${value.toLowerCase()}`),
    PATTERN: ({ fullName }) => globMatches(value.toLowerCase(), fullName),
  });
  const filter = filters.get(kind.toUpperCase());
  if (filter === undefined) return answer(SYNTAX_ERROR);
  return answer(bulks(all.filter(filter).map(({ fullName }) => fullName)));
}

/** COMMAND DOCS [name …]: unknown names are left out. */
export function commandDocs({ table, args }: Call): Outcome {
  const names = args.slice(2);
  const chosen =
    names.length === 0
      ? [...table.values()].map((spec): Named => ({ fullName: spec.name, spec }))
      : names.flatMap((name) => find(table, name) ?? []);
  return answer(map(chosen.map(({ fullName, spec }) => [fullName, docs(spec, fullName)] as const)));
}

/** The subcommands of a container that it tells of: those that redis-sentinel 7.0.15 has. */
const listedIn = ({ subcommands = [] }: CommandSpec) =>
  subcommands.filter(({ sameRightAs }) => sameRightAs === undefined);

const docs = onceFor((spec, fullName): Reply => {
  const subcommands = listedIn(spec).map(
    (sub) => [`${fullName}|${sub.name}`, docs(sub, `${fullName}|${sub.name}`)] as const,
  );
  const callable = argumentsReply(fullName);
  return map([
    ['summary', bulk(spec.summary)],
    ['since', bulk(spec.since)],
    ['group', bulk(spec.group)],
    ['complexity', bulk('O(1)')],
    ...(spec.deprecated === undefined ? [] : deprecation(spec.deprecated)),
    ...(callable === undefined ? [] : [['arguments', callable] as const]),
    ...(subcommands.length > 0 ? [['subcommands', map(subcommands)] as const] : []),
  ]);
});

function deprecation({ since, replacedBy }: NonNullable<CommandSpec['deprecated']>): [string, Reply][] {
  return [
    ['doc_flags', set([simple('deprecated')])],
    ['deprecated_since', bulk(since)],
    ['replaced_by', bulk(replacedBy)],
  ];
}

/** COMMAND GETKEYS, GETKEYSANDFLAGS: nothing here has keys; redis-sentinel 7.0.15 says so before it counts words. */
export function commandGetKeys({ table, args }: Call): Outcome {
  if (lookUp(table, args.slice(2))?.spec === undefined) return answer(error('ERR Invalid command specified'));
  return answer(error('ERR The command has no key arguments'));
}

/** A row under its full name, `container|sub` for a subcommand. */
export interface Named {
  readonly fullName: string;
  readonly spec: CommandSpec;
}

/** All rows, each container before its subcommands. */
export function* named(table: CommandTable): Generator<Named> {
  for (const spec of table.values()) {
    yield { fullName: spec.name, spec };
    for (const sub of listedIn(spec)) yield { fullName: `${spec.name}|${sub.name}`, spec: sub };
  }
}

function find(table: CommandTable, name: string): Named | undefined {
  const [container = '', sub, ...rest] = name.toLowerCase().split('|');
  const spec = table.get(container);
  if (spec === undefined || rest.length > 0) return undefined;
  if (sub === undefined) return { fullName: spec.name, spec };
  const found = listedIn(spec).find((each) => each.name === sub);
  return found === undefined ? undefined : { fullName: `${spec.name}|${sub}`, spec: found };
}

/** The ten elements that describe a command; key positions are 0, since nothing here has keys. */
const entry = onceFor(
  (spec, fullName): Reply =>
    array([
      bulk(fullName),
      integer(spec.arity),
      set(spec.flags.map(simple)),
      integer(0),
      integer(0),
      integer(0),
      set(spec.categories.map(simple)),
      set((spec.tips ?? []).map(bulk)),
      set([]),
      subcommandEntries(spec, fullName),
    ]),
);

/** An array of entries; where there are none redis-sentinel 7.0.15 tells an empty set. */
function subcommandEntries(spec: CommandSpec, fullName: string): Reply {
  const entries = listedIn(spec).map((sub) => entry(sub, `${fullName}|${sub.name}`));
  return entries.length === 0 ? set([]) : array(entries);
}

/** HELP of a container: usage at the margin, what it does indented below (spec/commands.md §3). */
export function helpOf({ table, args }: Call): Outcome {
  const typed = untilNul(args[0] ?? '');
  const container = table.get(typed.toLowerCase());
  const title = `${typed.toUpperCase()} <subcommand> [<arg> [value] [opt] ...]. Subcommands are:`;
  const entries = [
    ...(container?.help ?? []),
    ...(container === undefined ? [] : listedIn(container)).flatMap(helpEntries),
  ];
  const lines = entries.flatMap(([usage = '', ...texts]) => [usage, ...texts.map((text) => `    ${text}`)]);
  return answer(array([title, ...lines].map(simple)));
}

function helpEntries({ name, usage = '', summary, help }: CommandSpec): readonly (readonly string[])[] {
  return help ?? [[`${name.toUpperCase()} ${usage}`.trimEnd(), summary]];
}

/**
 * Each row's description is made once: a client may ask for the same one a hundred thousand times in one request, and
 * that must not make a hundred thousand of them.
 */
function onceFor(make: (spec: CommandSpec, fullName: string) => Reply) {
  const made = new Map<string, Reply>();
  return (spec: CommandSpec, fullName: string): Reply => {
    const known = made.get(fullName) ?? make(spec, fullName);
    made.set(fullName, known);
    return known;
  };
}
