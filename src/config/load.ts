// The text of sentinel.conf -> general options and the durable state, or the error the genuine server would give.
// General directives take effect line by line; `sentinel` lines wait until all text was read (spec/config.md §1).
import type { DurableState } from '../core/durable.ts';
import { ConfigError, type LinePlace } from './config-error.ts';
import { type DefaultUser, parseDefaultUser, renderDefaultUser, type Sha256Hex } from './default-user.ts';
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
}

export interface LoadedConfig {
  readonly general: GeneralOptions;
  readonly durable: DurableState;
  /**
   * The default user's passwords by its `user default` line, which wins over requirepass: lower-case sha256 hex.
   * `[]`: that line says nopass, clients need no password. `undefined`: no such line, requirepass decides.
   */
  readonly defaultUserPasswordHashes: readonly string[] | undefined;
  /** What `rewriteConfig` needs to know besides the durable state. */
  readonly inEffect: GeneralInEffect;
  /** For the start-up log, one line each, without secrets. */
  readonly warnings: readonly string[];
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
  readonly users: { name: string; rules: readonly string[]; place: LinePlace }[];
  /** General rename-command lines of commands a sentinel has. */
  readonly renames: LinePlace[];
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
  const defaultUser = loadAll(loading, text);
  const { named: _named, merged: _merged, masters, ...settings } = loading.draft;
  return {
    general: typedOptions(loading.values),
    durable: { ...settings, masters: [...masters.values()] },
    defaultUserPasswordHashes: defaultUser?.passwordHashes,
    inEffect: inEffect(loading, defaultUser),
    warnings: loading.warnings,
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

function loadAll(loading: Loading, text: string): DefaultUser | undefined {
  loadMainText(loading, text + (loading.environment.stdin ?? ''));
  runQueue(loading);
  const defaultUser = attempt(loading, () => settleUsers(loading));
  attempt(loading, () => refuseUnsupported(loading));
  warnAboutOptions(loading);
  warnAboutPassword(loading, defaultUser);
  warnAboutPorts(loading);
  return defaultUser;
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
    renames: [],
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
      return args.length === 2 ? renameCommand(loading, line, args[0] ?? '') : BAD_DIRECTIVE;
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

function addUser(loading: Loading, line: Line, [name = '', ...rules]: readonly string[]): string | undefined {
  if (loading.users.some((user) => user.name === name)) {
    const reason = 'Duplicate user found. A user can only be defined once in config files';
    return `Error in user declaration '${name}': ${reason}`;
  }
  loading.users.push({ name, rules, place: line.place });
  if (line.source === 'command-line') loading.fromCommandLine.add('user');
  return undefined;
}

/** What a client can call on a genuine sentinel: renaming one of these restricts who can do what. */
const SENTINEL_COMMANDS = new Set([
  'acl',
  'auth',
  'client',
  'command',
  'hello',
  'info',
  'ping',
  'psubscribe',
  'publish',
  'punsubscribe',
  'role',
  'sentinel',
  'shutdown',
  'subscribe',
  'unsubscribe',
]);

function renameCommand(loading: Loading, line: Line, command: string): undefined {
  if (SENTINEL_COMMANDS.has(command.toLowerCase())) loading.renames.push(line.place);
  // Differs: the genuine server refuses it, although a command it does not have needs no renaming (TS-D2).
  else warn(loading, line.place, `a sentinel has no command '${command}': rename-command has no effect`);
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

/** The default user of the file, when a line defines it. Other users are refused: ignoring them would open doors. */
function settleUsers({ users, values, environment }: Loading): DefaultUser | undefined {
  if (users.length > 0 && valueIn(values, 'aclfile')) throw new ConfigError(BOTH_ACLS, undefined, { channel: 'log' });
  let found: DefaultUser | undefined;
  for (const { name, rules, place } of users) {
    if (name !== 'default') throw new ConfigError(notYet('A user other than the default user'), place);
    const allChannels = valueIn(values, 'acl-pubsub-default') === 'allchannels';
    found = parseDefaultUser(rules, { allChannels, sha256Hex: environment.sha256Hex });
    if (found === undefined) throw new ConfigError(notYet('A default user with less than all rights'), place);
  }
  return found;
}

const BOTH_ACLS =
  'Configuring Redis with users defined in redis.conf and at the same setting an ACL file path is invalid. ' +
  'This setup is very likely to lead to configuration errors and security holes, ' +
  'please define either an ACL file or declare users directly in your redis.conf, but not both.';

/** Settings that protect something, or without which nobody could connect: starting without them would be wrong. */
function refuseUnsupported({ values, setAt, renames }: Loading): void {
  const refuse = (name: string, what: string) => {
    throw new ConfigError(notYet(what), setAt.get(name));
  };
  if (valueIn(values, 'aclfile')) refuse('aclfile', 'aclfile');
  if (renames[0] !== undefined) throw new ConfigError(notYet("Renaming a sentinel's own commands"), renames[0]);
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

/** A password added to a file that was saved before has no effect, as with the genuine server: say so. */
function warnAboutPassword(loading: Loading, user: DefaultUser | undefined): void {
  const password = valueIn(loading.values, 'requirepass');
  if (user === undefined || password === undefined) return;
  if (user.passwordHashes.includes(loading.environment.sha256Hex(password))) return;
  const outcome = user.nopass ? 'clients need no password' : 'another password is needed';
  const hint = `the 'user default' line wins, ${outcome}; remove that line to let requirepass count`;
  warn(loading, loading.setAt.get('requirepass'), `requirepass has no effect on clients: ${hint}`);
}

function warnOfForeign(loading: Loading, place: LinePlace, name: string): void {
  warn(loading, place, `'${name}' means nothing to a sentinel: it has no effect`);
}

function warn(loading: Loading, place: LinePlace | undefined, text: string): void {
  const file = place?.file === undefined ? '' : `${place.file} `;
  loading.warnings.push(place === undefined ? text : `${file}line ${place.number}: ${text}`);
}

/** Differs: what the command line set is not written into the file, its lines there stay as they are (TS-D5). */
function inEffect(loading: Loading, defaultUser: DefaultUser | undefined): GeneralInEffect {
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
  const password = valueIn(values, 'requirepass');
  // With `user default on nopass` in the file, the next start would ignore the command line's requirepass.
  const leaveUsers = fromCommandLine.has('user') || (defaultUser === undefined && fromCommandLine.has('requirepass'));
  const hash = password === undefined ? undefined : environment.sha256Hex(password);
  return {
    values,
    dir: environment.workingDirectory(),
    defaultUserLine: leaveUsers ? undefined : renderDefaultUser(defaultUser, hash),
    fromCommandLine: { general: fromCommandLine, sentinel },
  };
}
