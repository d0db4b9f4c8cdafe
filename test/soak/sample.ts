// One look at a sentinel process, from inside by the probe and from outside by /proc and its folder.
import { readdirSync, readFileSync, readlinkSync, statSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import type { SentinelNode } from '../../src/demo/nodes.ts';
import type { Inside } from './probe.ts';

export interface Sample {
  /** Minutes since the soak began. */
  readonly minute: number;
  readonly heapKb: number;
  /** Buffers outside the heap. */
  readonly externalKb: number;
  readonly residentKb: number;
  readonly sockets: number;
  /** Open files that are no sockets. */
  readonly otherFiles: number;
  /** Timers, sockets, requests under way. */
  readonly handles: number;
  /** Of sentinel.conf. */
  readonly confBytes: number;
  /** Names in the folder. */
  readonly names: number;
  readonly delayP99Ms: number;
  readonly delayMaxMs: number;
}

/** How long a process may take to answer: it may be collecting a large heap on a busy machine. */
const ANSWER_MS = 20_000;

/** Look at a sentinel whose probe listens at `probe`. */
export async function look(sentinel: SentinelNode, probe: string, minute: number): Promise<Sample> {
  const inside = JSON.parse(await ask(probe, 'look')) as Inside;
  const pid = sentinel.pid ?? 0;
  const files = openFiles(pid);
  return {
    minute,
    heapKb: inside.heapBytes / 1024,
    externalKb: inside.externalBytes / 1024,
    residentKb: Number(/^VmRSS:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/status`, 'latin1'))?.[1]),
    sockets: files.filter((file) => file.startsWith('socket:')).length,
    otherFiles: files.filter((file) => !file.startsWith('socket:')).length,
    handles: Object.values(inside.handles).reduce((sum, count) => sum + count, 0),
    confBytes: statSync(sentinel.confFile).size,
    names: readdirSync(sentinel.dir).length,
    delayP99Ms: inside.delayP99Ms,
    delayMaxMs: inside.delayMaxMs,
  };
}

/** How late the loop was since the last look. */
export async function delays(probe: string): Promise<Pick<Inside, 'delayP99Ms' | 'delayMaxMs' | 'turnMaxMs'>> {
  return JSON.parse(await ask(probe, 'look')) as Inside;
}

/** Write a heap snapshot of the sentinel into `file`; it stands still meanwhile. */
export async function snapshot(probe: string, file: string): Promise<void> {
  await ask(probe, `snapshot ${file}`);
}

function ask(probe: string, order: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect(probe, () => void socket.write(order));
    let text = '';
    socket.setTimeout(ANSWER_MS, () => socket.destroy(new Error(`the probe at ${probe} does not answer`)));
    socket.on('data', (data: Buffer) => {
      text += data.toString();
    });
    socket.on('end', () => resolve(text));
    socket.on('error', reject);
  });
}

function openFiles(pid: number): string[] {
  const folder = `/proc/${pid}/fd`;
  return readdirSync(folder).flatMap((name) => {
    try {
      return [readlinkSync(join(folder, name))];
    } catch {
      // Closed while we looked.
      return [];
    }
  });
}
