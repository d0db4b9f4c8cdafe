// Arguments of requests: integers, names, words, each judged the way the genuine server judges them.
import { error, type Reply } from '../protocol/reply.ts';

export const SYNTAX_ERROR: Reply = error('ERR syntax error');
export const NOT_AN_INTEGER: Reply = error('ERR value is not an integer or out of range');
export const NO_SUCH_MASTER: Reply = error('ERR No such master with that name');

/** Some subcommands that take several numbers of words say it like this; both words as they were typed. */
export function wrongNumberFor(container: string, sub: string): Reply {
  const help = `Try ${container.toUpperCase()} HELP.`;
  return error(`ERR unknown subcommand or wrong number of arguments for '${untilNul(sub).slice(0, 128)}'. ${help}`);
}

const INT64_MAX = 2n ** 63n - 1n;
const INT64_MIN = -(2n ** 63n);

/** A strict signed 64 bit integer: no plus, no leading zero, no blanks (spec/commands.md §1.4). */
export function parseInteger(text: string): bigint | undefined {
  if (!/^(0|-?[1-9]\d{0,18})$/.test(text)) return undefined;
  const value = BigInt(text);
  return value >= INT64_MIN && value <= INT64_MAX ? value : undefined;
}

/** The same within JavaScript's exact numbers and these limits. */
export function parseNumber(text: string, min: number, max: number): number | undefined {
  const value = parseInteger(text);
  return value !== undefined && value >= min && value <= max ? Number(value) : undefined;
}

/** `yes` or `no` in any case. */
export function parseYesNo(text: string): boolean | undefined {
  const lower = text.toLowerCase();
  return lower === 'yes' ? true : lower === 'no' ? false : undefined;
}

/**
 * A table that is asked with what a client says, in the order of its rows. A plain object would also know what every
 * object has: `SENTINEL SET mymaster constructor x` found a function there.
 */
export function byName<T>(rows: Readonly<Record<string, T>>): ReadonlyMap<string, T> {
  return new Map(Object.entries(rows));
}

/** Three names of this length for each of ten thousand clients still make a CLIENT LIST that fits into one string. */
const NAME_MAX = 4096;

/**
 * What is wrong with the name of a client or library, to be said behind what it is; `undefined`: nothing. Names are
 * printable and without blanks, so that a list line stays one.
 * Differs: redis-sentinel 7.0.15 takes names of any length; the line of a client must fit into a string of Node.
 */
export function badName(text: string): string | undefined {
  if (text.length > NAME_MAX) return `cannot be longer than ${NAME_MAX} bytes.`;
  return /^[\x21-\x7e]*$/.test(text) ? undefined : 'cannot contain spaces, newlines or special characters.';
}

/** What is kept in the configuration, and written anew at each change, is no longer than this. */
const VALUE_MAX = 65_536;

/**
 * The refusal of arguments that are longer than anything an operator sets; `undefined`: they will do.
 * Differs: redis-sentinel 7.0.15 takes and saves what fits into a request; the file must fit into a string of Node.
 */
export function refuseLongValues(args: readonly string[]): Reply | undefined {
  const isLong = args.some((text) => text.length > VALUE_MAX);
  return isLong ? error(`ERR Arguments cannot be longer than ${VALUE_MAX} bytes.`) : undefined;
}

/** The refusal of a client's name, by CLIENT SETNAME and HELLO alike; `undefined`: it will do. */
export function refuseClientName(name: string): Reply | undefined {
  const wrong = badName(name);
  return wrong === undefined ? undefined : error(`ERR Client names ${wrong}`);
}

/** Names compare as C strings: what is behind a NUL byte does not exist. */
export function untilNul(text: string): string {
  const end = text.indexOf('\0');
  return end < 0 ? text : text.slice(0, end);
}
