// The makers of replies: shared constants, and how texts become maps and lists.
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
  set,
  simple,
  verbatim,
} from '../../src/protocol/reply.ts';

const a = { kind: 'bulk', text: 'a' };
const b = { kind: 'bulk', text: 'b' };

test.each([
  { why: 'a status', made: simple('PONG'), reply: { kind: 'simple', text: 'PONG' } },
  { why: 'the usual status', made: ok, reply: { kind: 'simple', text: 'OK' } },
  { why: 'an error, without its minus sign', made: error('ERR x'), reply: { kind: 'error', text: 'ERR x' } },
  { why: 'an integer', made: integer(1), reply: { kind: 'integer', value: 1 } },
  { why: 'an integer of 64 bits stays exact', made: integer(2n ** 62n), reply: { kind: 'integer', value: 2n ** 62n } },
  { why: 'a text', made: bulk('a'), reply: a },
  { why: 'a text for people', made: verbatim('a'), reply: { kind: 'verbatim', text: 'a' } },
  {
    why: 'the two nulls differ in RESP2',
    made: array([nullBulk, nullArray]),
    reply: { kind: 'array', items: [{ kind: 'null' }, { kind: 'null-array' }] },
  },
  { why: 'a list of texts', made: bulks(['a', 'b']), reply: { kind: 'array', items: [a, b] } },
  { why: 'a set', made: set([bulk('a')]), reply: { kind: 'set', items: [a] } },
  { why: 'a push', made: push([bulk('a')]), reply: { kind: 'push', items: [a] } },
  { why: 'a map has texts for names', made: map([['a', ok]]), reply: { kind: 'map', entries: [[a, ok]] } },
  { why: 'fields are a map of texts', made: fields([['a', 'b']]), reply: { kind: 'fields', texts: ['a', 'b'] } },
  {
    why: 'a name may come twice, in order',
    made: fields([
      ['a', 'b'],
      ['a', 'a'],
    ]),
    reply: { kind: 'fields', texts: ['a', 'b', 'a', 'a'] },
  },
])('$why', ({ made, reply }) => {
  expect(made).toEqual(reply);
});
