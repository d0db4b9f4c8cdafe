// Log lines to the system's log. Node cannot open a datagram socket in the file system, where syslog listens, so the
// program `logger` (util-linux) carries them: one process for all lines, which ends with us.
import { type ChildProcess, spawn } from 'node:child_process';
import type { Level } from '../core/events.ts';

export interface Syslog {
  /** Hand one line over. Never blocks or throws; lines that `logger` does not take are dropped. */
  write(level: Level, text: string): void;
}

export interface SyslogOptions {
  readonly ident: string;
  /** `user`, `local0` … `local7`. */
  readonly facility: string;
}

/** RFC 5424 §6.2.1; what the genuine server gives its levels. */
const SEVERITY: Readonly<Record<Level, number>> = { debug: 7, verbose: 6, notice: 5, warning: 4 };
const FACILITY_USER = 1;
const FACILITY_LOCAL0 = 16;

/** So much may wait for `logger`, which may wait for a system log that hangs. */
const UNSENT_MAX = 1024 * 1024;
/** A `logger` that ended is started again with the next line, but no more often than this. */
const RESTART_MS = 10_000;

/** Begin to write to the system's log. `warn` hears, once, that it cannot be done. */
export function createSyslog({ ident, facility }: SyslogOptions, warn: (text: string) => void): Syslog {
  const code = facility === 'user' ? FACILITY_USER : FACILITY_LOCAL0 + Number(facility.slice('local'.length));
  let logger: ChildProcess | undefined;
  let startedAt = Number.NEGATIVE_INFINITY;
  let told = false;

  const start = (): ChildProcess | undefined => {
    startedAt = performance.now();
    const args = ['--prio-prefix', `--id=${process.pid}`, '--tag', ident];
    let child: ChildProcess | undefined;
    const gone = (reason: string) => {
      if (logger === child) logger = undefined;
      if (told) return;
      // Before it is written, since this line comes here as well.
      told = true;
      warn(`Can't write to syslog: ${reason}`);
    };
    const failed = ({ message }: Error) => gone(`the program 'logger' does not start (${message})`);
    try {
      // In a session of its own: what ends us from the terminal must not end it before our last line.
      child = spawn('logger', args, { stdio: ['pipe', 'ignore', 'ignore'], detached: true });
    } catch (error) {
      // No memory for a process, for instance; other failures are told as an event.
      failed(error as Error);
      return undefined;
    }
    child.on('error', failed);
    child.on('exit', (status) => gone(`the program 'logger' ended with status ${status ?? 'unknown'}`));
    // Whatever is wrong with it is told when it ends.
    child.stdin?.on('error', () => undefined);
    return child;
  };

  return {
    write(level, text) {
      if (logger === undefined && performance.now() - startedAt >= RESTART_MS) logger = start();
      const stdin = logger?.stdin;
      if (!stdin?.writable || stdin.writableLength > UNSENT_MAX) return;
      stdin.write(Buffer.from(`<${code * 8 + SEVERITY[level]}>${text.replaceAll('\n', ' ')}\n`, 'latin1'));
    },
  };
}
