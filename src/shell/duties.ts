// Small duties of a server process: file descriptors, pid file, title, banner. Texts are the genuine ones.
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { fromBytes } from './bytes.ts';
import { StartError } from './config-file.ts';
import type { Log } from './log.ts';
import { isSystemError, words } from './store.ts';

/** Descriptors that are kept free of clients. */
const RESERVED = 32;

/**
 * How many clients there may be with `limit` file descriptors, and what the log says of it. Node raises the limit as
 * far as the system lets it before we run, and cannot change it later. Throws `StartError` where it is hopeless.
 */
export function fitClients(wanted: number, limit: number): { maxClients: number; lines: readonly string[] } {
  const needed = wanted + RESERVED;
  if (limit >= needed) return { maxClients: wanted, lines: [] };
  if (limit <= RESERVED)
    throw new StartError(
      `Your current 'ulimit -n' of ${limit} is not enough for the server to start. Please increase your open file limit to at least ${needed}. Exiting.`,
    );
  const maxClients = limit - RESERVED;
  return {
    maxClients,
    lines: [
      `You requested maxclients of ${wanted} requiring at least ${needed} max file descriptors.`,
      `Server can't set maximum open files to ${needed} because of OS error: Operation not permitted.`,
      `Current maximum open files is ${limit}. maxclients has been reduced to ${maxClients} to compensate for low ulimit. If you need higher maxclients increase 'ulimit -n'.`,
    ],
  };
}

/** However few descriptors there are, peers and an operator get in. */
const CLIENTS_MIN = 16;

/**
 * How many clients there may be while so many connections of our own stand.
 * Differs: the genuine server counts its clients only, and those who come may take the descriptors with which it would
 * reach its nodes again, or save.
 */
export function clientsBeside(connections: number, maxClients: number, limit: number): number {
  return Math.min(maxClients, Math.max(CLIENTS_MIN, limit - RESERVED - connections));
}

/** The process's limit of open files; infinite where the system does not tell (elsewhere than on Linux). */
export function openFilesLimit(): number {
  try {
    const limits = readFileSync('/proc/self/limits', 'latin1');
    return Number(/^Max open files\s+(\d+)/m.exec(limits)?.[1] ?? Number.POSITIVE_INFINITY);
  } catch {
    return Number.POSITIVE_INFINITY;
  }
}

/** What the genuine server uses for a daemon that was told no pid file. */
const DEFAULT_PID_FILE = '/var/run/redis.pid';

/** The pid file that is to be kept, if any. Differs: the default one is not written into sentinel.conf. */
export function pidFileOf(pidfile: string | undefined, isDaemon: boolean): string | undefined {
  return pidfile === undefined ? (isDaemon ? DEFAULT_PID_FILE : undefined) : fromBytes(pidfile);
}

/** A pid file that cannot be written is no reason not to start. */
export function writePidFile(path: string, log: Log): void {
  try {
    writeFileSync(path, `${process.pid}\n`);
  } catch (error) {
    if (!isSystemError(error)) throw error;
    log.write('warning', `Failed to write PID file: ${words(error)}`);
  }
}

/** Remove a file that is only there while we run; it may be gone already, or never have been. */
export function removeQuietly(path: string): void {
  try {
    rmSync(path);
  } catch (error) {
    if (!isSystemError(error)) throw error;
  }
}

/** What a title and a banner tell. Byte strings. */
export interface Appearance {
  readonly bind: readonly string[];
  readonly port: number;
  readonly tlsPort: number;
  readonly unixSocket: string | undefined;
  readonly configFile: string;
}

/** The process title by `proc-title-template`; its variables were checked when it was loaded. */
export function renderTitle(template: string, { bind, port, tlsPort, unixSocket, configFile }: Appearance): string {
  const anyPort = port === 0 ? tlsPort : port;
  const values: Readonly<Record<string, string>> = {
    title: 'redis-sentinel',
    'listen-addr': anyPort === 0 ? `unixsocket:${unixSocket ?? ''}` : `${bind[0] ?? '*'}:${anyPort}`,
    'server-mode': '[sentinel]',
    port: String(port),
    'tls-port': String(tlsPort),
    'config-file': configFile,
    unixsocket: unixSocket ?? '',
  };
  return template.replaceAll(/\{([a-z-]+)\}/g, (_, name: string) => values[name] ?? '').trim();
}

/** What `always-show-logo`, or a terminal, shows in the place of the "Running mode" line. */
export function renderBanner(version: string, port: number): string {
  return `
      ( o )        ts-sentinel, as Redis ${version}, 64 bit
     /     \\       Running in sentinel mode
 ( o )---( o )     Port: ${port}
                   PID: ${process.pid}

`;
}
