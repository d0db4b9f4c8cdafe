// Addresses: which texts are addresses, and when two of them are one.
import { expect, test } from 'vitest';
import { literalIp } from '../../src/core/ip-text.ts';
import { addressKey, addressOf, majorityOf, sameAddress } from '../../src/core/query.ts';

test.each([
  { text: '127.0.0.1', is: true },
  { text: '0.0.0.0', is: true },
  { text: '256.1.1.1', is: false },
  { text: '127.1', is: '127.0.0.1' },
  { text: '1.2.3', is: '1.2.0.3' },
  { text: '2130706433', is: '127.0.0.1' },
  { text: '0x7f.1', is: '127.0.0.1' },
  { text: '0177.0.0.01', is: '127.0.0.1' },
  { text: '01.2.3.4', is: '1.2.3.4' },
  { text: '1.2.65536', is: false },
  { text: '4294967296', is: false },
  { text: '08.1.1.1', is: false },
  { text: '0x.1', is: false },
  { text: '1.2.3.4.5', is: false },
  { text: '1..2', is: false },
  { text: '::ffff:127.1', is: false },
  { text: '::', is: true },
  { text: '::1', is: true },
  { text: 'fe80::1:2', is: true },
  { text: '::ffff:10.0.0.1', is: true },
  { text: '1:2:3:4:5:6:7:8', is: true },
  { text: '1:2:3:4:5:6:7', is: false },
  { text: '1:2:3:4:5:6:7:8:9', is: false },
  { text: '1::2::3', is: false },
  { text: '[::1]', is: false },
  { text: 'localhost', is: false },
  { text: '', is: false },
])('literalIp: $text', ({ text, is }) => {
  expect(literalIp(text)).toBe(typeof is === 'string' ? is : is ? text : undefined);
});

test.each([
  { why: 'the same', a: addressOf('10.0.0.1', 1), b: addressOf('10.0.0.1', 1), same: true },
  { why: 'another port', a: addressOf('10.0.0.1', 1), b: addressOf('10.0.0.1', 2), same: false },
  { why: 'names in another case', a: addressOf('DB', 1), b: addressOf('db', 1), same: true },
  {
    why: 'two names of one address',
    a: { host: 'a', ip: '10.0.0.1', port: 1 },
    b: { host: 'b', ip: '10.0.0.1', port: 1 },
    same: true,
  },
  { why: 'IPv6 in two spellings', a: addressOf('::1', 1), b: addressOf('0:0:0:0:0:0:0:1', 1), same: true },
  { why: 'IPv4 written in IPv6', a: addressOf('::FFFF:127.0.0.1', 1), b: addressOf('127.0.0.1', 1), same: true },
  { why: 'two unresolved names', a: addressOf('a', 1), b: addressOf('b', 1), same: false },
])('sameAddress: $why', ({ a, b, same }) => {
  expect(sameAddress(a, b)).toBe(same);
  expect(addressKey(a) === addressKey(b)).toBe(same);
});

test.each([
  [1, 1],
  [2, 2],
  [3, 2],
  [4, 3],
  [5, 3],
])('the majority of %d is %d', (voters, majority) => {
  expect(majorityOf(voters)).toBe(majority);
});
