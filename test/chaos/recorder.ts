// Keeps the history of a run: in memory for the checks, and in a file for whoever wants to know what happened.

import { once } from 'node:events';
import { createWriteStream } from 'node:fs';
import { nowMs } from '../../src/demo/until.ts';
import type { Line } from './history.ts';
import type { Ms } from './plan.ts';

export interface Recorder {
  now(): Ms;
  write(line: Line): void;
  /** Be told of each line as it comes. */
  onLine(listener: (line: Line) => void): void;
  /** Everything so far, or from an instant on; in the order of time, whenever it was learnt. */
  lines(from?: Ms): Line[];
  /** Settles when all is in the file. */
  close(): Promise<void>;
}

/** A new history, written to `file` as one JSON object per line. */
export function createRecorder(file: string): Recorder {
  const kept: Line[] = [];
  const listeners: ((line: Line) => void)[] = [];
  const stream = createWriteStream(file);
  return {
    now: nowMs,
    write(line) {
      kept.push(line);
      stream.write(`${JSON.stringify(line)}\n`);
      for (const listener of listeners) listener(line);
    },
    onLine: (listener) => void listeners.push(listener),
    // The sort keeps what happened in one millisecond in the order in which it was learnt.
    lines: (from = 0) => kept.filter(({ at }) => at >= from).sort((a, b) => a.at - b.at),
    async close() {
      stream.end();
      await once(stream, 'finish');
    },
  };
}
