// Replies to bytes, in the protocol a client chose: RESP2 or RESP3 (spec/commands.md §1.3).
import type { Reply } from './reply.ts';

export type RespVersion = 2 | 3;

/** The bytes of `reply`. Byte strings are written as they are; a CR or LF in a one-line text becomes a blank. */
export function encode(reply: Reply, version: RespVersion): Buffer {
  return encodeAll([reply], version);
}

/** The bytes of several replies, one behind the other. Unlike `render` it has no limit but memory. */
export function encodeAll(replies: readonly Reply[], version: RespVersion): Buffer {
  const sink: Sink = { text: '', blocks: [], blockSize: BLOCK };
  for (const reply of replies) write(sink, reply, version);
  if (sink.blocks.length === 0) return Buffer.from(sink.text, 'latin1');
  flush(sink);
  return Buffer.concat(sink.blocks);
}

/**
 * The same as a byte string, for callers that join several replies. Throws a RangeError where it would be longer than
 * a string can be (512 MiB); `encodeAll` does not.
 */
export function render(reply: Reply, version: RespVersion): string {
  const sink: Sink = { text: '', blocks: [], blockSize: Number.POSITIVE_INFINITY };
  write(sink, reply, version);
  return sink.text;
}

/** Long enough for nearly every reply to be one string and one buffer, short enough for strings to stay cheap. */
const BLOCK = 64 * 1024;

/** Where bytes collect: `blocks` are written, `text` is still growing. */
interface Sink {
  text: string;
  readonly blocks: Buffer[];
  readonly blockSize: number;
}

function put(sink: Sink, text: string): void {
  // A long text is not joined to what is before it: together they could be longer than a string can be.
  if (sink.text.length + text.length > sink.blockSize) flush(sink);
  if (text.length > sink.blockSize) sink.blocks.push(Buffer.from(text, 'latin1'));
  else sink.text += text;
}

function flush(sink: Sink): void {
  if (sink.text !== '') sink.blocks.push(Buffer.from(sink.text, 'latin1'));
  sink.text = '';
}

function write(sink: Sink, reply: Reply, version: RespVersion): void {
  switch (reply.kind) {
    case 'simple':
      return put(sink, `+${oneLine(reply.text)}\r\n`);
    case 'error':
      return put(sink, `-${oneLine(reply.text)}\r\n`);
    case 'integer':
      return put(sink, `:${reply.value}\r\n`);
    case 'bulk':
      return writeBulk(sink, reply.text);
    case 'null':
      return put(sink, version === 3 ? '_\r\n' : '$-1\r\n');
    case 'null-array':
      return put(sink, version === 3 ? '_\r\n' : '*-1\r\n');
    case 'array':
      return writeItems(sink, '*', reply.items, version);
    case 'set':
      return writeItems(sink, version === 3 ? '~' : '*', reply.items, version);
    case 'push':
      return writeItems(sink, version === 3 ? '>' : '*', reply.items, version);
    case 'map':
      return writeMap(sink, reply.entries, version);
    case 'fields':
      return writeFields(sink, reply.texts, version);
    case 'verbatim':
      return version === 3 ? writeCounted(sink, '=', 'txt:', reply.text) : writeBulk(sink, reply.text);
    case 'double':
      return version === 3 ? put(sink, `,${reply.text}\r\n`) : writeBulk(sink, reply.text);
  }
}

const oneLine = (text: string) => (/[\r\n]/.test(text) ? text.replaceAll(/[\r\n]/g, ' ') : text);
const writeBulk = (sink: Sink, text: string) => writeCounted(sink, '$', '', text);

function writeCounted(sink: Sink, type: string, prefix: string, text: string): void {
  put(sink, `${type}${prefix.length + text.length}\r\n${prefix}`);
  put(sink, text);
  put(sink, '\r\n');
}

function writeItems(sink: Sink, type: string, items: readonly Reply[], version: RespVersion): void {
  put(sink, `${type}${items.length}\r\n`);
  for (const item of items) write(sink, item, version);
}

function writeMap(sink: Sink, entries: readonly (readonly [Reply, Reply])[], version: RespVersion): void {
  put(sink, version === 3 ? `%${entries.length}\r\n` : `*${2 * entries.length}\r\n`);
  for (const [name, value] of entries) {
    write(sink, name, version);
    write(sink, value, version);
  }
}

/** All fields are joined to one text first: each is a few bytes, and there are thousands. */
function writeFields(sink: Sink, texts: readonly string[], version: RespVersion): void {
  let joined = version === 3 ? `%${texts.length / 2}\r\n` : `*${texts.length}\r\n`;
  for (const text of texts) {
    // Together with what it stands beside, a very long one could be longer than a string can be.
    if (text.length > BLOCK) {
      put(sink, joined);
      writeBulk(sink, text);
      joined = '';
    } else joined += `$${text.length}\r\n${text}\r\n`;
  }
  put(sink, joined);
}
