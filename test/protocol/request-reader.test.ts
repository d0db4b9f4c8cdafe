// Requests from bytes: each case whole, byte by byte, and cut in two at every place; then hostile input (test/fuzz has more).
import { describe, expect, test, vi } from 'vitest';
import { createRequestReader, type ReadOutcome } from '../../src/protocol/request-reader.ts';

const limits = { maxBulkBytes: 536_870_912, maxQueryBytes: 1_073_741_824 };
const request = (...args: string[]): ReadOutcome => ({ kind: 'request', args });
const failure = (text: string): ReadOutcome => ({ kind: 'protocol-error', text: `ERR Protocol error: ${text}` });

/** Feed pieces one after the other, and read all there is after each of them. */
function readAll(pieces: readonly Buffer[], authenticated = true, own = limits): ReadOutcome[] {
  const reader = createRequestReader(own);
  const found: ReadOutcome[] = [];
  for (const piece of pieces) {
    reader.feed(piece);
    for (let next = reader.next(authenticated); next !== undefined; next = reader.next(authenticated)) found.push(next);
  }
  return found;
}

const bytesOf = (text: string) => Buffer.from(text, 'latin1');
const whole = (text: string) => [bytesOf(text)];
const byteByByte = (text: string) => Array.from(bytesOf(text), (byte) => Buffer.from([byte]));

const cases: { why: string; text: string; read: ReadOutcome[]; authenticated?: boolean }[] = [
  { why: 'one request', text: '*1\r\n$4\r\nPING\r\n', read: [request('PING')] },
  {
    why: 'empty and binary arguments',
    text: '*3\r\n$1\r\na\r\n$0\r\n\r\n$3\r\n\r\n\xff\r\n',
    read: [request('a', '', '\r\n\xff')],
  },
  {
    why: 'a pipeline, both forms',
    text: '*1\r\n$1\r\na\r\nb c\r\n*1\r\n$1\r\nd\r\n',
    read: [request('a'), request('b', 'c'), request('d')],
  },
  {
    why: 'as many arguments as a digit tells, and one more',
    text: `*9\r\n${'$1\r\na\r\n'.repeat(9)}*10\r\n${'$1\r\nb\r\n'.repeat(10)}`,
    read: [request(...'aaaaaaaaa'), request(...'bbbbbbbbbb')],
  },
  ...[10, 99, 100, 244, 245, 256, 257, 300].map((length) => ({
    why: `an argument of ${length} bytes`,
    text: `*2\r\n$0\r\n\r\n$${length}\r\n${'$'.repeat(length)}\r\n*1\r\n$1\r\na\r\n`,
    read: [request('', '$'.repeat(length)), request('a')],
  })),
  { why: 'an argument short of what was told', text: '*1\r\n$12\r\nabcdefghij\r\n', read: [] },
  { why: 'counts of nobody are passed over', text: '*0\r\n*-1\r\n*1\r\n$1\r\na\r\n', read: [request('a')] },
  { why: 'bytes behind an argument are not looked at', text: '*1\r\n$4\r\nPINGxx', read: [request('PING')] },
  { why: 'count not a number', text: '*x\r\n', read: [failure('invalid multibulk length')] },
  { why: 'count missing', text: '*\r\n', read: [failure('invalid multibulk length')] },
  { why: 'count with plus sign', text: '*+1\r\n', read: [failure('invalid multibulk length')] },
  { why: 'count with leading zero', text: '*01\r\n', read: [failure('invalid multibulk length')] },
  { why: 'count with a blank', text: '* 1\r\n', read: [failure('invalid multibulk length')] },
  { why: 'count minus zero', text: '*-0\r\n', read: [failure('invalid multibulk length')] },
  { why: 'the lowest count of 64 bits', text: '*-9223372036854775808\r\na\n', read: [request('a')] },
  { why: 'below 64 bits', text: '*-9223372036854775809\r\n', read: [failure('invalid multibulk length')] },
  { why: 'count of 20 digits', text: '*99999999999999999999\r\n', read: [failure('invalid multibulk length')] },
  { why: 'the highest count waits for its arguments', text: '*2147483647\r\n$1\r\na\r\n', read: [] },
  { why: 'a count needs no line feed, any byte will do', text: '*1\rx$1\rya\r\n', read: [request('a')] },
  { why: 'count beyond 31 bits', text: '*2147483648\r\n', read: [failure('invalid multibulk length')] },
  { why: 'an argument that is none', text: '*2\r\n$1\r\na\r\n*1\r\n', read: [failure("expected '$', got '*'")] },
  { why: 'an integer where an argument belongs', text: '*1\r\n:1\r\n', read: [failure("expected '$', got ':'")] },
  { why: 'no argument header at all', text: '*1\r\n\r\n', read: [failure("expected '$', got '\r'")] },
  { why: 'a byte beyond ASCII', text: '*1\r\n\xff\r\n', read: [failure("expected '$', got '\xff'")] },
  { why: 'how a header begins is judged when it ends', text: '*1\r\n:1', read: [] },
  { why: 'length empty', text: '*1\r\n$\r\n', read: [failure('invalid bulk length')] },
  { why: 'length with plus sign', text: '*1\r\n$+4\r\n', read: [failure('invalid bulk length')] },
  { why: 'length with leading zero', text: '*1\r\n$04\r\n', read: [failure('invalid bulk length')] },
  {
    why: 'length beyond what a number holds',
    text: '*1\r\n$9223372036854775807\r\n',
    read: [failure('invalid bulk length')],
  },
  { why: 'length at the limit', text: '*1\r\n$536870912\r\n', read: [] },
  { why: 'length not a number', text: '*1\r\n$x\r\n', read: [failure('invalid bulk length')] },
  { why: 'length negative', text: '*1\r\n$-1\r\n', read: [failure('invalid bulk length')] },
  { why: 'length above the limit', text: '*1\r\n$536870913\r\n', read: [failure('invalid bulk length')] },
  {
    why: 'what was complete before an error is still told',
    text: '*1\r\n$1\r\na\r\n*x\r\nPING\r\n',
    read: [request('a'), failure('invalid multibulk length')],
  },
  {
    why: 'more arguments than a stranger may send',
    text: '*11\r\n',
    authenticated: false,
    read: [failure('unauthenticated multibulk length')],
  },
  {
    why: 'as many as a stranger may send',
    text: `*10\r\n${'$1\r\na\r\n'.repeat(10)}`,
    authenticated: false,
    read: [request(...'aaaaaaaaaa')],
  },
  {
    why: 'a longer argument than a stranger may send',
    text: '*1\r\n$16385\r\n',
    authenticated: false,
    read: [failure('unauthenticated bulk length')],
  },
  {
    why: 'as long an argument as a stranger may send',
    text: '*1\r\n$16384\r\nx',
    authenticated: false,
    read: [],
  },
  {
    why: 'a length beyond every limit is invalid for strangers, too',
    text: '*1\r\n$536870913\r\n',
    authenticated: false,
    read: [failure('invalid bulk length')],
  },
  { why: 'a blank before the star makes it a line', text: ' *1\r\n', read: [request('*1')] },
  {
    why: 'nothing is read behind an error',
    text: '*x\r\n*1\r\n$1\r\na\r\n',
    read: [failure('invalid multibulk length')],
  },
  { why: 'an incomplete request waits', text: '*2\r\n$1\r\na\r\n$1\r\nb\r', read: [] },
  { why: 'inline, line feed only', text: 'PING\n', read: [request('PING')] },
  { why: 'inline, blanks and empty lines', text: '\r\n  \r\n a   b \r\n', read: [request('a', 'b')] },
  { why: 'inline, quotes in the middle of a word', text: 'x a"b c"\r\n', read: [request('x', 'ab c')] },
  { why: 'inline, escapes', text: 'x "\\x41\\n\\r\\t\\b\\a\\q\\""\r\n', read: [request('x', 'A\n\r\t\b\x07q"')] },
  { why: 'inline, single quotes', text: "x 'a\\'b\\n'\r\n", read: [request('x', "a'b\\n")] },
  { why: 'inline, an open quote', text: 'x "a\r\n', read: [failure('unbalanced quotes in request')] },
  { why: 'inline, more behind a closing quote', text: 'x "a"b\r\n', read: [failure('unbalanced quotes in request')] },
  { why: 'inline, a NUL is a byte like any other', text: 'a\0b\r\n', read: [request('a\0b')] },
];

describe.each(cases)('$why', ({ text, read, authenticated = true }) => {
  test('whole', () => expect(readAll(whole(text), authenticated)).toEqual(read));
  test('byte by byte', () => expect(readAll(byteByByte(text), authenticated)).toEqual(read));
  test('cut in two at every place', () => {
    for (let cut = 1; cut < text.length; cut += 1)
      expect(readAll([bytesOf(text.slice(0, cut)), bytesOf(text.slice(cut))], authenticated), `cut at ${cut}`).toEqual(
        read,
      );
  });
});

test.each([
  { why: 'an inline request', text: 'x'.repeat(65_537), error: 'too big inline request' },
  { why: 'a count', text: `*${'1'.repeat(65_537)}`, error: 'too big mbulk count string' },
  { why: 'a length', text: `*1\r\n$${'1'.repeat(65_537)}`, error: 'too big bulk count string' },
])('a line without an end is refused at 64 KiB: $why', ({ text, error }) => {
  expect(readAll(whole(text))).toEqual([failure(error)]);
  expect(readAll(whole(text.slice(0, -2)))).toEqual([]);
});

describe('copies of a request that stand directly behind it are taken at once', () => {
  const ping = '*1\r\n$4\r\nPING\r\n';
  const readerOf = (text: string) => {
    const reader = createRequestReader(limits);
    reader.feed(bytesOf(text));
    return reader;
  };

  test('as many as asked for; the others are read as ever', () => {
    const reader = readerOf(`${ping.repeat(5)}*1\r\n$1\r\na\r\n${ping}`);
    expect(reader.takeRepeats(9), 'nothing was handed out yet').toBe(0);
    expect(reader.next(true)).toEqual(request('PING'));
    expect(reader.takeRepeats(3)).toBe(3);
    expect(reader.next(true)).toEqual(request('PING'));
    expect(reader.takeRepeats(9)).toBe(0);
    expect(reader.next(true)).toEqual(request('a'));
    expect(reader.next(true)).toEqual(request('PING'));
    expect(reader.bufferedBytes()).toBe(0);
  });

  test('those of a request before the last one are no copies of the last one', () => {
    const reader = readerOf(`${ping}a\r\n${ping}`);
    expect([reader.next(true), reader.next(true)]).toEqual([request('PING'), request('a')]);
    expect(reader.takeRepeats(9)).toBe(0);
    expect(reader.next(true)).toEqual(request('PING'));
  });

  test('one that is not complete yet waits', () => {
    const reader = readerOf(`${ping}${ping}${ping.slice(0, -1)}`);
    expect(reader.next(true)).toEqual(request('PING'));
    expect(reader.takeRepeats(9)).toBe(1);
    expect(reader.next(true)).toBeUndefined();
    reader.feed(bytesOf('\n'));
    expect(reader.next(true)).toEqual(request('PING'));
  });

  test('behind an error there are none', () => {
    const reader = readerOf(`${ping}*x\r\n${ping}`);
    expect(reader.next(true)).toEqual(request('PING'));
    expect(reader.next(true)).toEqual(failure('invalid multibulk length'));
    expect(reader.takeRepeats(9)).toBe(0);
  });
});

test('a line of 64 KiB and one byte is refused even when its end is there, however it came', () => {
  const text = `${'x'.repeat(65_537)}\n`;
  expect(readAll(whole(text))).toEqual([failure('too big inline request')]);
  expect(readAll([bytesOf(text.slice(0, 10)), bytesOf(text.slice(10))])).toEqual([failure('too big inline request')]);
  expect(readAll(whole(text.slice(1)))).toEqual([request('x'.repeat(65_536))]);
});

test('bytes behind a header that never ends are refused for its length, not for how it begins', () => {
  expect(readAll(whole(`*1\r\n${'A'.repeat(65_537)}`))).toEqual([failure('too big bulk count string')]);
});

test('who logged in may send more from the next request on, in the same packet', () => {
  const reader = createRequestReader(limits);
  reader.feed(bytesOf(`*1\r\n$1\r\na\r\n*11\r\n${'$1\r\nb\r\n'.repeat(11)}`));
  expect(reader.next(false)).toEqual(request('a'));
  expect(reader.next(true)).toEqual(request(...'bbbbbbbbbbb'));
});

test('after an error nothing is kept, and nothing is said any more', () => {
  const reader = createRequestReader(limits);
  reader.feed(bytesOf('*x\r\nPING\r\n'));
  expect(reader.next(true)).toEqual(failure('invalid multibulk length'));
  reader.feed(bytesOf('PING\r\n'));
  expect(reader.next(true)).toBeUndefined();
  expect(reader.bufferedBytes()).toBe(0);
});

test('what an unfinished request holds is counted until it is handed out', () => {
  const reader = createRequestReader(limits);
  const text = '*2\r\n$1\r\na\r\n$1\r\nb';
  reader.feed(bytesOf(text));
  expect(reader.next(true)).toBeUndefined();
  expect(reader.bufferedBytes()).toBe(text.length);
  reader.feed(bytesOf('\r\n'));
  expect(reader.next(true)).toEqual(request('a', 'b'));
  expect(reader.bufferedBytes()).toBe(0);
});

test('many arguments in many pieces are copied a bounded number of times', () => {
  const concat = vi.spyOn(Buffer, 'concat');
  const count = 20_000;
  const pieces = byteByByte(`*${count}\r\n${'$1\r\na\r\n'.repeat(count)}`);
  const [found] = readAll(pieces);
  const copied = concat.mock.calls.reduce(
    (sum, [list]) => sum + list.reduce((bytes, part) => bytes + part.length, 0),
    0,
  );
  concat.mockRestore();
  expect(found).toMatchObject({ kind: 'request', args: { length: count } });
  // Joined as a whole at each piece it would be half the square of their number: ten thousand millions.
  expect(copied).toBeLessThan(20 * pieces.length);
});

test('redis-parser gets whole arguments, so it starts no timer', () => {
  const timers = () => process.getActiveResourcesInfo().filter((name) => name === 'Timeout').length;
  const before = timers();
  const argument = 'x'.repeat(500_000);
  const text = `*2\r\n$500000\r\n${argument}\r\n$500000\r\n${argument}\r\n`;
  const pieces = Array.from({ length: 101 }, (_, n) => bytesOf(text.slice(n * 10_000, (n + 1) * 10_000)));
  expect(readAll(pieces)).toEqual([request(argument, argument)]);
  expect(timers()).toBe(before);
});

test('a large argument in many pieces is put together once', () => {
  const argument = 'x'.repeat(3_000_000);
  const text = `*2\r\n$3\r\nfoo\r\n$${argument.length}\r\n${argument}\r\n*1\r\n$1\r\na\r\n`;
  const pieces = Array.from({ length: Math.ceil(text.length / 1000) }, (_, n) =>
    bytesOf(text.slice(n * 1000, (n + 1) * 1000)),
  );
  expect(readAll(pieces)).toEqual([request('foo', argument), request('a')]);
});

test('whoever sends more than may wait is closed without a word', () => {
  const own = { maxBulkBytes: 536_870_912, maxQueryBytes: 100 };
  expect(readAll(whole(`*1\r\n$200\r\n${'x'.repeat(120)}`), true, own)).toEqual([{ kind: 'overflow' }]);
});

test('the limit counts what waits, not what was read', () => {
  const own = { maxBulkBytes: 536_870_912, maxQueryBytes: 100 };
  const pieces = Array.from({ length: 50 }, () => bytesOf(`*1\r\n$80\r\n${'x'.repeat(80)}\r\n`));
  expect(readAll(pieces, true, own)).toHaveLength(50);
});

// The same 64 KiB again and again: as many bytes for the reader, and no memory for the test.
test('a request that strings could not hold is closed before it is complete', () => {
  const block = Buffer.alloc(65_536, 'x');
  const reader = createRequestReader(limits);
  reader.feed(bytesOf('*1\r\n$536870912\r\n'));
  expect(reader.next(true)).toBeUndefined();
  for (let fed = 0; fed < 511 * 16 - 1; fed += 1) reader.feed(block);
  expect(reader.next(true)).toBeUndefined();
  reader.feed(block);
  expect(reader.next(true)).toEqual({ kind: 'overflow' });
  expect(reader.bufferedBytes()).toBe(0);
});

test('announced sizes cost nothing', () => {
  const readers = Array.from({ length: 1000 }, () => createRequestReader(limits));
  const before = process.memoryUsage().arrayBuffers;
  for (const reader of readers) {
    reader.feed(bytesOf('*2147483647\r\n$536870912\r\nx'));
    expect(reader.next(true)).toBeUndefined();
    expect(reader.bufferedBytes()).toBeLessThan(64);
  }
  expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(10_000_000);
});
