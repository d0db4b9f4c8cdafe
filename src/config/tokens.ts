// One line of sentinel.conf <-> its words: splitting, and the two forms in which a word is written back.
// Strings are byte strings: one character is one byte of the file (it is read and written as latin1).

const UNESCAPED: Readonly<Record<string, string>> = { n: '\n', r: '\r', t: '\t', b: '\b', a: '\x07' };
const ESCAPED: Readonly<Record<string, string>> = {
  '\\': '\\\\',
  '"': '\\"',
  '\n': '\\n',
  '\r': '\\r',
  '\t': '\\t',
  '\b': '\\b',
  '\x07': '\\a',
};

/** What takes the careful path: quotes, and white space other than the blanks that both end and separate words. */
const NEEDS_CARE = /["'\n\v\f\r]/;
const BLANKS = /[ \t]+/;
const HEX_PAIR = /^[0-9a-fA-F]{2}$/;
const PLAIN_WORD = /^[\x21\x23-\x26\x28-\x5b\x5d-\x7e]+$/;

/** The words of a line, escapes resolved; `undefined` when its quotes are unbalanced (spec/config.md §1.2). */
export function tokenize(line: string): string[] | undefined {
  if (!NEEDS_CARE.test(line)) return line.split(BLANKS).filter((word) => word !== '');
  const words: string[] = [];
  let at = skipSpace(line, 0);
  while (at < line.length) {
    const word = readWord(line, at);
    if (word === undefined) return undefined;
    words.push(word.text);
    at = skipSpace(line, word.end);
  }
  return words;
}

/** The first three words of a trimmed line, like `tokenize` but without reading all of it where that is not needed. */
export function leadingWords(line: string): string[] | undefined {
  return NEEDS_CARE.test(line) ? tokenize(line)?.slice(0, 3) : line.split(BLANKS, 3);
}

interface Part {
  readonly text: string;
  readonly end: number;
}

function skipSpace(line: string, from: number): number {
  let at = from;
  while (at < line.length && isSpace(line, at)) at++;
  return at;
}

function isSpace(line: string, at: number): boolean {
  const code = line.charCodeAt(at);
  return code === 32 || (code >= 9 && code <= 13);
}

/** A quote in mid-word opens a quoted part, and such a part ends the word. VT and FF do not end an unquoted word. */
function readWord(line: string, from: number): Part | undefined {
  let at = from;
  while (at < line.length && !' \t\r\n"\''.includes(line.charAt(at))) at++;
  const plain = line.slice(from, at);
  const mark = line.charAt(at);
  if (mark !== '"' && mark !== "'") return { text: plain, end: at };
  const quoted = mark === '"' ? readDouble(line, at + 1) : readSingle(line, at + 1);
  if (quoted === undefined || (quoted.end < line.length && !isSpace(line, quoted.end))) return undefined;
  return { text: plain + quoted.text, end: quoted.end };
}

function readDouble(line: string, from: number): Part | undefined {
  let text = '';
  for (let at = from; at < line.length; at++) {
    const char = line.charAt(at);
    if (char === '"') return { text, end: at + 1 };
    if (char !== '\\' || at + 1 === line.length) {
      text += char;
      continue;
    }
    at++;
    const next = line.charAt(at);
    const pair = line.slice(at + 1, at + 3);
    if (next === 'x' && HEX_PAIR.test(pair)) {
      text += String.fromCharCode(Number.parseInt(pair, 16));
      at += 2;
    } else text += UNESCAPED[next] ?? next;
  }
  return undefined;
}

function readSingle(line: string, from: number): Part | undefined {
  let text = '';
  for (let at = from; at < line.length; at++) {
    const char = line.charAt(at);
    if (char === "'") return { text, end: at + 1 };
    if (char === '\\' && line.charAt(at + 1) === "'") at++;
    text += line.charAt(at);
  }
  return undefined;
}

/** `text` in double quotes, everything that is not printable ASCII escaped: never more than one line (§4.2). */
export function quote(text: string): string {
  let quoted = '"';
  for (const char of text) {
    const code = char.charCodeAt(0);
    if (char.length > 1 || code > 0xff) throw new RangeError('not a byte string: configuration text is latin1');
    if (ESCAPED[char] !== undefined) quoted += ESCAPED[char];
    else if (code < 0x20 || code > 0x7e) quoted += `\\x${code.toString(16).padStart(2, '0')}`;
    else quoted += char;
  }
  return `${quoted}"`;
}

/**
 * A word of a sentinel line: as it is where that is safe, else quoted.
 * Differs: redis-sentinel 7.0.15 writes passwords, names and paths raw, so that a blank or a quote breaks the next
 * start and a line feed injects a directive (TS-D1). It reads the quoted form.
 */
export function rawOrQuoted(text: string): string {
  return PLAIN_WORD.test(text) ? text : quote(text);
}

/** `text` without the blanks, tabs, CRs and LFs at its ends; other white space stays (§1.1). */
export function trimLine(text: string): string {
  let from = 0;
  let to = text.length;
  while (from < to && ' \t\r\n'.includes(text.charAt(from))) from++;
  while (to > from && ' \t\r\n'.includes(text.charAt(to - 1))) to--;
  return from === 0 && to === text.length ? text : text.slice(from, to);
}
