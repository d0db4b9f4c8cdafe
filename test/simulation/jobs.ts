// Many seeds in several processes. Seeds are handed out in their order and in small blocks, so that a run that ends early
// can be gone on with behind the seeds that are through. A process that dies costs one seed, and that one is told.
import { type ChildProcess, fork } from 'node:child_process';

/** What one seed came to. */
export interface Result {
  readonly seed: number;
  readonly failed: boolean;
  readonly failovers: number;
  readonly writes: number;
  readonly simulatedMs: number;
  readonly settledMs: number;
}

/** Seeds that one process is given: from `next`, the first that is not through, up to `end`, which is not among them. */
interface Block {
  next: number;
  readonly end: number;
}

export interface Jobs {
  readonly jobs: number;
  /** The program, which calls `work` when it was started as one of the processes. */
  readonly program: string;
  readonly args: readonly string[];
  /** A seed is through. */
  told(result: Result): void;
  /** A process died in this seed; it counts as failed. */
  died(seed: number, how: string): void;
  /** No more blocks are to be begun. */
  isOver(): boolean;
}

const BLOCK = 200;
/** Of a trial hardly anything outlives it: the less often the collector looks, the less it finds to keep. */
const YOUNG_SPACE = '--max-semi-space-size=64';

/** Run the seeds from `first` up to, not including, `end`. Returns the first one that was not run. */
export async function runJobs(first: number, end: number, jobs: Jobs): Promise<number> {
  const left: Block = { next: first, end };
  const again: Block[] = [];
  const take = (): Block | undefined => {
    if (jobs.isOver()) return undefined;
    const next = left.next;
    const fresh = (): Block | undefined => (next < end ? { next, end: Math.min(next + BLOCK, end) } : undefined);
    const block = again.shift() ?? fresh();
    left.next = Math.max(left.next, block?.end ?? 0);
    return block;
  };
  const keepBusy = async (): Promise<void> => {
    for (let block = take(); block !== undefined; block = take()) {
      block = await runProcess(block, take, jobs);
      if (block !== undefined && block.next < block.end) again.push(block);
    }
  };
  await Promise.all(Array.from({ length: jobs.jobs }, keepBusy));
  return Math.min(left.next, ...again.map(({ next }) => next));
}

/** One process, given block after block. Returns what it left of its last one when it died. */
function runProcess(first: Block, take: () => Block | undefined, jobs: Jobs): Promise<Block | undefined> {
  const child: ChildProcess = fork(jobs.program, jobs.args, { execArgv: [...process.execArgv, YOUNG_SPACE] });
  let block: Block | undefined = first;
  child.send(block);
  child.on('message', (message) => {
    const result = message as Result;
    if (block === undefined) return;
    block.next = result.seed + 1;
    jobs.told(result);
    if (block.next < block.end) return;
    block = take();
    if (block === undefined) child.disconnect();
    else child.send(block);
  });
  return new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('exit', (code, signal) => {
      if (block === undefined) return resolve(undefined);
      jobs.died(block.next, signal ?? `exit code ${code}`);
      resolve({ next: block.next + 1, end: block.end });
    });
  });
}

/** In one of the processes: run what we are given, until nothing more comes. An interrupt is the parent's business. */
export function work(runSeed: (seed: number) => Promise<Result>): void {
  process.on('SIGINT', () => undefined);
  process.on('message', async (message) => {
    const { next, end } = message as Block;
    for (let seed = next; seed < end; seed += 1) process.send?.(await runSeed(seed));
  });
}
