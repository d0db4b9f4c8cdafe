// Builds the client programs, each once, into a folder that git ignores; tells what is missing where that cannot be.
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { runToEnd } from '../../src/demo/processes.ts';
import { findOnPath } from '../../src/demo/programs.ts';

export type RuntimeName = 'node' | 'python' | 'java' | 'go' | 'rust';

interface Runtime {
  /** What must be on the PATH to build and to run. */
  readonly needs: readonly string[];
  /** Commands that build the program of `folder` into `out`. */
  build(folder: string, out: string): readonly (readonly string[])[];
  readonly env?: (out: string) => Record<string, string>;
}

const tsc = join(import.meta.dirname, '../../node_modules/typescript/bin/tsc');

const runtimes: Readonly<Record<RuntimeName, Runtime>> = {
  node: { needs: [], build: (folder, out) => [[process.execPath, tsc, '-p', folder, '--outDir', out]] },
  python: {
    needs: ['python3'],
    build: (folder, out) => [
      ['python3', '-m', 'venv', out],
      [join(out, 'bin', 'pip'), 'install', '--quiet', '--requirement', join(folder, 'requirements.txt')],
    ],
  },
  java: {
    needs: ['java', 'mvn'],
    build: (folder, out) => [
      ['mvn', '--quiet', '--batch-mode', '--file', join(folder, 'pom.xml'), `-Dbuilt=${out}`, 'package'],
    ],
  },
  go: {
    needs: ['go'],
    build: (folder, out) => [['go', 'build', '-C', folder, '-p', '1', '-o', join(out, 'client'), '.']],
  },
  rust: {
    needs: ['cargo'],
    // One job: the machine has other things to do.
    build: (folder) => [
      ['cargo', 'build', '--quiet', '--locked', '--jobs', '1', '--manifest-path', join(folder, 'Cargo.toml')],
    ],
    env: (out) => ({ CARGO_TARGET_DIR: out }),
  },
};

/** `missing` is the reason to skip; `broken` is a failure of ours. */
export type Build = { kind: 'built'; dir: string } | { kind: 'missing' | 'broken'; reason: string };

/** Downloads may be slow; longer than this nobody waits. */
const BUILD_MS = 10 * 60_000;

const builds = new Map<string, Promise<Build>>();

/** One build at a time, and each only once, however many clients share it. */
let last: Promise<unknown> = Promise.resolve();

/** Build the program in that folder beside this file, unless it was built from the same files before. */
export function built(name: RuntimeName, folder: string): Promise<Build> {
  const known = builds.get(folder);
  if (known !== undefined) return known;
  const build = last.then(() => buildOnce(runtimes[name], folder));
  last = build;
  builds.set(folder, build);
  return build;
}

async function buildOnce(runtime: Runtime, name: string): Promise<Build> {
  const absent = runtime.needs.filter((program) => findOnPath([program]) === undefined);
  if (absent.length > 0) return { kind: 'missing', reason: `${absent.join(' and ')} not installed` };
  const folder = join(import.meta.dirname, name);
  const dir = join(import.meta.dirname, '.cache', name);
  const stampFile = join(dir, 'built-from');
  const stamp = digest(folder);
  if (existsSync(stampFile) && readFileSync(stampFile, 'utf8') === stamp) return { kind: 'built', dir };
  rmSync(stampFile, { force: true });
  mkdirSync(dir, { recursive: true });
  for (const command of runtime.build(folder, dir)) {
    const { code, output } = await runToEnd(command, { withinMs: BUILD_MS, env: runtime.env?.(dir) ?? {} });
    if (code !== 0) return buildFailure(command[0] ?? '', output);
  }
  writeFileSync(stampFile, stamp);
  return { kind: 'built', dir };
}

/** What the programs of a folder are made of, in one line. */
function digest(folder: string): string {
  const hash = createHash('sha256');
  for (const entry of readdirSync(folder, { recursive: true, withFileTypes: true }).sort(byPath))
    if (entry.isFile()) hash.update(`${pathOf(entry)}\n`).update(readFileSync(pathOf(entry)));
  return hash.digest('hex');
}

interface Entry {
  parentPath: string;
  name: string;
}

function pathOf({ parentPath, name }: Entry): string {
  return join(parentPath, name);
}

function byPath(one: Entry, other: Entry): number {
  return pathOf(one) < pathOf(other) ? -1 : 1;
}

/** What package managers say when they cannot reach what they fetch from. */
const UNREACHED =
  /resolve host|unknown host|name or service not known|name resolution|no such host|network is unreachable|connection (refused|timed out|reset)|failed to establish a new connection|could not transfer artifact|failed to (download|fetch)|timed? ?out|no matching distribution/i;

/** A build that failed: for want of the packages (a reason to skip), or because the program is wrong. */
export function buildFailure(program: string, output: string): Build {
  const lines = output.trim().split('\n');
  const unreached = lines.find((line) => UNREACHED.test(line));
  if (unreached !== undefined)
    return { kind: 'missing', reason: `packages not reached by ${program}: ${unreached.trim()}` };
  return { kind: 'broken', reason: `${program} failed:\n${lines.slice(-30).join('\n')}` };
}
