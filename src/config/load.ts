// The text of sentinel.conf -> general options and the durable state, or the error the genuine server would give.
// General directives take effect line by line; `sentinel` lines wait until all text was read (spec/config.md §1).
import type { DurableState } from '../core/durable.ts';
import type { AclCommands } from './acl/acl-commands.ts';
import type { RuleContext, Sha256Hex } from './acl/rules.ts';
import { declareUser, type Users } from './acl/users.ts';
import { ConfigError, type LinePlace } from './config-error.ts';
import {
  type Draft,
  lineKey,
  lineText,
  NO_SUCH_MASTER,
  passOf,
  readSentinelLine,
  type SentinelLine,
  sentinelDirective,
} from './directives.ts';
import {
  applyGeneral,
  checkOtherName,
  defaultValues,
  type GeneralOptions,
  type GeneralValues,
  generalOption,
  typedOptions,
  valueIn,
} from './general-options.ts';
import type { generalTable } from './general-table.ts';
import {
  type FileText,
  linesOfCommandLine,
  loadUsers,
  type ReadUser,
  type UserSource,
  userNotices,
  usersToWrite,
  userWarnings,
  winnerOf,
} from './load-users.ts';
import { type GeneralInEffect, SIGNATURE } from './rewrite.ts';
import { announcedPort } from './tls-options.ts';
import { tokenize, trimLine } from './tokens.ts';

/** An included file: `path` names it in messages and finds cycles, so it should be absolute; `text` is latin1. */
export interface IncludedFile {
  readonly path: string;
  readonly text: string;
}

/** What loading needs from the world. Errors are texts as strerror gives them, like `No such file or directory`. */
export interface Environment {
  /** The main file, to find an include cycle; absolute. */
  readonly configFile?: string;
  /** Standard input, when it was asked for. */
  readonly stdin?: string;
  /** Lines made by `commandLineToLines`. */
  readonly commandLine?: readonly string[];
  /** The files an `include` line stands for, wildcards expanded, relative to the working directory. */
  readonly readInclude: (path: string) => readonly IncludedFile[] | { readonly error: string };
  readonly isExecutable: (path: string) => boolean;
  /** `dir`: makes it the working directory at once. `undefined` = done. */
  readonly enterDirectory: (path: string) => string | undefined;
  /** The absolute working directory. */
  readonly workingDirectory: () => string;
  /** Opens the log file for append as a test. `undefined` = it can be. */
  readonly tryLogFile: (path: string) => string | undefined;
  readonly sha256Hex: Sha256Hex;
  /** The commands that clients may call, for `user` lines and `rename-command`. */
  readonly commands: AclCommands;
  /** The ACL file, relative to the working directory. */
  readonly readAclFile: (path: string) => FileText;
}

export interface LoadedConfig {
  readonly general: GeneralOptions;
  readonly durable: DurableState;
  /** All users: the default one is always there. */
  readonly users: Users;
  /** By the name that clients call, in lower case: the command's own name. Renamed ones have another, removed ones none. */
  readonly commandNames: ReadonlyMap<string, string>;
  /** What `rewriteConfig` needs to know besides the durable state. */
  readonly inEffect: GeneralInEffect;
  /** For the start-up log, one line each, without secrets. */
  readonly warnings: readonly string[];
  /** The genuine server's own words for the start-up log. */
  readonly notices: readonly string[];
}

interface Loading {
  readonly environment: Environment;
  readonly values: GeneralValues;
  readonly draft: Draft;
  readonly queue: SentinelLine[];
  readonly warnings: string[];
  /** Where each general option was last set, in order of the first time. */
  readonly setAt: Map<string, LinePlace>;
  readonly fromCommandLine: Set<string>;
  readonly users: ReadUser[];
  /** As in `LoadedConfig`. */
  readonly commandNames: Map<string, string>;
  /** Set where errors are collected, not thrown. */
  readonly problems?: ConfigError[];
  /** Names of masters whose monitor line was refused: what else is said of them is not wrong for that reason. */
  readonly refusedMasters: Set<string>;
}

type Source = SentinelLine['source'];

interface Line {
  readonly place: LinePlace;
  readonly source: Source;
  readonly belowSignature: boolean;
  /** The files being read, the main one first. */
  readonly files: readonly string[];
}

/** Reads a whole configuration; `text` is the main file as latin1. Throws ConfigError for the first error there is. */
export function loadConfig(text: string, environment: Environment): LoadedConfig {
  const loading = startLoading(environment);
  const { users, source } = loadAll(loading, text);
  const { named: _named, merged: _merged, masters, ...settings } = loading.draft;
  return {
    general: source.general,
    durable: { ...settings, masters: [...masters.values()] },
    users,
    commandNames: loading.commandNames,
    inEffect: inEffect(loading, source, users),
    warnings: loading.warnings,
    notices: userNotices(users, source.declared),
  };
}

/** Everything that is wrong with a configuration, and what is worth a warning; never throws a ConfigError. */
export interface Findings {
  /** In the order in which they are met: general lines, `sentinel` lines in their passes, then the whole. */
  readonly problems: readonly ConfigError[];
  readonly warnings: readonly string[];
  readonly masters: number;
}

/** Reads on behind an error, for whoever wants to see all of them at once. What only follows from one is left out. */
export function checkConfig(text: string, environment: Environment): Findings {
  const problems: ConfigError[] = [];
  const loading = { ...startLoading(environment), problems };
  loadAll(loading, text);
  attempt(loading, () => {
    if (listensNowhere(loading.values))
      throw new ConfigError('Configured to not listen anywhere, exiting.', undefined, { channel: 'log' });
  });
  return { problems, warnings: loading.warnings, masters: loading.draft.masters.size };
}

function listensNowhere(values: GeneralValues): boolean {
  const ports = valueIn(values, 'port') !== '0' || valueIn(values, 'tls-port') !== '0';
  return !(ports && valueIn(values, 'bind') !== '') && valueIn(values, 'unixsocket') === undefined;
}

function loadAll(loading: Loading, text: string): { readonly users: Users; readonly source: UserSource } {
  loadMainText(loading, text + (loading.environment.stdin ?? ''));
  runQueue(loading);
  const source = userSource(loading);
  const users = attempt(loading, () => loadUsers(source)) ?? new Map();
  warnAboutOptions(loading);
  for (const text of userWarnings(users, source)) warn(loading, loading.setAt.get('requirepass'), text);
  warnAboutPorts(loading);
  return { users, source };
}

/** Does a piece of loading. An error in it ends the loading, unless all of them are collected. */
function attempt<T>({ problems }: Loading, work: () => T): T | undefined {
  try {
    return work();
  } catch (error) {
    if (problems === undefined || !(error instanceof ConfigError)) throw error;
    problems.push(error);
    return undefined;
  }
}

function startLoading(environment: Environment): Loading {
  return {
    environment,
    values: defaultValues(),
    draft: {
      myId: undefined,
      currentEpoch: 0n,
      denyScriptsReconfig: true,
      resolveHostnames: false,
      announceHostnames: false,
      announceIp: undefined,
      announcePort: 0,
      sentinelUser: undefined,
      sentinelPass: undefined,
      masters: new Map(),
      named: new Map(),
      merged: new Set(),
    },
    queue: [],
    warnings: [],
    setAt: new Map(),
    fromCommandLine: new Set(),
    users: [],
    commandNames: new Map(environment.commands.top.map(({ name }) => [name, name])),
    refusedMasters: new Set(),
  };
}

/** Options of the command line follow a line break of their own: behind N complete lines the first is line N+2. */
function loadMainText(loading: Loading, text: string): void {
  const { commandLine = [], configFile } = loading.environment;
  const ownLines = text.split('\n').length;
  const whole = commandLine.length === 0 ? text : `${text}\n${commandLine.join('\n')}`;
  const files = configFile === undefined ? [] : [configFile];
  loadText(loading, whole, files, undefined, (number) => (number > ownLines ? 'command-line' : 'main'));
}

function loadText(
  loading: Loading,
  text: string,
  files: readonly string[],
  file: string | undefined,
  sourceOf: (line: number) => Source,
): void {
  let belowSignature = false;
  text.split('\n').forEach((raw, at) => {
    const place = { number: at + 1, text: trimLine(raw), file };
    if (place.text === SIGNATURE) belowSignature = true;
    attempt(loading, () => loadLine(loading, { place, files, belowSignature, source: sourceOf(place.number) }));
  });
  const logfile = valueIn(loading.values, 'logfile');
  attempt(loading, () => {
    const error = logfile ? loading.environment.tryLogFile(logfile) : undefined;
    if (error !== undefined) throw new ConfigError(`Can't open the log file: ${error}`);
  });
}

function loadLine(loading: Loading, line: Line): void {
  const { text } = line.place;
  // Differs: the genuine server reads on, with the next line glued to this one.
  if (text.includes('\0')) throw new ConfigError('NUL byte in configuration line', line.place);
  if (text === '' || text.startsWith('#')) return;
  const words = tokenize(line.place.text);
  if (words === undefined) throw new ConfigError('Unbalanced quotes in configuration line', line.place);
  const [name = '', ...args] = words;
  const row = generalOption(name);
  const error = row === undefined ? loadSpecialLine(loading, line, name, args) : loadOption(loading, line, row, args);
  if (error !== undefined) throw new ConfigError(error, line.place);
}

function loadOption(
  loading: Loading,
  line: Line,
  row: (typeof generalTable)[number],
  args: readonly string[],
): string | undefined {
  const error = applyGeneral(loading.values, row, args);
  if (error !== undefined) return error;
  loading.setAt.set(row.name, line.place);
  if (line.source === 'command-line') loading.fromCommandLine.add(row.name);
  return row.kind === 'directory' ? loading.environment.enterDirectory(args[0] ?? '') : undefined;
}

const BAD_DIRECTIVE = 'Bad directive or wrong number of arguments';

function loadSpecialLine(loading: Loading, line: Line, name: string, args: readonly string[]): string | undefined {
  switch (name.toLowerCase()) {
    case 'sentinel':
      if (args.length > 0) loading.queue.push({ ...line, words: args });
      return undefined;
    case 'include':
      return args.length === 1 ? include(loading, line, args[0] ?? '') : BAD_DIRECTIVE;
    case 'user':
      return args.length > 0 ? addUser(loading, line, args) : BAD_DIRECTIVE;
    case 'rename-command':
      return args.length === 2 ? renameCommand(loading, line, args[0] ?? '', args[1] ?? '') : BAD_DIRECTIVE;
    case 'loadmodule':
      if (args.length === 0) return BAD_DIRECTIVE;
      warnOfForeign(loading, line.place, 'loadmodule');
      return undefined;
    default:
      return loadOtherName(loading, line, name, args);
  }
}

function loadOtherName(loading: Loading, line: Line, name: string, args: readonly string[]): string | undefined {
  const other = checkOtherName(name, args);
  if (other === undefined) return BAD_DIRECTIVE;
  if (other.error === undefined) warnOfForeign(loading, line.place, name);
  return other.error;
}

function include(loading: Loading, line: Line, path: string): undefined {
  const found = loading.environment.readInclude(path);
  if ('error' in found) {
    const reason = `Fatal error, can't open config file '${path}': ${found.error}`;
    throw new ConfigError(reason, undefined, { channel: 'log' });
  }
  for (const { path: file, text } of found) {
    // Differs: the genuine server includes itself until it runs out of file descriptors.
    if (line.files.includes(file)) throw new ConfigError(`include cycle: ${file} is being read already`, line.place);
    loadText(loading, text, [...line.files, file], file, () => 'include');
  }
}

function addUser(loading: Loading, line: Line, words: readonly string[]): string | undefined {
  const { users } = loading;
  const { source } = line;
  const place = { source, saved: source === 'main' && line.belowSignature };
  const at = users.findIndex(({ name }) => name === words[0]);
  const before = users[at];
  const winner = before && winnerOf(before, place);
  // A line that loses is judged like all others.
  const others = winner === undefined ? users : users.filter((user) => user !== before);
  const user = declareUser(words, others, ruleContext(loading));
  if ('error' in user) return user.error;
  if (before === undefined || winner === undefined) {
    users.push({ ...user, ...place });
    return undefined;
  }
  if (winner === place) users[at] = { ...user, ...place };
  const loser = (winner === place ? before : place).source;
  const what = loser === 'include' ? 'an included file' : 'the command line';
  warn(loading, line.place, `${what} defines user '${user.name}' as well: the main file wins`);
  return undefined;
}

/** What rules mean by what was read so far. */
function ruleContext({ values, environment: { commands, sha256Hex } }: Loading): RuleContext {
  return { commands, sha256Hex, allChannels: typedOptions(values).aclAllChannels };
}

/** A sentinel's own command gets another name, or with an empty one none at all; renamed ones may be renamed again. */
function renameCommand(loading: Loading, line: Line, from: string, to: string): string | undefined {
  const { commandNames: names, environment } = loading;
  const [old, name] = [from.toLowerCase(), to.toLowerCase()];
  const command = names.get(old);
  if (command === undefined) {
    if (environment.commands.top.some((known) => known.name === old)) return 'No such command in rename-command';
    // Differs: the genuine server refuses it, although a command it does not have needs no renaming (TS-D2).
    warn(loading, line.place, `a sentinel has no command '${from}': rename-command has no effect`);
    return undefined;
  }
  names.delete(old);
  if (name === '') return undefined;
  if (names.has(name)) return 'Target command name already exists';
  names.set(name, command);
  return undefined;
}

/** The `sentinel` lines of all texts in three passes, so that their order in the file does not matter (§1.4). */
function runQueue(loading: Loading): void {
  for (const pass of [1, 2, 3]) {
    const lines = loading.queue.filter((line) => passOf(line) === pass);
    // Where an included file and the main file define one master, the main file speaks last (TS-D3).
    const isEarly = (line: SentinelLine) => line.source === 'include' && loading.draft.merged.has(line.words[1] ?? '');
    const early = loading.draft.merged.size > 0 ? lines.filter(isEarly) : [];
    const rest = early.length > 0 ? lines.filter((line) => !isEarly(line)) : lines;
    for (const line of [...early, ...rest]) attempt(loading, () => readQueued(loading, line));
  }
}

function readQueued(loading: Loading, line: SentinelLine): void {
  const logLines: string[] = [];
  const reason = readSentinelLine({
    draft: loading.draft,
    line,
    isExecutable: loading.environment.isExecutable,
    warn: (text) => warn(loading, line.place, text),
    log: (text) => logLines.push(text),
  });
  if (reason === undefined) return;
  const [directive = '', master = ''] = line.words;
  if (directive.toLowerCase() === 'monitor') loading.refusedMasters.add(master);
  else if (reason === NO_SUCH_MASTER && loading.refusedMasters.has(master)) return;
  throw new ConfigError(reason, line.place, { logLines });
}

const notYet = (what: string) => `${what} is not supported by this version of ts-sentinel yet`;

function userSource(loading: Loading): UserSource {
  return {
    declared: loading.users,
    general: typedOptions(loading.values),
    context: ruleContext(loading),
    readAclFile: loading.environment.readAclFile,
  };
}

function warnAboutOptions(loading: Loading): void {
  for (const [name, place] of loading.setAt) {
    const row = generalOption(name);
    if (row?.use === 'foreign') warnOfForeign(loading, place, name);
    const isPreset = valueIn(loading.values, name) === (row?.sentinelDefault ?? row?.default);
    if (row?.use === 'unsupported' && !isPreset) warn(loading, place, `${notYet(`'${name}'`)}: it has no effect`);
  }
}

/** As with the genuine server, peers hear of the port for TLS with tls-replication only, and else of port 0. */
function warnAboutPorts(loading: Loading): void {
  const { port, tls } = typedOptions(loading.values);
  if (tls.port === 0 || announcedPort({ port, tls }) !== 0 || loading.draft.announcePort !== 0) return;
  const text = "peers can't find this sentinel: its tls-port is told to them with 'tls-replication yes' only";
  warn(loading, loading.setAt.get('tls-port'), text);
}

function warnOfForeign(loading: Loading, place: LinePlace, name: string): void {
  warn(loading, place, `'${name}' means nothing to a sentinel: it has no effect`);
}

function warn(loading: Loading, place: LinePlace | undefined, text: string): void {
  const file = place?.file === undefined ? '' : `${place.file} `;
  loading.warnings.push(place === undefined ? text : `${file}line ${place.number}: ${text}`);
}

/** Differs: what the command line set is not written into the file, its lines there stay as they are (TS-D5). */
function inEffect(loading: Loading, source: UserSource, users: Users): GeneralInEffect {
  const { draft, environment, fromCommandLine, queue, values } = loading;
  const sentinel = new Map<string, string>();
  for (const { source, words } of queue) {
    const found = source === 'command-line' ? sentinelDirective(words[0] ?? '') : undefined;
    if (found?.global !== undefined && !found.global.state) {
      const lines = found.global.render({ ...draft, masters: [] }).map((value) => lineText(found.global, value));
      sentinel.set(lineKey(found.global.name), lines.join('\n'));
    }
    const master = draft.masters.get(words[1] ?? '');
    if (found?.perMaster !== undefined && !found.perMaster.state && master !== undefined) {
      const lines = found.perMaster.render(master).map((value) => lineText(found.perMaster, value, master.name));
      sentinel.set(lineKey(found.perMaster.name, master.name), lines.join('\n'));
    }
  }
  return {
    values,
    dir: environment.workingDirectory(),
    users: usersToWrite(source.general, users),
    commands: environment.commands,
    fromCommandLine: {
      general: fromCommandLine,
      sentinel,
      users: linesOfCommandLine(users, source, fromCommandLine.has('requirepass')),
    },
  };
}
