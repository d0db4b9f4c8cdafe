// Replies to bytes, every kind in both protocols (spec/commands.md §1.3).
import { expect, test } from 'vitest';
import {
  array,
  bulk,
  error,
  fields,
  integer,
  nullArray,
  nullBulk,
  ok,
  push,
  type Reply,
  set,
  simple,
  verbatim,
} from '../../src/protocol/reply.ts';
import { encode } from '../../src/protocol/resp-writer.ts';

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
});
