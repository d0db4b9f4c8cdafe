// Loading the configuration from this machine: what src/config needs of files, directories and standard input.
import { accessSync, closeSync, constants, openSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { globMatches } from '../commands/glob.ts';
import { commandLineToLines } from '../config/command-line.ts';
import { type Environment, type IncludedFile, type LoadedConfig, loadConfig } from '../config/load.ts';
import { hashPassword } from './auth.ts';
import { isSystemError, recover, whyNotWritable, words } from './store.ts';

/** Log lines of a start that fails: the genuine server's texts, at the warning level. */
export class StartError extends Error {
  override readonly name = 'StartError';
}

export interface Configuration extends LoadedConfig {
  /** The file's absolute path, made before `dir` changed the working directory. */
  readonly file: string;
  /** Part of the text came from standard input. */
  readonly fromStdin: boolean;
  /** What was done, before the file was read, about a save that a crash had cut short: lines for the log. */
  readonly recovered: readonly string[];
}

/**
 * Load `file` and the arguments behind it; changes the working directory where `dir` says so.
 * Throws `ConfigError` for a text that is wrong and `StartError` for a file that cannot be used.
 */
export async function loadConfiguration(file: string, args: readonly string[]): Promise<Configuration> {
  const path = resolve(file);
  const { lines, stdin } = commandLineToLines(args);
  const recovered = await recover(path).catch((error: unknown) => {
    throw new StartError(`The save of ${path} that was cut short can't be finished: ${reasonOf(error)}. Exiting...`);
  });
  const text = readText(path, file);
  const environment: Environment = {
    configFile: path,
    commandLine: lines,
    ...(stdin ? { stdin: readFileSync(0, 'latin1') } : {}),
    readInclude,
    isExecutable,
    enterDirectory,
    workingDirectory: () => process.cwd(),
    tryLogFile,
    sha256Hex: hashPassword,
  };
  const loaded = loadConfig(text, environment);
  const obstacle = await whyNotWritable(path);
  if (obstacle !== undefined)
    throw new StartError(`Sentinel config file ${path} is not writable: ${obstacle}. Exiting...`);
  return { ...loaded, file: path, fromStdin: stdin, recovered };
}

function readText(path: string, asGiven: string): string {
  try {
    return readFileSync(path, 'latin1');
  } catch (error) {
    throw new StartError(`Fatal error, can't open config file '${asGiven}': ${reasonOf(error)}`);
  }
}

/** The file, or with a wildcard all files it stands for, in order; none is no error then. */
function readInclude(pattern: string): readonly IncludedFile[] | { error: string } {
  const path = resolve(pattern);
  try {
    const files = /[*?[]/.test(pattern) ? expand(path) : [path];
    return files.map((found) => ({ path: found, text: readFileSync(found, 'latin1') }));
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

/** May `path` be executed? A directory may, as for the genuine server. */
export function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch (error) {
    if (error instanceof Error && 'code' in error) return false;
    throw error;
  }
}

function enterDirectory(path: string): string | undefined {
  try {
    process.chdir(path);
    return undefined;
  } catch (error) {
    return reasonOf(error);
  }
}

function tryLogFile(path: string): string | undefined {
  try {
    closeSync(openSync(path, 'a'));
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
