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
  /** As a warning, why the process ends now; to standard error where the log takes nothing. */
  writeLast(text: string): void;
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
  const toLine = format === 'json' ? toJsonLine : toGenuineLine;
  const { put, works } = file === '' ? toStandardOutput() : toFile(fromBytes(file));
  const logger = createLogger(level, (line) => put(toLine(line)));
  const log: Log = {
    write(lineLevel, text) {
      logger[lineLevel](text);
      if (alsoTo !== undefined && logger.isLevelEnabled(lineLevel)) alsoTo.write(lineLevel, text);
    },
    writeFromSignal(text) {
      if (format === 'json') logger.warning(text);
      else if (logger.isLevelEnabled('warning'))
        put(`${process.pid}:signal-handler (${Math.trunc(Date.now() / 1000)}) ${text}\n`);
    },
    writeRaw(text) {
      if (format === 'text' && logger.isLevelEnabled('notice')) put(text);
    },
    writeLast(text) {
      log.write('warning', text);
      if (!logger.isLevelEnabled('warning') || !works()) process.stderr.write(Buffer.from(`${text}\n`, 'latin1'));
    },
  };
  return log;
}

type Levels = keyof typeof LEVELS;

function createLogger(level: Level | 'nothing', write: (line: string) => void): Logger<Levels> {
  const customLevels = { debug: 20, verbose: 25, notice: 30, warning: 40 };
  const options = { level: level === 'nothing' ? 'silent' : level, customLevels, base: { pid: process.pid } };
  return pino({ ...options, useOnlyCustomLevels: true }, { write });
}

/** Where lines go, and whether the last one got there. */
interface Sink {
  put(line: string): void;
  works(): boolean;
}

function toFile(path: string): Sink {
  let works = true;
  return {
    put(line) {
      try {
        appendFileSync(path, Buffer.from(line, 'latin1'));
        works = true;
      } catch (error) {
        if (!(error instanceof Error && 'code' in error)) throw error;
        // There is nowhere left to say so: a full disk must not end the process.
        works = false;
      }
    },
    works: () => works,
  };
}

/** So much may wait for whoever reads our standard output. */
const UNREAD_MAX = 1024 * 1024;

/** Whoever reads it may hang, or go away: we stay, and keep no more for it than that. */
function toStandardOutput(): Sink {
  let works = true;
  let dropped = 0;
  process.stdout.on('error', () => {
    works = false;
  });
  return {
    put(line) {
      if (process.stdout.writableLength > UNREAD_MAX) {
        dropped += 1;
        return;
      }
      const lost = dropped === 0 ? '' : `${dropped} lines of the log are missing here: nobody read them in time\n`;
      dropped = 0;
      process.stdout.write(Buffer.from(lost + line, 'latin1'));
    },
    works: () => works,
  };
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
