// Hellos: the eight fields, and everything that makes one unusable as a whole.
import { expect, test } from 'vitest';
import { parseHello } from '../../src/core/hello.ts';

const GOOD = ['10.0.0.9', '26379', 'b'.repeat(40), '3', 'mymaster', '10.0.0.1', '6379', '2'];

test('a good hello', () => {
  expect(parseHello(GOOD.join(','))).toEqual({
    address: { host: '10.0.0.9', ip: '10.0.0.9', port: 26379 },
    runId: 'b'.repeat(40),
    currentEpoch: 3n,
    masterName: 'mymaster',
    masterAddress: { host: '10.0.0.1', ip: '10.0.0.1', port: 6379 },
    configEpoch: 2n,
  });
});

const withField = (at: number, value: string) => GOOD.map((field, n) => (n === at ? value : field)).join(',');

test.each([
  { why: 'too few fields', text: GOOD.slice(1).join(',') },
  { why: 'too many fields', text: `${GOOD.join(',')},x` },
  { why: 'an empty address', text: withField(0, '') },
  { why: 'a port out of range', text: withField(1, '65536') },
  { why: 'a port that is none', text: withField(1, 'x') },
  { why: 'no id', text: withField(2, '') },
  { why: 'an id that is longer than any', text: withField(2, 'b'.repeat(41)) },
  { why: 'an address that is longer than any name', text: withField(0, 'x'.repeat(256)) },
  { why: 'a master’s address of that kind', text: withField(5, 'x'.repeat(256)) },
  { why: 'a negative epoch', text: withField(3, '-1') },
  { why: 'an epoch that could never be raised again', text: withField(3, '18446744073709551615') },
  { why: 'a master without a port', text: withField(6, '0') },
  { why: 'a config epoch that is none', text: withField(7, '2x') },
])('refused: $why', ({ text }) => {
  expect(parseHello(text)).toBeUndefined();
});

test('the longest name is read', () => {
  expect(parseHello(withField(5, 'x'.repeat(255)))?.masterAddress.host).toHaveLength(255);
});

test('a peer without a port is known, and names are yet to be looked up', () => {
  expect(parseHello(withField(1, '0'))?.address.port).toBe(0);
  expect(parseHello(withField(5, 'db.example'))?.masterAddress).toEqual({
    host: 'db.example',
    ip: undefined,
    port: 6379,
  });
});
