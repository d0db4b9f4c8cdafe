// Requests typed as a plain line: how it falls into words (spec/commands.md §1.1).

const ESCAPES: Readonly<Record<string, string>> = { n: '\n', r: '\r', t: '\t', b: '\b', a: '\x07' };
const SPACE = /[ \t\n\v\f\r]/;
/** Fewer than the blanks between words: redis-sentinel 7.0.15 takes a vertical tab inside a word for a part of it. */
const WORD_END = /[ \t\n\r]/;

/** The words of a line, quotes resolved; `undefined` when a quote is open, or closed in the middle of a word. */
export function splitInline(line: string): string[] | undefined {
  const words: string[] = [];
  let at = 0;
  for (;;) {
    while (SPACE.test(line[at] ?? '')) at += 1;
    if (at >= line.length) return words;
    const word = readWord(line, at);
    if (word === undefined) return undefined;
    words.push(word.text);
    at = word.end;
  }
}

/** A word may open quotes anywhere, but ends where they close. */
function readWord(line: string, start: number): { text: string; end: number } | undefined {
  let text = '';
  for (let at = start; at < line.length; at += 1) {
    const char = line[at] ?? '';
    if (WORD_END.test(char)) return { text, end: at };
    if (char !== '"' && char !== "'") text += char;
    else {
      const quoted = char === '"' ? readDouble(line, at + 1) : readSingle(line, at + 1);
      const next = quoted === undefined ? undefined : line[quoted.end];
      if (quoted === undefined || (next !== undefined && !SPACE.test(next))) return undefined;
      return { text: text + quoted.text, end: quoted.end };
    }
  }
  return { text, end: line.length };
}

type Quoted = { text: string; end: number } | undefined;

function readDouble(line: string, start: number): Quoted {
  let text = '';
  for (let at = start; at < line.length; at += 1) {
    const char = line[at] ?? '';
    if (char === '"') return { text, end: at + 1 };
    if (char !== '\\' || at + 1 >= line.length) text += char;
    else {
      const hex = /^x([0-9a-fA-F]{2})/.exec(line.slice(at + 1, at + 4))?.[1];
      const escaped = line[at + 1] ?? '';
      text += hex === undefined ? (ESCAPES[escaped] ?? escaped) : String.fromCharCode(Number.parseInt(hex, 16));
      at += hex === undefined ? 1 : 3;
    }
  }
  return undefined;
}

function readSingle(line: string, start: number): Quoted {
  let text = '';
  for (let at = start; at < line.length; at += 1) {
    const char = line[at] ?? '';
    if (char === "'") return { text, end: at + 1 };
    if (char === '\\' && line[at + 1] === "'") {
      text += "'";
      at += 1;
    } else text += char;
  }
  return undefined;
}
