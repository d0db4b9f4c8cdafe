// Bytes in pieces: the same answers however they were cut, and no more memory or work than their number asks for.
import { describe, expect, test, vi } from 'vitest';
import { type ByteQueue, createByteQueue } from '../../src/protocol/byte-queue.ts';

const A = 97;
const Z = 122;

function queueOf(...pieces: string[]): ByteQueue {
  const queue = createByteQueue();
  for (const piece of pieces) queue.push(Buffer.from(piece));
  return queue;
}

const cuts: { why: string; pieces: string[] }[] = [
  { why: 'one piece', pieces: ['bcdefabc'] },
  { why: 'byte by byte', pieces: [...'bcdefabc'] },
  { why: 'shorter and shorter, so that none is joined to another', pieces: ['bcde', 'fab', 'c'] },
  { why: 'longer and longer', pieces: ['b', 'cd', 'efabc'] },
  { why: 'with empty pieces', pieces: ['', 'bcd', '', 'efabc', ''] },
];

describe.each(cuts)('$why', ({ pieces }) => {
  test('bytes are where they were sent', () => {
    const queue = queueOf(...pieces);
    expect(queue.length()).toBe(8);
    expect(Array.from({ length: 9 }, (_, index) => queue.at(index))).toEqual([...Buffer.from('bcdefabc'), undefined]);
  });

  test('every split between taking and leaving', () => {
    for (let count = 0; count <= 8; count += 1) {
      const queue = queueOf(...pieces);
      expect(queue.take(count).toString()).toBe('bcdefabc'.slice(0, count));
      expect(queue.length()).toBe(8 - count);
      expect(queue.take(8 - count).toString()).toBe('bcdefabc'.slice(count));
      expect(queue.at(0)).toBeUndefined();
    }
  });

  test('what was dropped is not found any more', () => {
    const queue = queueOf(...pieces);
    expect(queue.find(98, 8)).toBe(0);
    queue.drop(1);
    expect(queue.find(98, 7)).toBe(5);
    queue.drop(6);
    queue.push(Buffer.from('b'));
    expect(queue.take(2).toString()).toBe('cb');
  });
});

test.each([
  { why: 'at the last byte looked at', within: 6, found: 5 },
  { why: 'one behind it', within: 5, found: -1 },
  { why: 'more asked for than there is', within: 100, found: 5 },
  { why: 'nothing asked for', within: 0, found: -1 },
])('find: $why', ({ within, found }) => {
  expect(queueOf('bcdefabc').find(A, within)).toBe(found);
  expect(queueOf(...'bcdefabc').find(A, within)).toBe(found);
});

test('a search goes on where it ended, and starts anew for another byte or after taking', () => {
  const queue = queueOf('bbb');
  expect(queue.find(A, 100)).toBe(-1);
  queue.push(Buffer.from('za'));
  expect(queue.find(A, 100)).toBe(4);
  expect(queue.find(A, 3)).toBe(-1);
  expect(queue.find(Z, 100)).toBe(3);
  queue.drop(4);
  expect(queue.find(A, 100)).toBe(0);
});

test('a byte far from the front is found, too', () => {
  const queue = queueOf('b'.repeat(1000), 'b'.repeat(999), `${'b'.repeat(500)}a`);
  expect(queue.find(A, 2499)).toBe(-1);
  expect(queue.find(A, 2500)).toBe(2499);
});

test('bytes that came one by one are kept in few pieces', () => {
  const queue = createByteQueue();
  const bytes = 200_000;
  for (let n = 0; n < bytes; n += 1) queue.push(Buffer.from([n % 251]));
  const concat = vi.spyOn(Buffer, 'concat');
  const all = queue.take(bytes);
  const [parts] = concat.mock.calls[0] ?? [[]];
  concat.mockRestore();
  expect(parts.length).toBeLessThan(32);
  expect(all.every((byte, n) => byte === n % 251)).toBe(true);
});

test.each([
  { why: 'a few bytes are copied out of a large piece', left: 10, held: 10_000 },
  { why: 'a large rest stays where it is', left: 900_000, held: 1_000_000 },
])('settle: $why', ({ left, held }) => {
  const queue = createByteQueue();
  queue.push(Buffer.alloc(1_000_000, 'b'));
  queue.drop(1_000_000 - left);
  queue.settle();
  const rest = queue.take(left);
  expect(rest.toString()).toBe('b'.repeat(left));
  // The memory behind the bytes, which lives as long as they do.
  expect(rest.buffer.byteLength).toBeLessThanOrEqual(held);
});

test('cleared, it is as new', () => {
  const queue = queueOf('ab', 'c');
  queue.find(Z, 10);
  queue.drop(1);
  queue.clear();
  expect(queue.length()).toBe(0);
  expect(queue.at(0)).toBeUndefined();
  queue.push(Buffer.from('z'));
  expect(queue.find(Z, 10)).toBe(0);
});

test.each([
  { why: 'all of the piece', text: 'ababab', max: 9, times: 3 },
  { why: 'the beginning of one more does not count', text: 'ababa', max: 9, times: 2 },
  { why: 'up to what differs', text: 'ababxbabab', max: 9, times: 2 },
  { why: 'only the first one', text: 'abba', max: 9, times: 1 },
  { why: 'no more than asked for', text: 'ababab', max: 2, times: 2 },
  { why: 'none at the front', text: 'xabab', max: 9, times: 0 },
  { why: 'none asked for', text: 'abab', max: 0, times: 0 },
  { why: 'fewer than none', text: 'abab', max: -1, times: 0 },
  { why: 'nothing there', text: '', max: 9, times: 0 },
])('how often bytes stand at the front: $why', ({ text, max, times }) => {
  expect(queueOf(text).timesAtFront(Buffer.from('ab'), max)).toBe(times);
  const behindOthers = queueOf(`xyz${text}`);
  behindOthers.drop(3);
  expect(behindOthers.timesAtFront(Buffer.from('ab'), max)).toBe(times);
});
