// Hostile input for the request reader: noise, valid requests, and valid requests with something wrong in them.

/** Draws a whole number from 0 up to, and without, `below`. */
export type Draw = (below: number) => number;

/** A small generator of our own, so that a failing seed can be run again anywhere (mulberry32). */
export function drawFrom(seed: number): Draw {
  let state = seed;
  return (below) => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) % below;
  };
}

export interface FuzzInput {
  /** Requests that are valid, and stand in front of everything else: they have to be read whatever follows. */
  readonly valid: readonly (readonly string[])[];
  readonly bytes: Buffer;
  readonly authenticated: boolean;
}

/** Bytes that mean something to a reader come up more often than others. */
const ALPHABET = '*$+-:0123456789\r\n\r\n "\'\\xX \t\0\xffPINGping';
/** Counts and lengths around every limit there is. */
const NUMBERS = [
  ...['0', '1', '2', '3', '10', '11', '16384', '16385', '65536', '1048576', '536870912', '536870913', '2147483647'],
  ...['2147483648', '4294967296', '9223372036854775807', '9223372036854775808', '99999999999999999999', '-1', '-0'],
  ...['+1', '01', ' 1', '1 ', '', '1.0', '0x1', '1e1', '-9223372036854775808', '-9223372036854775809'],
];
/** One in so many inputs has a line as long as lines may be, or a little longer. */
const LONG_LINE_ONE_IN = 2000;
const LINE_MAX = 65_536;

const pick = <T>(draw: Draw, from: readonly T[] | string): T => from[draw(from.length)] as T;
const someText = (draw: Draw, maxLength: number): string =>
  Array.from({ length: draw(maxLength + 1) }, () =>
    draw(3) === 0 ? String.fromCharCode(draw(256)) : pick<string>(draw, ALPHABET),
  ).join('');

/** One input; the same draws give the same input. */
export function fuzzInput(draw: Draw): FuzzInput {
  const authenticated = draw(4) !== 0;
  const valid = Array.from({ length: draw(3) }, () => someRequest(draw));
  const text = valid.map((args) => render(draw, args)).join('') + tail(draw);
  return { valid, bytes: Buffer.from(text, 'latin1'), authenticated };
}

/** Few and small enough for a client that has not logged in. */
function someRequest(draw: Draw): readonly string[] {
  return Array.from({ length: 1 + draw(5) }, () => someText(draw, 20));
}

/** A request in one of its forms: a line only where its words need no quotes. */
function render(draw: Draw, args: readonly string[]): string {
  const plain = args.every((arg) => /^[A-Za-z0-9+:.-]+$/.test(arg)) && !args[0]?.startsWith('*');
  if (plain && draw(2) === 0) return `${args.join(' ')}${draw(2) === 0 ? '\r\n' : '\n'}`;
  return `*${args.length}\r\n${args.map((arg) => `$${arg.length}\r\n${arg}\r\n`).join('')}`;
}

function tail(draw: Draw): string {
  if (draw(LONG_LINE_ONE_IN) === 0) return longLine(draw);
  switch (draw(5)) {
    case 0:
      return '';
    case 1:
      return someText(draw, 200);
    case 2:
      return `*${pick(draw, NUMBERS)}\r\n$${pick(draw, NUMBERS)}\r\n${someText(draw, 20)}`;
    default:
      return mutated(draw, render(draw, someRequest(draw)) + render(draw, someRequest(draw)));
  }
}

function longLine(draw: Draw): string {
  const line = pick<string>(draw, 'x1"').repeat(LINE_MAX - 4 + draw(8));
  return pick(draw, ['', '*', '*1\r\n$', '*1\r\n']) + line + pick(draw, ['', '\n', '\r\n']);
}

/** One to four changes: a byte, a piece lost, a piece said twice, a number replaced, the end cut off. */
function mutated(draw: Draw, valid: string): string {
  let text = valid;
  for (let changes = 1 + draw(4); changes > 0; changes -= 1) {
    const at = draw(text.length + 1);
    const length = 1 + draw(8);
    const [before, piece, behind] = [text.slice(0, at), text.slice(at, at + length), text.slice(at + length)];
    switch (draw(6)) {
      case 0:
        text = before + pick<string>(draw, ALPHABET) + text.slice(at + 1);
        break;
      case 1:
        text = before + behind;
        break;
      case 2:
        text = before + piece + piece + behind;
        break;
      case 3:
        text = before + someText(draw, 6) + text.slice(at);
        break;
      case 4:
        text = before + text.slice(at).replace(/\d+/, pick<string>(draw, NUMBERS));
        break;
      default:
        text = before;
    }
  }
  return text;
}
