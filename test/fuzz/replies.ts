// What a node or a peer may answer: replies that are right, others that are whole and make no sense, and noise.
import type { NodeReply } from '../../src/core/effects.ts';
import type { Draw } from './inputs.ts';

export interface FuzzAnswer {
  /** What is heard of the replies that stand in front and are right, whatever follows. */
  readonly heard: readonly NodeReply[];
  readonly bytes: Buffer;
}

/** Words by which a client library knows what a reply is about. */
const WORDS = [
  ...['message', 'pmessage', 'smessage', 'subscribe', 'psubscribe', 'ssubscribe', 'unsubscribe', 'punsubscribe'],
  ...['sunsubscribe', 'invalidate', 'moving', 'monitor', 'OK', 'PONG', 'QUEUED', '__proto__', 'constructor', 'c', ''],
];
const ODD_LINES = [
  ...['_', '#t', '#x', ',1.5', ',nan', ',-inf', '(12', '(-x', '-', '+', ':', ':-', ':x', '$', '*', '%', '~', '>', '='],
  ...['=5\r\ntxt:a', '=1\r\na', '!5\r\nERR a', '-MOVED 1 a:1', '-NOAUTH x', '$-2', '*-2', '>-1', '%-1', '*99999999999'],
  ...['*30000000', '>30000000', '%30000000', '~30000000', '*1025', '$999999999', '$67108865'],
];

const pick = <T>(draw: Draw, from: readonly T[]): T => from[draw(from.length)] as T;
const bulk = (text: string) => `$${text.length}\r\n${text}\r\n`;

/** Answers to the requests of a command connection, of which there are `requests`. */
export function fuzzAnswer(draw: Draw, requests: number): FuzzAnswer {
  const right = Array.from({ length: draw(requests + 1) }, () => rightReply(draw));
  const text = right.map(({ bytes }) => bytes).join('') + tail(draw);
  return { heard: right.map(({ reply }) => reply), bytes: Buffer.from(text, 'latin1') };
}

/** Answers to AUTH and SUBSCRIBE: what is heard are the texts of the messages. */
export function fuzzSubscription(draw: Draw): FuzzAnswer {
  const right = Array.from({ length: draw(4) }, () => pick(draw, WORDS));
  const begin = `+OK\r\n*3\r\n${bulk('subscribe')}${bulk('c')}:1\r\n`;
  const messages = right.map((text) => `*3\r\n${bulk('message')}${bulk('c')}${bulk(text)}`).join('');
  const begun = draw(4) > 0;
  return {
    heard: begun ? right.map((text) => ({ kind: 'text', text })) : [],
    bytes: Buffer.from(begun ? begin + messages + tail(draw) : tail(draw), 'latin1'),
  };
}

function rightReply(draw: Draw): { readonly reply: NodeReply; readonly bytes: string } {
  const text = pick(draw, WORDS);
  switch (draw(4)) {
    case 0:
      return { reply: { kind: 'text', text }, bytes: `+${text}\r\n` };
    case 1:
      return { reply: { kind: 'text', text }, bytes: bulk(text) };
    case 2:
      return { reply: { kind: 'error', text: `ERR ${text}` }, bytes: `-ERR ${text}\r\n` };
    default:
      return { reply: { kind: 'integer', value: 9007199254740993n }, bytes: ':9007199254740993\r\n' };
  }
}

function tail(draw: Draw): string {
  const text = Array.from({ length: draw(5) }, () => anyReply(draw)).join('');
  return draw(3) > 0 ? text : text.slice(0, draw(text.length + 1));
}

/** A reply of any type, whole, with what it likes in it. */
function anyReply(draw: Draw, depth = 0): string {
  const nested = (type: string, items: number, perItem = 1) =>
    `${type}${items}\r\n${Array.from({ length: items * perItem }, () => anyReply(draw, depth + 1)).join('')}`;
  switch (draw(depth > 2 ? 6 : 10)) {
    case 0:
    case 1:
      return bulk(pick(draw, WORDS));
    case 2:
      return `+${pick(draw, WORDS)}\r\n`;
    case 3:
      return `:${draw(100)}\r\n`;
    case 4:
      return pick(draw, ['$-1\r\n', '*-1\r\n', '_\r\n', '-ERR x\r\n']);
    case 5:
      return `${pick(draw, ODD_LINES)}\r\n`;
    case 6:
      return nested('*', draw(5));
    case 7:
      return nested('>', draw(5));
    case 8:
      return nested('%', draw(3), 2);
    default:
      return nested('~', draw(4));
  }
}
