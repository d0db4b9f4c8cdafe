// Where the programs are that demo and tests start: redis-server, redis-sentinel, and the ts-sentinel built from here.
// Looks, but installs nothing (redis-server.ts does).
import { accessSync, constants, existsSync, statSync } from 'node:fs';
import { delimiter, dirname, join } from 'node:path';

/** `ts`: the one built from here. `genuine`: redis-sentinel (or valkey-sentinel) as installed. */
export type SentinelKind = 'ts' | 'genuine';

/** The first of `names` found on PATH, as an absolute path. */
export function findOnPath(names: readonly string[], path = process.env.PATH ?? ''): string | undefined {
  for (const name of names)
    for (const folder of path.split(delimiter))
      if (folder !== '' && isExecutable(join(folder, name))) return join(folder, name);
  return undefined;
}

/** A data node's program, if installed. */
export function findRedisServer(path?: string): string | undefined {
  return findOnPath(['redis-server', 'valkey-server'], path);
}

/** The genuine sentinel, if installed: tests that need it are skipped without it. */
export function findGenuineSentinel(path?: string): string | undefined {
  return findOnPath(['redis-sentinel', 'valkey-sentinel'], path);
}

/** The command that starts a sentinel; the configuration file is to be appended. Throws where there is none. */
export function sentinelCommand(kind: SentinelKind): readonly string[] {
  if (kind === 'genuine') {
    const program = findGenuineSentinel();
    if (program === undefined) throw new Error('redis-sentinel is not installed');
    return [program];
  }
  const main = join(packageRoot(), 'dist', 'main.js');
  if (!existsSync(main)) throw new Error(`${main} is missing: run "npm run build" first`);
  return [process.execPath, main];
}

/** The folder of our package.json, from wherever this file was compiled to. */
function packageRoot(): string {
  let folder = import.meta.dirname;
  while (!existsSync(join(folder, 'package.json'))) folder = dirname(folder);
  return folder;
}

function isExecutable(file: string): boolean {
  try {
    accessSync(file, constants.X_OK);
    return statSync(file).isFile();
  } catch {
    return false;
  }
}
