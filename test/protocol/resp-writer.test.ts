// Replies to bytes, every kind in both protocols (spec/commands.md §1.3).
import { expect, test } from 'vitest';
import {
  array,
  bulk,
  bulks,
  error,
  fields,
  integer,
  map,
  nullArray,
  nullBulk,
  ok,
  push,
  type Reply,
  set,
  simple,
  verbatim,
} from '../../src/protocol/reply.ts';
import { encode, encodeAll, render } from '../../src/protocol/resp-writer.ts';

test.each<{ why: string; reply: Reply; two: string; three: string }>([
  { why: 'a status', reply: ok, two: '+OK\r\n', three: '+OK\r\n' },
  { why: 'a status stays one line', reply: simple('a\r\nb'), two: '+a  b\r\n', three: '+a  b\r\n' },
  { why: 'an error stays one line', reply: error('ERR a\nb'), two: '-ERR a b\r\n', three: '-ERR a b\r\n' },
  {
    why: 'an epoch has 64 bits',
    reply: integer(2n ** 63n - 1n),
    two: ':9223372036854775807\r\n',
    three: ':9223372036854775807\r\n',
  },
  {
    why: 'bytes survive, line ends included',
    reply: bulk('a\r\n\xff'),
    two: '$4\r\na\r\n\xff\r\n',
    three: '$4\r\na\r\n\xff\r\n',
  },
  { why: 'a negative integer', reply: integer(-1), two: ':-1\r\n', three: ':-1\r\n' },
  { why: 'an empty text is not the null', reply: bulk(''), two: '$0\r\n\r\n', three: '$0\r\n\r\n' },
  {
    why: 'a list of texts',
    reply: bulks(['a', 'bc']),
    two: '*2\r\n$1\r\na\r\n$2\r\nbc\r\n',
    three: '*2\r\n$1\r\na\r\n$2\r\nbc\r\n',
  },
  {
    why: 'every kind keeps its protocol inside another',
    reply: array([map([['k', set([nullBulk, nullArray])]]), array([])]),
    two: '*2\r\n*2\r\n$1\r\nk\r\n*2\r\n$-1\r\n*-1\r\n*0\r\n',
    three: '*2\r\n%1\r\n$1\r\nk\r\n~2\r\n_\r\n_\r\n*0\r\n',
  },
  { why: 'an empty map', reply: map([]), two: '*0\r\n', three: '%0\r\n' },
  { why: 'an empty set', reply: set([]), two: '*0\r\n', three: '~0\r\n' },
  { why: 'the prefix counts', reply: verbatim(''), two: '$0\r\n\r\n', three: '=4\r\ntxt:\r\n' },
  { why: 'no value', reply: nullBulk, two: '$-1\r\n', three: '_\r\n' },
  { why: 'no list', reply: nullArray, two: '*-1\r\n', three: '_\r\n' },
  { why: 'an empty list', reply: array([]), two: '*0\r\n', three: '*0\r\n' },
  {
    why: 'a map',
    reply: fields([['a', '1']]),
    two: '*2\r\n$1\r\na\r\n$1\r\n1\r\n',
    three: '%1\r\n$1\r\na\r\n$1\r\n1\r\n',
  },
  { why: 'a set', reply: set([ok]), two: '*1\r\n+OK\r\n', three: '~1\r\n+OK\r\n' },
  { why: 'a push', reply: push([bulk('message')]), two: '*1\r\n$7\r\nmessage\r\n', three: '>1\r\n$7\r\nmessage\r\n' },
  { why: 'text for people', reply: verbatim('a'), two: '$1\r\na\r\n', three: '=5\r\ntxt:a\r\n' },
  { why: 'a double', reply: { kind: 'double', text: '0.5' }, two: '$3\r\n0.5\r\n', three: ',0.5\r\n' },
])('$why', ({ reply, two, three }) => {
  expect(encode(reply, 2).toString('latin1')).toBe(two);
  expect(encode(reply, 3).toString('latin1')).toBe(three);
  expect(render(reply, 2)).toBe(two);
  expect(render(reply, 3)).toBe(three);
});

test('a field longer than a block keeps its place', () => {
  const long = 'x'.repeat(70_000);
  expect(
    encode(
      fields([
        ['a', long],
        ['b', '2'],
      ]),
      2,
    ).toString('latin1'),
  ).toBe(`*4\r\n$1\r\na\r\n$70000\r\n${long}\r\n$1\r\nb\r\n$1\r\n2\r\n`);
});

test('several replies stand one behind the other, and none are no bytes', () => {
  expect(encodeAll([ok, integer(1), nullBulk], 3).toString('latin1')).toBe('+OK\r\n:1\r\n_\r\n');
  expect(encodeAll([], 2)).toHaveLength(0);
});

// Long replies are written in blocks of 64 KiB; a text of about that size could fall between two of them.
test.each([
  { why: 'just below a block', length: 65_535 - 8 },
  { why: 'a block', length: 65_536 },
  { why: 'just above a block', length: 65_537 },
  { why: 'several blocks', length: 200_000 },
])('order and bytes survive the cutting into blocks: $why', ({ length }) => {
  const text = '\xe9'.repeat(length);
  const reply = array([bulk('a'), bulk(text), bulk(text), bulk('b'), verbatim(text)]);
  const one = `$${length}\r\n${text}\r\n`;
  const two = `*5\r\n$1\r\na\r\n${one}${one}$1\r\nb\r\n${one}`;
  expect(encode(reply, 2).equals(Buffer.from(two, 'latin1'))).toBe(true);
  const three = `*5\r\n$1\r\na\r\n${one}${one}$1\r\nb\r\n=${length + 4}\r\ntxt:${text}\r\n`;
  expect(encode(reply, 3).equals(Buffer.from(three, 'latin1'))).toBe(true);
  expect(render(reply, 2)).toBe(two);
});

test('many small replies are cut into blocks, too', () => {
  const replies = Array.from({ length: 50_000 }, (_, n) => integer(n));
  expect(encodeAll(replies, 2).toString('latin1')).toBe(replies.map((reply) => render(reply, 2)).join(''));
});
