// Which errors a client may report, and when: none while all is well; during an outage those that say that a node is
// gone or is no master, and none that says that a server was misunderstood. Pure, over the lines of a program.
import type { Line } from './program.ts';

/** From which instant to which the cluster was not whole, on the clock of the lines. */
export interface Outage {
  readonly from: number;
  readonly to: number;
}

/** Nothing that a lost node can cause: an answer was refused, or was not what the library expects. */
const NEVER =
  /\b(ERR|NOAUTH|NOPERM|WRONGPASS|NOPROTO|WRONGTYPE|IDONTKNOW)\b|unknown (sub)?command|protocol error|pars(e|ing)|unexpected (?!end)|invalid|unsupported|certificate|TypeError|ClassCast|NullPointer|panic/i;

/** The first error that must not be, in one line; `undefined` when there is none. */
export function unacceptable(lines: readonly Line[], outages: readonly Outage[]): string | undefined {
  for (const line of lines) {
    if (line.event !== 'error') continue;
    const told = `${line.where}: ${line.text}`;
    if (NEVER.test(line.text)) return `no outage causes this error: ${told}`;
    if (!outages.some(({ from, to }) => line.at >= from && line.at <= to))
      return `an error while all was well: ${told}`;
  }
  return undefined;
}

/** The different errors with addresses and numbers left out, to compare two kinds of sentinels. */
export function distinctErrors(lines: readonly Line[]): string[] {
  const texts = lines.map((line) => (line.event === 'error' ? `${line.where}: ${withoutNumbers(line.text)}` : ''));
  return [...new Set(texts)].filter((text) => text !== '').sort();
}

function withoutNumbers(text: string): string {
  return text.replaceAll(/[0-9a-f]{6,}|\d+/g, '#').slice(0, 160);
}

/** The longest time without an acknowledged write between two instants. */
export function longestPause(lines: readonly Line[], from: number, to: number): number {
  let longest = 0;
  let before = from;
  for (const { event, at } of lines) {
    if (event !== 'write' || at < from) continue;
    longest = Math.max(longest, Math.min(at, to) - before);
    before = at;
    if (at >= to) break;
  }
  return longest;
}

/** Have the last `count` writes gone through with no error between or after them, all of them since `from`? */
export function isSteady(lines: readonly Line[], from: number, count: number): boolean {
  const lastError = lines.findLast(({ event }) => event === 'error')?.at ?? 0;
  const since = Math.max(from, lastError);
  return lines.filter(({ event, at }) => event === 'write' && at > since).length >= count;
}
