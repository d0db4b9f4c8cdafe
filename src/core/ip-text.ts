// Which texts are IP addresses, and the one spelling of each that redis-sentinel writes: two spellings of one address
// meet. Pure text: names are never looked up here.

/** Four decimal numbers up to 255: what nearly every address is, and its one spelling already. */
const PLAIN_IPV4 = /^(?:25[0-5]|2[0-4]\d|1\d\d|[1-9]?\d)(?:\.(?:25[0-5]|2[0-4]\d|1\d\d|[1-9]?\d)){3}$/;

const STARTS_WITH_DIGIT = /^\d/;

/**
 * The IP address that a text spells, in its one spelling; of IPv4 also the short forms of the C library, which
 * redis-sentinel 7.0.15 takes as well (`127.1`, `0x7f.1`, `2130706433`). `undefined` for anything else: names, brackets,
 * zones.
 */
export function literalIp(text: string): string | undefined {
  if (PLAIN_IPV4.test(text)) return text;
  if (isIpv6(text)) return canonicalIp(text);
  return STARTS_WITH_DIGIT.test(text) ? dottedQuad(text) : undefined;
}

/** One to four numbers, decimal, octal or hexadecimal; the last one fills the bytes that are left. */
function dottedQuad(text: string): string | undefined {
  const parts = text.split('.');
  if (parts.length > 4 || !parts.every((part) => /^(0[xX][0-9a-fA-F]+|0[0-7]*|[1-9]\d*)$/.test(part))) return undefined;
  const numbers = parts.map((part) => (/^0[0-7]/.test(part) ? Number.parseInt(part, 8) : Number(part)));
  const last = numbers.pop() ?? 0;
  const left = 4 - numbers.length;
  if (numbers.some((number) => number > 255) || last >= 256 ** left) return undefined;
  const rest = Array.from({ length: left }, (_, index) => Math.trunc(last / 256 ** (left - 1 - index)) % 256);
  return [...numbers, ...rest].join('.');
}

function isIpv4(text: string): boolean {
  return dottedQuad(text) === text;
}

function isIpv6(text: string): boolean {
  if (!text.includes(':') || !/^[0-9a-fA-F:.]+$/.test(text)) return false;
  const halves = text.split('::');
  if (halves.length > 2) return false;
  const groups = halves.flatMap((half) => (half === '' ? [] : half.split(':')));
  const last = groups.at(-1);
  const embedded = last?.includes('.') === true && text.endsWith(last);
  if (embedded && !isIpv4(last)) return false;
  const hex = embedded ? groups.slice(0, -1) : groups;
  if (!hex.every((group) => /^[0-9a-fA-F]{1,4}$/.test(group))) return false;
  const count = hex.length + (embedded ? 2 : 0);
  return halves.length === 2 ? count < 8 : count === 8;
}

/**
 * A literal address as the C library prints it: hexadecimal in lower case, no leading zeros, the longest run of two
 * or more zero groups as `::`, IPv4 in the last 32 bits of `::x` and `::ffff:x` dotted.
 */
function canonicalIp(ip: string): string {
  if (!ip.includes(':')) return ip;
  const groups = groupsOf(ip);
  const run = longestZeroRun(groups);
  const hex = groups.map((group) => group.toString(16));
  const dotted = run.start === 0 && (run.length === 6 || (run.length === 5 && groups[5] === 0xffff));
  if (dotted)
    hex.splice(6, 2, [6, 7].map((at) => [(groups[at] ?? 0) >> 8, (groups[at] ?? 0) & 255].join('.')).join('.'));
  if (run.length < 2) return hex.join(':');
  return `${hex.slice(0, run.start).join(':')}::${hex.slice(run.start + run.length).join(':')}`;
}

function groupsOf(ip: string): number[] {
  const [head = '', tail] = ip.split('::');
  const before = numbers(head);
  if (tail === undefined) return before;
  const after = numbers(tail);
  return [...before, ...new Array<number>(8 - before.length - after.length).fill(0), ...after];
}

function numbers(part: string): number[] {
  if (part === '') return [];
  return part.split(':').flatMap((group) => {
    if (!group.includes('.')) return [Number.parseInt(group, 16)];
    const [a = 0, b = 0, c = 0, d = 0] = group.split('.').map(Number);
    return [a * 256 + b, c * 256 + d];
  });
}

function longestZeroRun(groups: readonly number[]): { start: number; length: number } {
  let best = { start: -1, length: 0 };
  let start = 0;
  groups.forEach((group, at) => {
    if (group !== 0) start = at + 1;
    else if (at + 1 - start > best.length) best = { start, length: at + 1 - start };
  });
  return best;
}
