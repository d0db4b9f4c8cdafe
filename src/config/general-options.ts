// General directives: reading a line's values by the kind of its row, the values in effect, and their written form.
// Error texts are the genuine ones (spec/config.md §1.7); the rows themselves stand in general-table.ts.
import { type GeneralOption, generalTable, newerNames, retiredNames } from './general-table.ts';
import { memorySize, memoryText, octal, strictInteger } from './numbers.ts';
import { type TlsSettings, tlsSettings } from './tls-options.ts';
import { quote, tokenize } from './tokens.ts';

/** In the order in which their lines are written. */
export const LIMIT_CLASSES = ['normal', 'replica', 'pubsub'] as const;
/** A class of clients that shares an output limit; a sentinel has no replicas, but the file may name them. */
export type LimitClass = (typeof LIMIT_CLASSES)[number];

/** Bytes that may wait for a client: at most hardBytes, above softBytes only for softSeconds; 0 = no limit. */
export interface OutputLimit {
  readonly hardBytes: number;
  readonly softBytes: number;
  readonly softSeconds: number;
}
/** The limit of every class; classes that the file does not name have the genuine defaults. */
export type OutputLimits = Readonly<Record<LimitClass, OutputLimit>>;

const MB = 1024 ** 2;
const defaultOutputLimits: OutputLimits = {
  normal: { hardBytes: 0, softBytes: 0, softSeconds: 0 },
  replica: { hardBytes: 256 * MB, softBytes: 64 * MB, softSeconds: 60 },
  pubsub: { hardBytes: 32 * MB, softBytes: 8 * MB, softSeconds: 60 },
};

/** The general options in effect: by primary name, spelled as the rewrite spells them (strings unquoted). */
export interface GeneralValues {
  readonly texts: Map<string, string>;
  outputLimits: OutputLimits;
}

/** The options that have an effect in this version, typed. Sizes in bytes, times in seconds, 0 = off. */
export interface GeneralOptions {
  /** 0 = no plain TCP. */
  readonly port: number;
  readonly tls: TlsSettings;
  /** `-` in front: skipped where the address is missing. `*` and `::*` are all addresses of a family. Empty: none. */
  readonly bind: readonly string[];
  readonly protectedMode: boolean;
  /** As last given, relative to the one before it; `undefined`: the directory the process was started in. */
  readonly dir: string | undefined;
  /** '' = standard output. */
  readonly logfile: string;
  readonly loglevel: 'debug' | 'verbose' | 'notice' | 'warning' | 'nothing';
  /** Clear text. Also what peers are greeted with when sentinel-pass is unset. */
  readonly requirePass: string | undefined;
  /** The file of users, as it was named; `undefined`: users stand in the configuration file. */
  readonly aclFile: string | undefined;
  readonly aclLogMaxLen: number;
  /** New users and selectors begin with all channels. */
  readonly aclAllChannels: boolean;
  readonly maxclients: number;
  readonly timeout: number;
  readonly tcpKeepalive: number;
  readonly tcpBacklog: number;
  readonly outputLimits: OutputLimits;
  readonly queryBufferLimit: number;
  readonly protoMaxBulkLen: number;
  /** Our own address of connections to nodes and peers. */
  readonly bindSourceAddr: string | undefined;
  /** Path of a Unix socket to listen on; its mode, 0 = what the umask leaves. */
  readonly unixSocket: string | undefined;
  readonly unixSocketMode: number;
  readonly pidfile: string | undefined;
  readonly daemonize: boolean;
  readonly syslogEnabled: boolean;
  readonly syslogIdent: string;
  /** `user`, `local0` … `local7`. */
  readonly syslogFacility: string;
  readonly alwaysShowLogo: boolean;
  readonly crashLogEnabled: boolean;
  readonly setProcTitle: boolean;
  readonly procTitleTemplate: string;
  readonly supervised: 'no' | 'systemd' | 'upstart' | 'auto';
}

const byName = new Map<string, GeneralOption>();
for (const row of generalTable) {
  byName.set(row.name, row);
  if (row.alias !== undefined) byName.set(row.alias, row);
}
const otherNames = new Set([...retiredNames, ...newerNames]);
const retired = new Set(retiredNames);

/** The row of a directive, by name or alias in any case. */
export function generalOption(name: string): GeneralOption | undefined {
  return byName.get(name.toLowerCase());
}

/** Retired, newer and module names: loaded without effect. `undefined`: not such a name; else the error, if any. */
export function checkOtherName(name: string, args: readonly string[]): { error: string | undefined } | undefined {
  const lower = name.toLowerCase();
  if (otherNames.has(lower)) {
    const wrong = retired.has(lower) ? args.length !== 1 : args.length === 0;
    return { error: wrong ? 'Bad directive or wrong number of arguments' : undefined };
  }
  if (name.includes('.')) return { error: args.length === 0 ? 'Module config specified without value' : undefined };
  return undefined;
}

/** The values of a sentinel that was told nothing. */
export function defaultValues(): GeneralValues {
  return { texts: new Map(), outputLimits: defaultOutputLimits };
}

/** The value in effect, as the rewrite spells it; `undefined` = unset. */
export function valueIn(values: GeneralValues, name: string): string | undefined {
  const row = byName.get(name);
  return values.texts.get(name) ?? row?.sentinelDefault ?? row?.default;
}

/** Takes the values of one line into `values`. Returns the error text when they are refused. */
export function applyGeneral(values: GeneralValues, row: GeneralOption, args: readonly string[]): string | undefined {
  const words = MULTI_VALUED.has(row.kind) || row.several ? rejoin(args) : args;
  if (words === undefined) return 'wrong number of arguments';
  if (row.kind === 'output-limits') {
    const limits = parseOutputLimits(values.outputLimits, words);
    if ('error' in limits) return limits.error;
    values.outputLimits = limits.ok;
    return undefined;
  }
  const parsed = parseValue(row, words);
  if ('error' in parsed) return parsed.error;
  if (parsed.value === undefined) values.texts.delete(row.name);
  else values.texts.set(row.name, parsed.value);
  return undefined;
}

const MULTI_VALUED: ReadonlySet<string> = new Set([
  'bind',
  'output-limits',
  'percentiles',
  'oom-values',
  'replicaof',
  'save',
]);

/** A single non-empty value is split again: `bind "127.0.0.1 ::1"` binds two addresses (§1.1). */
function rejoin(args: readonly string[]): readonly string[] | undefined {
  const [only] = args;
  return args.length === 1 && only !== undefined && only !== '' ? tokenize(only) : args;
}

type Parsed = { readonly value: string | undefined } | { readonly error: string };

function parseValue(row: GeneralOption, args: readonly string[]): Parsed {
  switch (row.kind) {
    case 'bind':
      // Sixteen is what the genuine server has room for.
      return args.length > 16 ? { error: 'Too many bind addresses specified.' } : { value: args.join(' ') };
    case 'percentiles':
      return checked(args, checkPercentiles(args));
    case 'oom-values':
      return checked(args, checkOomValues(args));
    case 'replicaof':
      return checked(args, checkReplicaof(args));
    case 'save':
      return checked(args, checkSave(args));
    case 'enumeration':
      if (row.several) return checked(args, checkFlags(row.values, args));
  }
  const [text] = args;
  if (args.length !== 1 || text === undefined) return { error: 'wrong number of arguments' };
  return parseSingle(row, text);
}

const checked = (args: readonly string[], error: string | undefined): Parsed =>
  error === undefined ? { value: args.join(' ') } : { error };

function parseSingle(row: GeneralOption, text: string): Parsed {
  switch (row.kind) {
    case 'yes-no': {
      const word = text.toLowerCase();
      return word === 'yes' || word === 'no' ? { value: word } : { error: "argument must be 'yes' or 'no'" };
    }
    case 'enumeration': {
      const word = text.toLowerCase();
      return row.values.includes(word) || word === row.newer ? { value: word } : { error: oneOf(row.values) };
    }
    case 'integer':
      return parseInteger(row, text);
    case 'memory':
      return parseMemory(row, text);
    case 'keyspace-events':
      return /^[Ag$lshzxeKEtmdn]*$/.test(text)
        ? { value: text }
        : { error: "Invalid event class character. Use 'Ag$lshzxeKEtmdn'." };
    case 'text': {
      const error = TEXT_RULES[row.name]?.(text);
      if (error !== undefined) return { error };
      // Options that are unset by default are unset by an empty value.
      return { value: text === '' && row.default === undefined ? undefined : text };
    }
    default:
      return { value: text };
  }
}

const oneOf = (values: readonly string[]) => `argument(s) must be one of the following: ${values.join(', ')}`;

function parseInteger(row: GeneralOption & { kind: 'integer' }, text: string): Parsed {
  const value = row.octal ? octal(text) : strictInteger(text);
  if (value === undefined) {
    const what = row.octal ? 'parsed as an octal number' : 'parsed into an integer';
    return { error: `argument couldn't be ${what}` };
  }
  const radix = row.octal ? 8 : 10;
  if (value >= row.min && value <= row.max) return { value: value.toString(radix) };
  return { error: `argument must be between ${row.min.toString(radix)} and ${row.max.toString(radix)} inclusive` };
}

function parseMemory(row: GeneralOption & { kind: 'memory' }, text: string): Parsed {
  if (row.percent && /^\d{1,9}%$/.test(text)) {
    const percent = Number(text.slice(0, -1));
    return percent > 100 ? { error: 'percentage argument must be less or equal to 100' } : { value: `${percent}%` };
  }
  const size = memorySize(text);
  if (size === undefined) return { error: `argument must be a memory${row.percent ? ' or percent' : ''} value` };
  // Options that are no larger than a signed number take what is above it as negative, hence out of range.
  const value = row.max < 2n ** 63n ? BigInt.asIntN(64, size) : size;
  if (value >= row.min && value <= row.max) return { value: String(value) };
  return { error: `argument must be between ${row.min} and ${row.max} inclusive` };
}

function checkFlags(values: readonly string[], words: readonly string[]): string | undefined {
  const lower = words.map((word) => word.toLowerCase());
  if (words.length === 0 || lower.some((word) => !values.includes(word))) return oneOf(values);
  if (lower.includes('save') && lower.includes('nosave'))
    return "shutdown options SAVE and NOSAVE can't be used simultaneously";
  return undefined;
}

function checkPercentiles(words: readonly string[]): string | undefined {
  if (words.length === 1 && words[0] === '') return undefined;
  if (words.some((word) => word === '' || Number.isNaN(Number(word))))
    return 'Invalid latency-tracking-info-percentiles parameters';
  if (words.some((word) => Number(word) < 0 || Number(word) > 100))
    return 'latency-tracking-info-percentiles parameters should sit between [0.0,100.0]';
  return undefined;
}

function checkOomValues(words: readonly string[]): string | undefined {
  if (words.length !== 3) return 'wrong number of arguments';
  const bad = words.some((word) => !/^-?\d+$/.test(word) || Math.abs(Number(word)) > 2000);
  return bad ? 'Invalid oom-score-adj-values, elements must be between -2000 and 2000.' : undefined;
}

function checkReplicaof(words: readonly string[]): string | undefined {
  const [host = '', port = ''] = words;
  if (words.length !== 2) return 'wrong number of arguments';
  if (host.toLowerCase() === 'no' && port.toLowerCase() === 'one') return undefined;
  return /^\d+$/.test(port) && Number(port) <= 65535 ? undefined : 'Invalid master port';
}

function checkSave(words: readonly string[]): string | undefined {
  if (words.length === 0 || (words.length === 1 && words[0] === '')) return undefined;
  const good = words.length % 2 === 0 && words.every((word, i) => /^\d+$/.test(word) && (i % 2 === 1 || word !== '0'));
  return good ? undefined : 'Invalid save parameters';
}

const TITLE_VARIABLES = /\{(title|listen-addr|server-mode|port|tls-port|config-file|unixsocket)\}/g;

/** What some texts must look like; the result is the error. */
const TEXT_RULES: Readonly<Record<string, (text: string) => string | undefined>> = {
  'proc-title-template': (text) =>
    text.trim() === '' || /[{}]/.test(text.replaceAll(TITLE_VARIABLES, ''))
      ? 'template format is invalid or contains unknown variables'
      : undefined,
  'cluster-announce-hostname': (text) =>
    /^[0-9A-Za-z.-]*$/.test(text) ? undefined : 'Hostnames may only contain alphanumeric characters, hyphens or dots',
  dbfilename: (text) => (text.includes('/') ? "dbfilename can't be a path, just a filename" : undefined),
  appendfilename: (text) => plainName(text, 'appendfilename', 'filename'),
  appenddirname: (text) => plainName(text, 'appenddirname', 'dirname'),
};

function plainName(text: string, option: string, noun: string): string | undefined {
  if (text === '') return `${option} can't be empty`;
  return text.includes('/') ? `${option} can't be a path, just a ${noun}` : undefined;
}

type LimitsResult = { readonly ok: OutputLimits } | { readonly error: string };

/** Classes of one line are taken together: nothing changes when one of them is wrong. */
function parseOutputLimits(before: OutputLimits, words: readonly string[]): LimitsResult {
  if (words.length % 4 !== 0) return { error: 'Wrong number of arguments in buffer limit configuration.' };
  const limits = { ...before };
  for (let at = 0; at < words.length; at += 4) {
    const [name = '', hard = '', soft = '', seconds = ''] = words.slice(at, at + 4);
    const given = name.toLowerCase() === 'slave' ? 'replica' : name.toLowerCase();
    const limitClass = LIMIT_CLASSES.find((known) => known === given);
    if (limitClass === undefined) return { error: 'Invalid client class specified in buffer limit configuration.' };
    const hardBytes = memorySize(hard);
    const softBytes = memorySize(soft);
    if (hardBytes === undefined || softBytes === undefined || !/^\+?\d+$/.test(seconds))
      return { error: 'Error in hard, soft or soft_seconds setting in buffer limit configuration.' };
    limits[limitClass] = {
      hardBytes: Number(hardBytes),
      softBytes: Number(softBytes),
      softSeconds: Number(seconds),
    };
  }
  return { ok: limits };
}

/** The lines in which `row` is written; `differs` from the table's default: written even where no line exists. */
export function renderGeneral(
  values: GeneralValues,
  row: GeneralOption,
): readonly { readonly line: string; readonly differs: boolean }[] {
  if (row.kind === 'output-limits') return LIMIT_CLASSES.map((name) => renderOutputLimit(values.outputLimits, name));
  const value = valueIn(values, row.name);
  // What is unset, and a bind that says the default, is not written, and its lines go.
  if (value === undefined || (row.kind === 'bind' && value === row.default)) return [];
  return [{ line: `${row.name} ${spelled(row, value)}`, differs: value !== row.default }];
}

function spelled(row: GeneralOption, value: string): string {
  if (row.kind === 'text') return quote(value);
  if (row.kind === 'memory' && !value.endsWith('%')) return memoryText(BigInt(value));
  return value === '' ? '""' : value;
}

function renderOutputLimit(limits: OutputLimits, name: LimitClass): { line: string; differs: boolean } {
  const spell = (limit: OutputLimit) => {
    const [hard, soft] = [limit.hardBytes, limit.softBytes].map((bytes) => memoryText(BigInt(bytes)));
    return `client-output-buffer-limit ${name} ${hard} ${soft} ${limit.softSeconds}`;
  };
  const line = spell(limits[name]);
  return { line, differs: line !== spell(defaultOutputLimits[name]) };
}

/** The options this version honours, typed. */
export function typedOptions(values: GeneralValues): GeneralOptions {
  const textOf = (name: string) => valueIn(values, name);
  const numberOf = (name: string) => Number(textOf(name));
  return {
    port: numberOf('port'),
    tls: tlsSettings(textOf),
    bind: (textOf('bind') ?? '').split(' ').filter((address) => address !== ''),
    protectedMode: textOf('protected-mode') === 'yes',
    dir: textOf('dir'),
    logfile: textOf('logfile') ?? '',
    loglevel: textOf('loglevel') as GeneralOptions['loglevel'],
    requirePass: textOf('requirepass'),
    aclFile: textOf('aclfile') || undefined,
    aclLogMaxLen: numberOf('acllog-max-len'),
    aclAllChannels: textOf('acl-pubsub-default') === 'allchannels',
    maxclients: numberOf('maxclients'),
    timeout: numberOf('timeout'),
    tcpKeepalive: numberOf('tcp-keepalive'),
    tcpBacklog: numberOf('tcp-backlog'),
    outputLimits: values.outputLimits,
    queryBufferLimit: numberOf('client-query-buffer-limit'),
    protoMaxBulkLen: numberOf('proto-max-bulk-len'),
    bindSourceAddr: textOf('bind-source-addr'),
    unixSocket: textOf('unixsocket'),
    unixSocketMode: Number.parseInt(textOf('unixsocketperm') ?? '0', 8),
    pidfile: textOf('pidfile'),
    daemonize: textOf('daemonize') === 'yes',
    syslogEnabled: textOf('syslog-enabled') === 'yes',
    syslogIdent: textOf('syslog-ident') ?? '',
    syslogFacility: textOf('syslog-facility') ?? '',
    alwaysShowLogo: textOf('always-show-logo') === 'yes',
    crashLogEnabled: textOf('crash-log-enabled') === 'yes',
    setProcTitle: textOf('set-proc-title') === 'yes',
    procTitleTemplate: textOf('proc-title-template') ?? '',
    supervised: textOf('supervised') as GeneralOptions['supervised'],
  };
}
