// Replies to bytes, in the protocol a client chose: RESP2 or RESP3 (spec/commands.md §1.3).
import type { Reply } from './reply.ts';

export type RespVersion = 2 | 3;

/** The bytes of `reply`. Byte strings are written as they are; a CR or LF in a one-line text becomes a blank. */
export function encode(reply: Reply, version: RespVersion): Buffer {
  return Buffer.from(render(reply, version), 'latin1');
}

/** The same as a byte string, for callers that join several replies. */
export function render(reply: Reply, version: RespVersion): string {
  switch (reply.kind) {
    case 'simple':
      return `+${oneLine(reply.text)}\r\n`;
    case 'error':
      return `-${oneLine(reply.text)}\r\n`;
    case 'integer':
      return `:${reply.value}\r\n`;
    case 'bulk':
      return renderBulk(reply.text);
    case 'null':
      return version === 3 ? '_\r\n' : '$-1\r\n';
    case 'null-array':
      return version === 3 ? '_\r\n' : '*-1\r\n';
    case 'array':
      return renderItems('*', reply.items, version);
    case 'set':
      return renderItems(version === 3 ? '~' : '*', reply.items, version);
    case 'push':
      return renderItems(version === 3 ? '>' : '*', reply.items, version);
    case 'map':
      return renderMap(reply.entries, version);
    case 'verbatim':
      return version === 3 ? `=${reply.text.length + 4}\r\ntxt:${reply.text}\r\n` : renderBulk(reply.text);
    case 'double':
      return version === 3 ? `,${reply.text}\r\n` : renderBulk(reply.text);
  }
}

const renderBulk = (text: string) => `$${text.length}\r\n${text}\r\n`;
const oneLine = (text: string) => (/[\r\n]/.test(text) ? text.replaceAll(/[\r\n]/g, ' ') : text);

function renderItems(type: string, items: readonly Reply[], version: RespVersion): string {
  let text = `${type}${items.length}\r\n`;
  for (const item of items) text += render(item, version);
  return text;
}

function renderMap(entries: readonly (readonly [Reply, Reply])[], version: RespVersion): string {
  let text = version === 3 ? `%${entries.length}\r\n` : `*${2 * entries.length}\r\n`;
  for (const [name, value] of entries) text += render(name, version) + render(value, version);
  return text;
}
