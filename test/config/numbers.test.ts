// Numbers as redis-sentinel 7.0.15 reads them; the C-style values are those of spec/config.md §2.2.
import { expect, test } from 'vitest';
import { cInt32, cUint64, memorySize, memoryText, octal, strictInteger } from '../../src/config/numbers.ts';

test.each([
  { why: 'a number', text: '5000', value: 5000, exact: true },
  { why: 'characters behind are ignored', text: '5000ms', value: 5000, exact: false },
  { why: 'a fraction is cut', text: '2.9', value: 2, exact: false },
  { why: 'no exponents', text: '1e5', value: 1, exact: false },
  { why: 'nothing parsed is 0', text: 'abc', value: 0, exact: false },
  { why: 'nothing at all is 0', text: '', value: 0, exact: false },
  { why: 'white space and sign in front', text: ' \t+7', value: 7, exact: true },
  { why: 'a sign alone is 0', text: '-', value: 0, exact: false },
  { why: 'largest', text: '2147483647', value: 2147483647, exact: true },
  { why: 'one more wraps to negative', text: '2147483648', value: -2147483648, exact: true },
  { why: 'wraps around', text: '4294972296', value: 5000, exact: true },
  { why: 'wraps to 1', text: '4294967297', value: 1, exact: true },
  { why: 'saturates at 64 bit before it wraps', text: '9223372036854775808', value: -1, exact: true },
  { why: 'saturates below', text: '-9223372036854775809', value: 0, exact: true },
  { why: 'negative 64 bit wraps', text: '-9223372036854775807', value: 1, exact: true },
])('cInt32: $why', ({ text, value, exact }) => expect(cInt32(text)).toEqual({ value, exact }));

test.each([
  { why: 'a number', text: '12', value: 12n, exact: true },
  { why: 'characters behind are ignored', text: '12abc', value: 12n, exact: false },
  { why: 'no hexadecimal', text: '0x10', value: 0n, exact: false },
  { why: 'nothing parsed is 0', text: 'abc', value: 0n, exact: false },
  { why: 'negative wraps', text: '-1', value: 18446744073709551615n, exact: true },
  { why: 'largest', text: '18446744073709551615', value: 18446744073709551615n, exact: true },
  { why: 'larger is the largest', text: '18446744073709551616', value: 18446744073709551615n, exact: true },
  { why: 'far below is the largest too', text: '-99999999999999999999', value: 18446744073709551615n, exact: true },
])('cUint64: $why', ({ text, value, exact }) => expect(cUint64(text)).toEqual({ value, exact }));

test.each([
  { why: 'zero', text: '0', value: 0n },
  { why: 'negative', text: '-12', value: -12n },
  { why: 'largest', text: '9223372036854775807', value: 9223372036854775807n },
  { why: 'too large', text: '9223372036854775808', value: undefined },
  { why: 'leading zero', text: '007', value: undefined },
  { why: 'minus zero', text: '-0', value: undefined },
  { why: 'plus', text: '+5', value: undefined },
  { why: 'blank', text: ' 5', value: undefined },
  { why: 'hexadecimal', text: '0x5', value: undefined },
  { why: 'empty', text: '', value: undefined },
])('strictInteger: $why', ({ text, value }) => expect(strictInteger(text)).toBe(value));

test.each([
  { why: 'bytes', text: '1024', size: 1024n, written: '1kb' },
  { why: 'kb is 1024', text: '3KB', size: 3072n, written: '3kb' },
  { why: 'k is 1000', text: '3k', size: 3000n, written: '3000' },
  { why: 'm and mb', text: '1m', size: 1000000n, written: '1000000' },
  { why: 'largest exact unit', text: '1024mb', size: 1073741824n, written: '1gb' },
  { why: 'not exact in gb', text: '1536mb', size: 1610612736n, written: '1536mb' },
  { why: 'zero has no unit', text: '0gb', size: 0n, written: '0' },
  { why: 'a unit alone is 0', text: 'kb', size: 0n, written: '0' },
  { why: 'unknown unit', text: '1tb', size: undefined, written: undefined },
  { why: 'negative', text: '-1', size: undefined, written: undefined },
  {
    why: 'too large for 64 bit is the largest',
    text: '99999999999999999999',
    size: 2n ** 64n - 1n,
    written: '18446744073709551615',
  },
])('memorySize: $why', ({ text, size, written }) => {
  expect(memorySize(text)).toBe(size);
  if (size !== undefined) expect(memoryText(size)).toBe(written);
});

test('octal', () => {
  expect(octal('770')).toBe(0o770n);
  expect(octal('888')).toBeUndefined();
});
