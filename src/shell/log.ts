// The log: pino collects, one line goes out in the genuine server's form, so that shippers and greps go on working.
// The only importer of pino.
import { appendFileSync } from 'node:fs';
import { type Logger, pino } from 'pino';
import type { Level } from '../core/events.ts';

export interface Log {
  /** Write one line, unless `level` is below the configured one. Texts are byte strings. */
  write(level: Level, text: string): void;
  setLevel(level: Level | 'nothing'): void;
}

/** pino's numbers for our levels, and the mark each has in a line. */
const LEVELS: Readonly<Record<Level, { value: number; mark: string }>> = {
  debug: { value: 20, mark: '.' },
  verbose: { value: 25, mark: '-' },
  notice: { value: 30, mark: '*' },
  warning: { value: 40, mark: '#' },
};
const MARK = new Map(Object.values(LEVELS).map(({ value, mark }) => [value, mark]));

/** Where lines go: standard output, or with `file` that file, opened anew for each line as logrotate expects. */
export interface LogOptions {
  readonly level: Level | 'nothing';
  /** Empty: standard output. */
  readonly file: string;
}

/** Create the process's log. */
export function createLog({ level, file }: LogOptions): Log {
  const customLevels = { debug: 20, verbose: 25, notice: 30, warning: 40 };
  const destination = { write: (line: string) => put(file, toGenuineLine(line)) };
  const logger: Logger<keyof typeof customLevels> = pino(
    { level: pinoLevel(level), customLevels, useOnlyCustomLevels: true, base: { pid: process.pid } },
    destination,
  );
  return {
    write: (lineLevel, text) => logger[lineLevel](text),
    setLevel: (next) => {
      logger.level = pinoLevel(next);
    },
  };
}

const pinoLevel = (level: Level | 'nothing') => (level === 'nothing' ? 'silent' : level);

function put(file: string, line: string): void {
  const bytes = Buffer.from(line, 'latin1');
  if (file === '') process.stdout.write(bytes);
  else
    try {
      appendFileSync(file, bytes);
    } catch {
      // There is nowhere left to say so: a full disk must not end the process.
    }
}

/** `4625:X 22 Nov 2026 01:36:45.392 # text` (spec/config.md §6.5); the role of a sentinel is always X. */
function toGenuineLine(line: string): string {
  const { level, time, pid, msg } = JSON.parse(line) as { level: number; time: number; pid: number; msg: string };
  return `${pid}:X ${formatTime(new Date(time))} ${MARK.get(level) ?? '#'} ${msg}\n`;
}

const MONTHS = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'];
const DAYS = ['Sun', 'Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat'];
const two = (value: number) => String(value).padStart(2, '0');

/** `22 Nov 2026 01:36:45.392`, local time, English names whatever the locale. */
export function formatTime(date: Date): string {
  const day = `${two(date.getDate())} ${MONTHS[date.getMonth()]} ${date.getFullYear()}`;
  return `${day} ${clockOf(date)}.${String(date.getMilliseconds()).padStart(3, '0')}`;
}

/** `Sun Nov 22 01:16:01 2026`, as C's ctime has it. */
export function ctime(date: Date): string {
  const day = String(date.getDate()).padStart(2);
  return `${DAYS[date.getDay()]} ${MONTHS[date.getMonth()]} ${day} ${clockOf(date)} ${date.getFullYear()}`;
}

function clockOf(date: Date): string {
  return `${two(date.getHours())}:${two(date.getMinutes())}:${two(date.getSeconds())}`;
}
