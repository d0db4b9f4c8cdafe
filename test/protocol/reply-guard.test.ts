// What a node may answer: each case whole and byte by byte.
import { expect, test } from 'vitest';
import { createReplyGuard, type Fault } from '../../src/protocol/reply-guard.ts';

const MB = 1024 * 1024;

function feedWhole(text: string): Fault | undefined {
  return createReplyGuard().feed(Buffer.from(text, 'latin1'));
}

/** The bytes that were good on the whole, and the reason. */
function feedByByte(text: string): Fault | undefined {
  const guard = createReplyGuard();
  let good = 0;
  for (const [at, byte] of Buffer.from(text, 'latin1').entries()) {
    const fault = guard.feed(Buffer.of(byte));
    if (fault !== undefined) return { ...fault, goodBytes: good };
    // A reply that ends here is whole: nothing of it would be taken back by a fault in the next byte.
    if (createReplyGuard().feed(Buffer.from(`${text.slice(0, at + 1)}?`, 'latin1'))?.goodBytes === at + 1)
      good = at + 1;
  }
  return undefined;
}

test.each([
  { why: 'lines', text: '+PONG\r\n-ERR x\r\n:-5\r\n+\r\n' },
  { why: 'bulk strings, an empty one, one with line ends, a null', text: '$4\r\na\r\nb\r\n$0\r\n\r\n$-1\r\n' },
  { why: 'arrays, empty, null and in one another', text: '*2\r\n*1\r\n:1\r\n*0\r\n*-1\r\n*0\r\n+x\r\n' },
  { why: 'as many parts as may be', text: `*1024\r\n${':1\r\n'.repeat(1024)}*1024\r\n` },
  { why: 'what is not at its end', text: '*3\r\n$7\r\nmess' },
  { why: 'a line feed in a line', text: '+a\nb\r\n' },
])('is let through: $why', ({ text }) => {
  expect(feedWhole(text)).toBeUndefined();
  expect(feedByByte(text)).toBeUndefined();
});

test.each([
  { why: 'a push', good: '', bad: '>1\r\n_\r\n', reason: 'a reply that is not RESP2' },
  { why: 'a map inside', good: ':1\r\n', bad: '*1\r\n%1\r\n', reason: 'a reply that is not RESP2' },
  { why: 'another protocol', good: '', bad: 'HTTP/1.1 400\r\n', reason: 'a reply that is not RESP2' },
  { why: 'a null of RESP3', good: '$2\r\nOK\r\n', bad: '_\r\n', reason: 'a reply that is not RESP2' },
  { why: 'a size of no digits', good: '', bad: '$\r\n', reason: 'a size that is none' },
  { why: 'a size of other characters', good: '', bad: '*1x\r\n', reason: 'a size that is none' },
  { why: 'a negative size', good: '*0\r\n', bad: '$-2\r\n', reason: 'a size that is none' },
  { why: 'a size without end', good: '', bad: '$00000000001\r\n', reason: 'a size that is none' },
  { why: 'a carriage return alone', good: '', bad: '+a\rb\r\n', reason: 'a line that does not end in CRLF' },
  { why: 'too many parts', good: ':1\r\n', bad: '*1025\r\n', reason: 'a reply of too many parts' },
  { why: 'too many parts on the whole', good: '', bad: '*1024\r\n*1\r\n', reason: 'a reply of too many parts' },
  { why: 'nothing but arrays', good: '', bad: '*1\r\n'.repeat(1025), reason: 'a reply of too many parts' },
  { why: 'a huge string', good: '+x\r\n', bad: `$${64 * MB + 1}\r\n`, reason: 'a reply that is too large' },
])('is a fault behind what was good: $why', ({ good, bad, reason }) => {
  for (const fault of [feedWhole(good + bad), feedByByte(good + bad)])
    expect(fault).toEqual({ goodBytes: good.length, reason });
});

test('a line without end, and strings that are too large together, are too large', () => {
  const piece = Buffer.alloc(MB, 'x');
  for (const begin of ['+', `*2\r\n$${40 * MB}\r\n${' '.repeat(40 * MB)}\r\n$${40 * MB}\r\n`]) {
    const guard = createReplyGuard();
    expect(guard.feed(Buffer.from(begin))).toBeUndefined();
    const faults = Array.from({ length: 70 }, () => guard.feed(piece));
    expect(faults.find((fault) => fault !== undefined)).toEqual({ goodBytes: 0, reason: 'a reply that is too large' });
  }
});

test('what one reply had is forgotten with its end', () => {
  const guard = createReplyGuard();
  const reply = Buffer.from(`*600\r\n${':1\r\n'.repeat(599)}$${10 * MB}\r\n${' '.repeat(10 * MB)}\r\n`);
  for (let replies = 0; replies < 10; replies += 1) expect(guard.feed(reply)).toBeUndefined();
});
