// Patterns of PSUBSCRIBE, SENTINEL RESET and others: `*`, `?`, `[a-z]`, `[^x]`, `\c` (spec/commands.md §1.4).

/**
 * Does the whole of `text` match `pattern`? Time is bounded by the product of their lengths, whatever the pattern:
 * only the last `*` is ever tried again.
 */
export function globMatches(pattern: string, text: string): boolean {
  let p = 0;
  let t = 0;
  let star: { p: number; t: number } | undefined;
  while (t < text.length) {
    const token = p < pattern.length ? readToken(pattern, p) : undefined;
    if (token?.kind === 'star') {
      star = { p: token.end, t };
      p = token.end;
    } else if (token?.matches(text[t] ?? '')) {
      p = token.end;
      t += 1;
    } else if (star !== undefined) {
      star.t += 1;
      p = star.p;
      t = star.t;
    } else return false;
  }
  while (pattern[p] === '*') p += 1;
  return p >= pattern.length;
}

type Token =
  | { readonly kind: 'star'; readonly end: number }
  | { readonly kind: 'one'; readonly end: number; readonly matches: (char: string) => boolean };

function readToken(pattern: string, at: number): Token {
  const char = pattern[at] ?? '';
  if (char === '*') return { kind: 'star', end: at + 1 };
  if (char === '?') return { kind: 'one', end: at + 1, matches: () => true };
  if (char === '[') return readClass(pattern, at + 1);
  const literal = char === '\\' && at + 1 < pattern.length ? (pattern[at + 1] ?? '') : char;
  return { kind: 'one', end: at + (literal === char && char !== '\\' ? 1 : 2), matches: (other) => other === literal };
}

/** A class without its closing bracket reaches to the end of the pattern. */
function readClass(pattern: string, start: number): Token {
  const ranges: [string, string][] = [];
  const negated = pattern[start] === '^';
  let at = negated ? start + 1 : start;
  while (at < pattern.length && pattern[at] !== ']') {
    if (pattern[at] === '\\' && at + 1 < pattern.length) {
      ranges.push([pattern[at + 1] ?? '', pattern[at + 1] ?? '']);
      at += 2;
    } else if (pattern[at + 1] === '-' && at + 2 < pattern.length) {
      // Whatever follows the dash ends the range, even a closing bracket (redis-sentinel 7.0.15: `[+-]sdown`).
      const ends = [pattern[at] ?? '', pattern[at + 2] ?? ''].sort() as [string, string];
      ranges.push(ends);
      at += 3;
    } else {
      ranges.push([pattern[at] ?? '', pattern[at] ?? '']);
      at += 1;
    }
  }
  const matches = (char: string) => ranges.some(([low, high]) => char >= low && char <= high) !== negated;
  return { kind: 'one', end: at + 1, matches };
}
