// Makes sure that there is a Redis server to start data nodes with: the one on PATH, or one from the system's package
// manager. As a program of its own (`node dist/demo/redis-server.js`) it prints the path.
import { pathToFileURL } from 'node:url';
import { runToEnd } from './processes.ts';
import { findOnPath, findRedisServer } from './programs.ts';
import { textOf } from './until.ts';

/** Downloads may be slow; longer than this nobody waits. */
const INSTALL_MS = 10 * 60_000;

interface PackageManager {
  program: string;
  /** Tried one after the other: which of the two a system has depends on its age. */
  packages: readonly string[];
  /** Refreshes the list of packages; may fail where the list is good enough. */
  refresh?: readonly string[];
  install: readonly string[];
  /** Homebrew refuses to be run by root, all others want it. */
  withoutRoot?: true;
}

const packageManagers: readonly PackageManager[] = [
  {
    program: 'apt-get',
    packages: ['redis-server', 'valkey-server'],
    refresh: ['update', '-qq'],
    install: ['install', '-y', '-qq', '--no-install-recommends'],
  },
  { program: 'dnf', packages: ['redis', 'valkey'], install: ['install', '-y', '-q'] },
  { program: 'yum', packages: ['redis', 'valkey'], install: ['install', '-y', '-q'] },
  { program: 'apk', packages: ['redis', 'valkey'], install: ['add', '--quiet'] },
  { program: 'zypper', packages: ['redis', 'valkey'], install: ['--non-interactive', '--quiet', 'install'] },
  { program: 'pacman', packages: ['valkey', 'redis'], install: ['-Sy', '--noconfirm'] },
  { program: 'brew', packages: ['redis', 'valkey'], install: ['install', '--quiet'], withoutRoot: true },
];

/** What the machine offers, as far as installing is concerned. */
export interface Machine {
  isRoot: boolean;
  /** `sudo` works without a password. */
  canSudo: boolean;
  has(program: string): boolean;
}

export interface InstallPlan {
  manager: string;
  /** Run these first; failures don't matter. */
  prepare: readonly (readonly string[])[];
  /** Run these until one works. */
  install: readonly (readonly string[])[];
}

/** How to install a Redis server here, or one line that tells the user what to do. */
export function planInstall(machine: Machine): InstallPlan | string {
  const manager = packageManagers.find(({ program }) => machine.has(program));
  if (manager === undefined) return 'redis-server not found: please install Redis (or Valkey) and put it on the PATH';
  const { program, packages, refresh, install, withoutRoot } = manager;
  const byHand = `${withoutRoot ? '' : 'sudo '}${program} ${program === 'pacman' ? '-S' : install[0]} ${packages[0]}`;
  const allowed = withoutRoot ? !machine.isRoot : machine.isRoot || machine.canSudo;
  if (!allowed) return `redis-server not found: please install it, for example with "${byHand}"`;
  const asRoot = machine.isRoot || withoutRoot ? [] : ['sudo', '-n'];
  return {
    manager: program,
    prepare: refresh === undefined ? [] : [[...asRoot, program, ...refresh]],
    install: packages.map((name) => [...asRoot, program, ...install, name]),
  };
}

/**
 * The path of a Redis (or Valkey) server; installs one where there is none and that is allowed, telling so in one line.
 * Throws an error of one line that says what to do where it cannot.
 */
export async function ensureRedisServer({ say }: { say: (line: string) => void }): Promise<string> {
  const present = findRedisServer();
  if (present !== undefined) return present;
  const plan = planInstall(await thisMachine());
  if (typeof plan === 'string') throw new Error(plan);
  say(`redis-server not found: installing it with ${plan.manager} ...`);
  for (const command of plan.prepare) await run(command);
  for (const command of plan.install) {
    await run(command);
    const installed = findRedisServer();
    if (installed !== undefined) return installed;
  }
  const tried = plan.install.map((command) => `"${command.join(' ')}"`).join(' and ');
  throw new Error(`redis-server not found, and ${tried} did not bring it: please install Redis by hand`);
}

async function thisMachine(): Promise<Machine> {
  const isRoot = process.getuid?.() === 0;
  const has = (program: string) => findOnPath([program]) !== undefined;
  return { isRoot, has, canSudo: !isRoot && has('sudo') && (await run(['sudo', '-n', 'true'])) === 0 };
}

async function run(command: readonly string[]): Promise<number | null> {
  const env = { DEBIAN_FRONTEND: 'noninteractive', HOMEBREW_NO_AUTO_UPDATE: '1' };
  return (await runToEnd(command, { withinMs: INSTALL_MS, env })).code;
}

/** Print the path, or one line on what is missing. */
async function main(): Promise<void> {
  try {
    const path = await ensureRedisServer({ say: (line) => process.stderr.write(`${line}\n`) });
    process.stdout.write(`${path}\n`);
  } catch (error) {
    process.stderr.write(`${textOf(error)}\n`);
    process.exitCode = 1;
  }
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) await main();
