// Telling a supervisor how we are: systemd by its notification socket, upstart by stopping ourselves.
// Node cannot send a datagram to a socket in the file system, so the program `systemd-notify`, a part of systemd, does.
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import type { Log } from './log.ts';

export type SupervisedMode = 'no' | 'systemd' | 'upstart' | 'auto';

/** What the environment says of a supervisor. */
export interface Surroundings {
  readonly notifySocket: string | undefined;
  readonly upstartJob: string | undefined;
}

export interface Supervision {
  /** Who supervises us, as INFO tells it; `no` also where the one that was asked for is missing. */
  readonly by: 'no' | 'systemd' | 'upstart';
  /** We listen. */
  ready(): void;
  /** We are about to end; returns when that was told. */
  stopping(): void;
}

const SYSTEMD_HINT =
  'Supervised by systemd. Please make sure you set appropriate values for TimeoutStartSec and TimeoutStopSec in your service unit.';

/** Find out who supervises us and begin to talk to it; log lines are the genuine ones (spec/config.md §6.4). */
export function supervise(mode: SupervisedMode, surroundings: Surroundings, log: Log): Supervision {
  switch (mode === 'auto' ? detect(surroundings, log) : mode) {
    case 'systemd':
      return bySystemd(surroundings, log);
    case 'upstart':
      return byUpstart(surroundings, log);
    case 'no':
      return nobody;
  }
}

const nobody: Supervision = { by: 'no', ready: () => undefined, stopping: () => undefined };

function detect({ notifySocket, upstartJob }: Surroundings, log: Log): Exclude<SupervisedMode, 'auto'> {
  if (upstartJob !== undefined) {
    log.write('verbose', 'Upstart supervision detected.');
    return 'upstart';
  }
  if (notifySocket === undefined) return 'no';
  log.write('verbose', 'Systemd supervision detected.');
  return 'systemd';
}

function byUpstart({ upstartJob }: Surroundings, log: Log): Supervision {
  if (upstartJob === undefined) {
    log.write('warning', 'upstart supervision requested, but UPSTART_JOB not found!');
    return nobody;
  }
  log.write('notice', 'supervised by upstart, will stop to signal readiness.');
  process.kill(process.pid, 'SIGSTOP');
  return { ...nobody, by: 'upstart' };
}

function bySystemd({ notifySocket }: Surroundings, log: Log): Supervision {
  const complain = (why: string) => log.write('warning', `systemd supervision error: ${why}`);
  if (notifySocket === undefined) {
    const missing = () => complain('NOTIFY_SOCKET not found!');
    missing();
    // The genuine server tries to send two datagrams here, a status and READY.
    return { by: 'no', ready: () => void [missing(), missing()], stopping: missing };
  }
  log.write('notice', SYSTEMD_HINT);
  return {
    by: 'systemd',
    ready: () => notify(['READY=1', 'STATUS=Ready to accept connections'], complain),
    stopping: () => notifyAndWait(['STOPPING=1'], complain),
  };
}

const PROGRAM = 'systemd-notify';
/** The program waits until the supervisor has read it all; a supervisor that does not read must not keep us. */
const STOPPING_MAX_MS = 500;

function notify(assignments: readonly string[], complain: (why: string) => void): void {
  const failed = ({ message }: Error) => complain(`${PROGRAM} does not start (${message})`);
  let child: ChildProcess;
  try {
    child = spawn(PROGRAM, assignments, { stdio: 'ignore' });
  } catch (error) {
    // No memory for a process, for instance; other failures are told as an event.
    return failed(error as Error);
  }
  child.on('error', failed);
  child.on('exit', (status) => {
    if (status !== 0) complain(`${PROGRAM} ended with status ${status ?? 'unknown'}`);
  });
}

function notifyAndWait(assignments: readonly string[], complain: (why: string) => void): void {
  const { error, status } = spawnSync(PROGRAM, assignments, { stdio: 'ignore', timeout: STOPPING_MAX_MS });
  const isLate = error !== undefined && 'code' in error && error.code === 'ETIMEDOUT';
  if (error !== undefined && !isLate) complain(`${PROGRAM} does not start (${error.message})`);
  else if (error === undefined && status !== 0) complain(`${PROGRAM} ended with status ${status ?? 'unknown'}`);
}
