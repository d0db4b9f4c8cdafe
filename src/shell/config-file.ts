// Loading the configuration from this machine: what src/config needs of files, directories and standard input.
import { accessSync, closeSync, constants, existsSync, openSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { globMatches } from '../commands/glob.ts';
import { aclTable } from '../commands/table.ts';
import { commandLineToLines } from '../config/command-line.ts';
import { checkConfig, type Environment, type IncludedFile, type LoadedConfig, loadConfig } from '../config/load.ts';
import { renderFindings } from '../config/report.ts';
import { readAclFile } from './acl-file.ts';
import { hashPassword } from './auth.ts';
import { fromBytes, toBytes } from './bytes.ts';
import { isSystemError, recover, whyNotWritable, words } from './store.ts';

/** Log lines of a start that fails: the genuine server's texts, at the warning level. */
export class StartError extends Error {
  override readonly name = 'StartError';
}

export interface Configuration extends LoadedConfig {
  /** The file's absolute path, made before `dir` changed the working directory. */
  readonly file: string;
  /** What was read from standard input, if it is a part of the configuration. */
  readonly stdin: string | undefined;
  /** What was done, before the file was read, about a save that a crash had cut short: lines for the log. */
  readonly recovered: readonly string[];
}

/** The process's arguments, taken apart; texts are byte strings. */
interface Given {
  /** As given. A sentinel needs one, but what else is wrong is told first. */
  readonly file: string | undefined;
  readonly lines: readonly string[];
  readonly readsStdin: boolean;
}

/** The first argument is the file unless it begins with a dash; a lone dash, first or last, is standard input. */
function readArguments(words: readonly string[]): Given {
  const [first] = words;
  const file = first?.startsWith('-') ? undefined : first;
  const readsFirst = first === '-';
  const options = words.slice(file === undefined && !readsFirst ? 0 : 1).map(toBytes);
  const { lines, stdin } = commandLineToLines(options);
  return { file, lines, readsStdin: readsFirst || stdin };
}

/**
 * Load the file and the options that the process's arguments name; changes the working directory where `dir` says so.
 * Throws `ConfigError` for a text that is wrong and `StartError` for a file that cannot be used.
 */
export async function loadConfiguration(
  words: readonly string[],
  warn: (text: string) => void,
): Promise<Configuration> {
  const given = readArguments(words);
  const path = resolve(given.file ?? '');
  const recovered = given.file === undefined ? [] : await finishSave(path);
  const text = given.file === undefined ? '' : readText(path);
  if (given.readsStdin) warn('Reading config from stdin');
  const stdin = given.readsStdin ? readFileSync(0, 'latin1') : undefined;
  const loaded = loadConfig(text, environmentOf(given, path, stdin));
  if (given.file === undefined) throw new StartError('Sentinel needs config file on disk to save state. Exiting...');
  const obstacle = await whyNotWritable(path);
  if (obstacle !== undefined)
    throw new StartError(`Sentinel config file ${path} is not writable: ${obstacle}. Exiting...`);
  const { aclFile } = loaded.general;
  const users = aclFile === undefined ? [] : await finishSave(fromBytes(aclFile));
  return { ...loaded, file: path, stdin, recovered: [...recovered, ...users] };
}

async function finishSave(path: string): Promise<readonly string[]> {
  return await recover(path).catch((error: unknown) => {
    throw new StartError(`The save of ${path} that was cut short can't be finished: ${reasonOf(error)}. Exiting...`);
  });
}

/** Read the same without starting anything: is it usable, and a report for people. Leaves no file behind. */
export async function checkConfiguration(words: readonly string[]): Promise<{ usable: boolean; report: string }> {
  const given = readArguments(words);
  if (given.file === undefined) return { usable: false, report: 'No configuration file was named.\n' };
  const path = resolve(given.file);
  const obstacle = await whyNotWritable(path);
  if (obstacle !== undefined) return { usable: false, report: `${given.file}: not writable: ${obstacle}\n` };
  const text = readText(path);
  const stdin = given.readsStdin ? readFileSync(0, 'latin1') : undefined;
  const environment = { ...environmentOf(given, path, stdin), tryLogFile: whyNotAppendable };
  const findings = checkConfig(text, environment);
  const lines = `${text}${stdin ?? ''}`.split('\n').length;
  const report = Buffer.from(renderFindings(findings, { file: toBytes(given.file), lines }), 'latin1').toString('utf8');
  return { usable: findings.problems.length === 0, report };
}

function environmentOf(given: Given, path: string, stdin: string | undefined): Environment {
  return {
    configFile: toBytes(path),
    commandLine: given.lines,
    ...(stdin === undefined ? {} : { stdin }),
    readInclude,
    isExecutable,
    enterDirectory,
    workingDirectory: () => toBytes(process.cwd()),
    tryLogFile,
    sha256Hex: hashPassword,
    commands: aclTable,
    readAclFile,
  };
}

function readText(path: string): string {
  try {
    return readFileSync(path, 'latin1');
  } catch (error) {
    throw new StartError(`Fatal error, can't open config file '${path}': ${reasonOf(error)}`);
  }
}

/** The file, or with a wildcard all files it stands for, in order; none is no error then. */
function readInclude(pattern: string): readonly IncludedFile[] | { error: string } {
  const path = resolve(fromBytes(pattern));
  try {
    const files = /[*?[]/.test(pattern) ? expand(path) : [path];
    return files.map((found) => ({ path: toBytes(found), text: readFileSync(found, 'latin1') }));
  } catch (error) {
    return { error: reasonOf(error) };
  }
}

/** Existing paths that match, sorted. A leading dot must be named, as in a shell. */
function expand(pattern: string): string[] {
  const parent = dirname(pattern);
  if (parent === pattern) return [pattern];
  const name = pattern.slice(parent.length).replace(/^\//, '');
  const directories = /[*?[]/.test(parent) ? expand(parent) : [parent];
  return directories.flatMap((directory) =>
    entriesOf(directory)
      .filter((entry) => globMatches(name, entry) && (name.startsWith('.') || !entry.startsWith('.')))
      .sort()
      .map((entry) => join(directory, entry)),
  );
}

function entriesOf(directory: string): string[] {
  try {
    return readdirSync(directory);
  } catch (error) {
    if (error instanceof Error && 'code' in error) return [];
    throw error;
  }
}

/** May `path`, a byte string, be executed? A directory may, as for the genuine server. */
export function isExecutable(path: string): boolean {
  try {
    accessSync(fromBytes(path), constants.X_OK);
    return true;
  } catch (error) {
    if (error instanceof Error && 'code' in error) return false;
    throw error;
  }
}

function enterDirectory(path: string): string | undefined {
  try {
    process.chdir(fromBytes(path));
    return undefined;
  } catch (error) {
    return reasonOf(error);
  }
}

function tryLogFile(path: string): string | undefined {
  try {
    closeSync(openSync(fromBytes(path), 'a'));
    return undefined;
  } catch (error) {
    return reasonOf(error);
  }
}

/** The same question without making the file: it may be appended to, or its folder takes a new one. */
function whyNotAppendable(path: string): string | undefined {
  const file = resolve(fromBytes(path));
  try {
    const exists = existsSync(file);
    if (exists && statSync(file).isDirectory()) return 'Is a directory';
    accessSync(exists ? file : dirname(file), constants.W_OK);
    return undefined;
  } catch (error) {
    return reasonOf(error);
  }
}

function reasonOf(error: unknown): string {
  if (isSystemError(error)) return words(error);
  if (error instanceof Error && isSystemError(error.cause)) return words(error.cause);
  throw error;
}
