// The one spelling of an IP address that redis-sentinel writes, so that two spellings of one address meet.
// Pure text: names are never looked up here.

/**
 * A literal address as the C library prints it: hexadecimal in lower case, no leading zeros, the longest run of two
 * or more zero groups as `::`, IPv4 in the last 32 bits of `::x` and `::ffff:x` dotted. Expects a valid literal.
 */
export function canonicalIp(ip: string): string {
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
