// Replies as golden-commands.json writes them: bytes to values, and whether a value is the one that was recorded.
// The notation (type byte as key, placeholders, variables) is explained in the header element of that file.

/** One reply: its RESP type byte and what it holds; `null` for the nulls of RESP2 and RESP3. */
export interface Reply {
  readonly type: string;
  readonly value: string | null | readonly Reply[] | readonly (readonly [Reply, Reply])[];
}

/** What a case expects: an object with the type byte as key, or the text `<any>`. */
export type Expected = string | { readonly [key: string]: unknown };

export interface ReplyReader {
  feed(chunk: Buffer): void;
  /** The next complete reply. Throws when the bytes are no RESP. */
  next(): Reply | undefined;
}

/** Read replies of both protocols from a stream of bytes. */
export function createReplyReader(): ReplyReader {
  let text = '';
  return {
    feed(chunk) {
      text += chunk.toString('latin1');
    },
    next() {
      const read = readReply(text, 0);
      if (read === undefined) return undefined;
      text = text.slice(read.end);
      return read.reply;
    },
  };
}

type Read = { readonly reply: Reply; readonly end: number } | undefined;

function readReply(text: string, start: number): Read {
  const lineEnd = text.indexOf('\r\n', start);
  if (lineEnd < 0) return undefined;
  const type = text[start] ?? '';
  const line = text.slice(start + 1, lineEnd);
  const end = lineEnd + 2;
  if ('+-:,#'.includes(type)) return { reply: { type, value: line }, end };
  if (type === '_') return { reply: { type, value: null }, end };
  if (!'$=*~>%'.includes(type)) throw new Error(`no RESP reply: ${JSON.stringify(text.slice(start, start + 80))}`);
  const count = Number(line);
  if (count < 0) return { reply: { type, value: null }, end };
  if (type === '$' || type === '=') {
    if (text.length < end + count + 2) return undefined;
    return { reply: { type, value: text.slice(end, end + count) }, end: end + count + 2 };
  }
  return type === '%' ? readPairs(text, end, count) : readItems(text, end, count, type);
}

function readItems(text: string, start: number, count: number, type: string): Read {
  const items: Reply[] = [];
  let at = start;
  while (items.length < count) {
    const read = readReply(text, at);
    if (read === undefined) return undefined;
    items.push(read.reply);
    at = read.end;
  }
  return { reply: { type, value: items }, end: at };
}

function readPairs(text: string, start: number, count: number): Read {
  const flat = readItems(text, start, 2 * count, '%');
  if (flat === undefined) return undefined;
  const items = flat.reply.value as readonly Reply[];
  const pairs = Array.from({ length: count }, (_, index) => items.slice(2 * index, 2 * index + 2));
  return { reply: { type: '%', value: pairs as [Reply, Reply][] }, end: flat.end };
}

/** The reply in the notation of the file, for error texts; cut where nobody reads on. */
export function show(reply: Reply): string {
  return JSON.stringify(asRecorded(reply)).slice(0, 2000);
}

function asRecorded({ type, value }: Reply): unknown {
  if (value === null || typeof value === 'string') return { [type]: value };
  return { [type]: value.map((item) => ('type' in item ? asRecorded(item) : item.map(asRecorded))) };
}

/** Where `reply` first differs from what was recorded; `undefined`: nowhere. */
export function difference(expected: Expected, reply: Reply, fill: (text: string) => string): string | undefined {
  if (expected === '<any>') return undefined;
  const [type = '', wanted] = Object.entries(expected).find(([key]) => key !== 'unordered') ?? [];
  if (type !== reply.type) return `expected ${JSON.stringify(expected)}, got ${show(reply)}`;
  if (!Array.isArray(wanted) || reply.value === null || typeof reply.value === 'string') {
    const same =
      wanted === null || Array.isArray(wanted)
        ? reply.value === wanted
        : typeof reply.value === 'string' && matchesText(String(wanted), reply.value, fill);
    return same ? undefined : `expected ${JSON.stringify(expected)}, got ${show(reply)}`;
  }
  // The members of a set have no order either.
  const anyOrder = type === '~' || (typeof expected === 'object' && expected.unordered === true);
  const items = reply.value as readonly unknown[];
  const wrong = anyOrder ? differenceInAnyOrder(wanted, items, fill) : differenceInOrder(wanted, items, fill);
  if (wrong !== undefined) return wrong;
  return wanted.length === items.length
    ? undefined
    : `${wanted.length} items expected, got ${items.length}: ${show(reply)}`;
}

function differenceOfItem(wanted: unknown, item: unknown, fill: (text: string) => string): string | undefined {
  if (Array.isArray(wanted) && Array.isArray(item)) return differenceInOrder(wanted, item, fill);
  return difference(wanted as Expected, item as Reply, fill);
}

function differenceInOrder(wanted: readonly unknown[], items: readonly unknown[], fill: (text: string) => string) {
  for (const [index, item] of items.entries()) {
    if (index >= wanted.length) return `one more than expected: ${JSON.stringify(item)}`;
    const wrong = differenceOfItem(wanted[index], item, fill);
    if (wrong !== undefined) return `item ${index}: ${wrong}`;
  }
  return undefined;
}

/** Each item takes the first expectation that it fits and nobody else has taken. */
function differenceInAnyOrder(wanted: readonly unknown[], items: readonly unknown[], fill: (text: string) => string) {
  const left = [...wanted];
  for (const item of items) {
    const at = left.findIndex((each) => differenceOfItem(each, item, fill) === undefined);
    if (at < 0) return `not expected: ${show(item as Reply)}; missing: ${JSON.stringify(left)}`;
    left.splice(at, 1);
  }
  return left.length === 0 ? undefined : `missing: ${JSON.stringify(left)}`;
}

const PLACEHOLDERS: Readonly<Record<string, string>> = {
  '<int>': '-?\\d+',
  '<ms>': '\\d+',
  '<float>': '-?\\d+(?:\\.\\d+)?',
  '<runid>': '[0-9a-f]{40}',
  '<hex>': '[0-9a-f]+',
  '<word>': '[^\\s]+',
  '<any>': '[^\\r\\n]*',
  '<text>': '[\\s\\S]*',
};
const PLACEHOLDER = /(<(?:int|ms|float|runid|hex|word|any|text)>)/;

/** Does the whole of `text` fit the pattern, once `fill` has put the run's own ports and ids in? */
export function matchesText(pattern: string, text: string, fill: (text: string) => string): boolean {
  const filled = fill(pattern);
  // Most texts have no placeholder, and some are too long for a regular expression.
  if (!PLACEHOLDER.test(filled)) return filled === text;
  const source = filled
    .split(PLACEHOLDER)
    .map((part) => PLACEHOLDERS[part] ?? part.replaceAll(/[\\^$.*+?()[\]{}|]/g, '\\$&'))
    .join('');
  return new RegExp(`^${source}$`).test(text);
}
