// Replies to bytes, in the protocol a client chose: RESP2 or RESP3 (spec/commands.md §1.3).
import type { Reply } from './reply.ts';
import { bulkText } from './written-fields.ts';

export type RespVersion = 2 | 3;

/** The bytes of `reply`. Byte strings are written as they are; a CR or LF in a one-line text becomes a blank. */
export function encode(reply: Reply, version: RespVersion): Buffer {
  return encodeAll([reply], version);
}

/** The bytes of several replies, one behind the other. Unlike `render` it has no limit but memory. */
export function encodeAll(replies: readonly Reply[], version: RespVersion): Buffer {
  const written = writeAll(replies, version);
  return typeof written === 'string' ? Buffer.from(written, 'latin1') : written;
}

/** Node.js writes a text of so many bytes at once; of a longer one it makes a buffer, and writes that in its own time. */
export const TEXT_MAX = 16 * 1024;

/** The same, as a byte string up to `TEXT_MAX`. */
export function writeAll(replies: readonly Reply[], version: RespVersion): string | Buffer {
  const sink: Sink = { text: '', blocks: [], blockSize: BLOCK };
  for (const reply of replies) write(sink, reply, version);
  if (sink.blocks.length === 0) return sink.text.length > TEXT_MAX ? Buffer.from(sink.text, 'latin1') : sink.text;
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
    case 'written':
      return writeWritten(sink, reply.entries, reply.parts, version);
    case 'verbatim':
      return version === 3 ? writeCounted(sink, '=', 'txt:', reply.text) : writeBulk(sink, reply.text);
    case 'double':
      return version === 3 ? put(sink, `,${reply.text}\r\n`) : writeBulk(sink, reply.text);
  }
}

const oneLine = (text: string) => (/[\r\n]/.test(text) ? text.replaceAll(/[\r\n]/g, ' ') : text);

function writeBulk(sink: Sink, text: string): void {
  if (text.length > BLOCK) writeCounted(sink, '$', '', text);
  else put(sink, bulkText(text));
}

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

function writeFields(sink: Sink, texts: readonly string[], version: RespVersion): void {
  put(sink, version === 3 ? `%${texts.length / 2}\r\n` : `*${texts.length}\r\n`);
  for (const text of texts) writeBulk(sink, text);
}

/** Together with what it stands beside, a very long part could be longer than a string can be: each is put alone. */
function writeWritten(sink: Sink, entries: number, parts: readonly string[], version: RespVersion): void {
  put(sink, version === 3 ? `%${entries}\r\n` : `*${2 * entries}\r\n`);
  for (const part of parts) put(sink, part);
}
