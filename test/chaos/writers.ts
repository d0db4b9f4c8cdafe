// The applications of a run: one process on each client host. What they print becomes part of the history.
import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, openSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import type { Line } from './history.ts';
import { on } from './network.ts';
import type { LastWrites } from './order.ts';
import { CLIENT_HOSTS, type ClientHost } from './plan.ts';
import type { Recorder } from './recorder.ts';
import { MASTER, PORT } from './servers.ts';

export interface Writers {
  /** The last acknowledged write of each writer that ever had one. */
  last(): LastWrites;
  /** Write no more; settles when all is told. */
  stop(): Promise<void>;
}

/** Begin to write; what the clients complain of goes into a log in `dir`. */
export function startWriters(dir: string, recorder: Recorder): Writers {
  const last = new Map<string, Extract<Line, { kind: 'write' }>>();
  const note = (text: string) => {
    const line = JSON.parse(text) as Extract<Line, { kind: 'write' }>;
    recorder.write(line);
    if (line.error === undefined) last.set(line.writer, line);
  };
  const running = CLIENT_HOSTS.map((host) => startOn(host, dir, note));
  return {
    last: () => last,
    async stop() {
      for (const { child } of running) child.stdin?.end();
      await Promise.all(running.map(({ ended }) => ended));
    },
  };
}

function startOn(
  host: ClientHost,
  dir: string,
  note: (text: string) => void,
): { child: ChildProcess; ended: Promise<void> } {
  const program = join(import.meta.dirname, 'writer-main.js');
  const [enter = '', ...words] = on(host);
  const log = openSync(join(dir, `${host}.log`), 'a');
  const child = spawn(enter, [...words, process.execPath, program, host, String(PORT), MASTER], {
    stdio: ['pipe', 'pipe', log],
    // A Ctrl-C in the terminal is ours to handle.
    detached: true,
  });
  closeSync(log);
  const lines = createInterface({ input: child.stdout as Readable });
  lines.on('line', note);
  const ended = new Promise<void>((resolve) => lines.once('close', resolve));
  return { child, ended };
}
