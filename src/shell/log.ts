// The log: pino collects, and a line goes out in the genuine server's form, so that shippers and greps go on working,
// or as JSON. The only importer of pino.
import { appendFileSync } from 'node:fs';
import { type Logger, pino } from 'pino';
import type { Level } from '../core/events.ts';
import { fromBytes } from './bytes.ts';

export interface Log {
  /** Write one line, unless `level` is below the configured one. Texts are byte strings. */
  write(level: Level, text: string): void;
  /** As `write`, for what a signal caused: the genuine server marks these lines in a form of their own. */
  writeFromSignal(text: string): void;
  /** Write a text of several lines as it is; left out where lines are JSON. */
  writeRaw(text: string): void;
}

/** pino's numbers for our levels, and the mark each has in a line. */
const LEVELS: Readonly<Record<Level, { value: number; mark: string }>> = {
  debug: { value: 20, mark: '.' },
  verbose: { value: 25, mark: '-' },
  notice: { value: 30, mark: '*' },
  warning: { value: 40, mark: '#' },
};
const MARK = new Map(Object.values(LEVELS).map(({ value, mark }) => [value, mark]));

export type LogFormat = 'text' | 'json';

export interface LogOptions {
  readonly level: Level | 'nothing';
  /** Lines are appended to this file, opened anew for each one as logrotate expects. Empty: standard output. */
  readonly file: string;
  readonly format: LogFormat;
  /** Where each line goes besides. */
  readonly alsoTo?: { write(level: Level, text: string): void };
}

/** Create the process's log. */
export function createLog({ level, file, format, alsoTo }: LogOptions): Log {
  const path = fromBytes(file);
  const toLine = format === 'json' ? toJsonLine : toGenuineLine;
  const logger = createLogger(level, (line) => put(path, toLine(line)));
  return {
    write(lineLevel, text) {
      logger[lineLevel](text);
      if (alsoTo !== undefined && logger.isLevelEnabled(lineLevel)) alsoTo.write(lineLevel, text);
    },
    writeFromSignal(text) {
      if (format === 'json') logger.warning(text);
      else if (logger.isLevelEnabled('warning'))
        put(path, `${process.pid}:signal-handler (${Math.trunc(Date.now() / 1000)}) ${text}\n`);
    },
    writeRaw(text) {
      if (format === 'text' && logger.isLevelEnabled('notice')) put(path, text);
    },
  };
}

type Levels = keyof typeof LEVELS;

function createLogger(level: Level | 'nothing', write: (line: string) => void): Logger<Levels> {
  const customLevels = { debug: 20, verbose: 25, notice: 30, warning: 40 };
  const options = { level: level === 'nothing' ? 'silent' : level, customLevels, base: { pid: process.pid } };
  return pino({ ...options, useOnlyCustomLevels: true }, { write });
}

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

interface Entry {
  readonly level: number;
  readonly time: number;
  readonly pid: number;
  readonly msg: string;
}

/** `4625:X 22 Nov 2026 01:36:45.392 # text` (spec/config.md §6.5); the role of a sentinel is always X. */
function toGenuineLine(line: string): string {
  const { level, time, pid, msg } = JSON.parse(line) as Entry;
  return `${pid}:X ${formatTime(new Date(time))} ${MARK.get(level) ?? '#'} ${msg}\n`;
}

const NAME = new Map(Object.entries(LEVELS).map(([name, { value }]) => [value, name]));

/** pino's own line with the level by its name, the time for people, and the bytes of the text as UTF-8. */
function toJsonLine(line: string): string {
  const { level, time, pid, msg } = JSON.parse(line) as Entry;
  const entry = { level: NAME.get(level), time: new Date(time).toISOString(), pid, msg: fromBytes(msg) };
  return `${Buffer.from(JSON.stringify(entry), 'utf8').toString('latin1')}\n`;
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
