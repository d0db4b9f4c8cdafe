// Loaded into a sentinel by `node --import`: tells over a Unix socket what the process costs just now.
// It changes nothing of the sentinel, and what it needs itself is the same all the time.
import { readFileSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { setImmediate as turn } from 'node:timers/promises';
import { setFlagsFromString, writeHeapSnapshot } from 'node:v8';
import { runInNewContext } from 'node:vm';

/** Where the probe listens; set by the soak, and by nobody else. */
export const PROBE_PATH = 'TS_SENTINEL_PROBE';

/** What the probe answers to `look`. */
export interface Inside {
  /** Of the live objects: after two forced collections. */
  readonly heapBytes: number;
  /** Memory of buffers, outside the heap of objects. */
  readonly externalBytes: number;
  readonly arrayBufferBytes: number;
  /** Timers, sockets and requests that are under way, by Node's names for them. */
  readonly handles: Readonly<Record<string, number>>;
  /** How late the loop was since the last look. */
  readonly delayP99Ms: number;
  readonly delayMaxMs: number;
  /** The longest that one turn of the loop took of the processor. */
  readonly turnMaxMs: number;
}

const path = process.env[PROBE_PATH];
delete process.env[PROBE_PATH];
if (path !== undefined) listen(path);

function listen(at: string): void {
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc') as () => void;
  const delay = monitorEventLoopDelay({ resolution: 10 });
  delay.enable();
  const turns = watchTurns();
  rmSync(at, { force: true });
  const server = createServer((socket) => {
    socket.on('error', () => undefined);
    socket.once('data', async (order: Buffer) => {
      const [verb, file] = order.toString().trim().split(' ');
      if (verb === 'snapshot') return void socket.end(JSON.stringify({ file: writeHeapSnapshot(file) }));
      const late = { delayP99Ms: delay.percentile(99) / 1e6, delayMaxMs: delay.max / 1e6, turnMaxMs: turns.maxMs() };
      collect();
      // What was let go by finalizers goes with the second one.
      await turn();
      collect();
      socket.end(JSON.stringify({ ...inside(), ...late }));
      delay.reset();
      turns.reset();
    });
  });
  server.listen(at).unref();
}

/**
 * Between two looks of a timer lies a turn of the loop, or several short ones. Counted is the processor time of our
 * thread, as the kernel has it: neither other processes nor the collector's threads make it longer.
 */
function watchTurns() {
  const usedMs = () => Number(readFileSync(`/proc/self/task/${process.pid}/schedstat`, 'latin1').split(' ')[0]) / 1e6;
  let before = usedMs();
  let longest = 0;
  const look = () => {
    const now = usedMs();
    longest = Math.max(longest, now - before);
    before = now;
  };
  setInterval(look, 5).unref();
  return {
    maxMs: () => longest,
    reset() {
      before = usedMs();
      longest = 0;
    },
  };
}

function inside(): Omit<Inside, 'delayP99Ms' | 'delayMaxMs' | 'turnMaxMs'> {
  const { heapUsed, external, arrayBuffers } = process.memoryUsage();
  const handles: Record<string, number> = {};
  for (const kind of process.getActiveResourcesInfo()) handles[kind] = (handles[kind] ?? 0) + 1;
  return { heapBytes: heapUsed, externalBytes: external, arrayBufferBytes: arrayBuffers, handles };
}
