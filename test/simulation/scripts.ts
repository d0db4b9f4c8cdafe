// The operator's scripts as processes of the simulation: they succeed, fail, hang until they are killed, or are not made.
import type { Input } from '../../src/core/effects.ts';
import type { JobId } from '../../src/core/script-queue.ts';
import type { Ms } from '../../src/core/state.ts';
import type { Draw } from '../config/generate-state.ts';
import { type FakeTime, plan } from '../core/fake-time.ts';

/** What the operator's scripts are like: `slow` ones hang half of the time. */
export type Scripts = 'none' | 'quick' | 'slow';

const SIGKILL = 9;
const LASTS_MAX_MS: Ms = 500;
/** A process that is killed is gone, and its parent told, within this time. */
const DIES_MAX_MS: Ms = 20;

/** The lines of the file that name the scripts of a master. */
export function scriptLines(scripts: Scripts, master: string): readonly string[] {
  if (scripts === 'none') return [];
  return [
    `sentinel notification-script ${master} /${scripts}/notify.sh`,
    `sentinel client-reconfig-script ${master} /${scripts}/reconfigure.sh`,
  ];
}

/** What a sentinel that runs scripts has running: how to kill each. */
export type Processes = Map<JobId, () => void>;

/** Start the script of a job; `tell` lets its sentinel know what becomes of it. */
export function startScript(
  time: FakeTime,
  rand: Draw,
  processes: Processes,
  { job, argv }: { readonly job: JobId; readonly argv: readonly string[] },
  tell: (input: Input) => void,
): void {
  const end = (code: number, signal: number) => {
    if (processes.delete(job)) tell({ kind: 'script-exited', job, end: { code, signal } });
  };
  processes.set(job, () => plan(time, time.now + rand(DIES_MAX_MS), () => end(0, SIGKILL)));
  if (rand(8) === 0)
    return plan(time, time.now + 1, () => {
      processes.delete(job);
      tell({ kind: 'script-refused', job, reason: 'spawn EAGAIN' });
    });
  const code = rand(3);
  if (code !== 2) plan(time, time.now + 1, () => tell({ kind: 'script-started', job, pid: job }));
  const hangs = code !== 2 && argv[0]?.startsWith('/slow/') === true && rand(2) === 0;
  if (!hangs) plan(time, time.now + 2 + rand(LASTS_MAX_MS), () => end(code, 0));
}
