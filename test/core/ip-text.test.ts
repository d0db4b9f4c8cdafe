// One spelling per address: the results are what redis-sentinel 7.0.15 answered for these monitored addresses.
import { expect, test } from 'vitest';
import { literalIp } from '../../src/core/ip-text.ts';

test.each([
  ['10.0.0.1', '10.0.0.1'],
  ['0:0:0:0:0:0:0:1', '::1'],
  ['2001:DB8:0:0:1:0:0:1', '2001:db8::1:0:0:1'],
  ['::ffff:1.2.3.4', '::ffff:1.2.3.4'],
  ['::ffff:0102:0304', '::ffff:1.2.3.4'],
  ['::1.2.3.4', '::1.2.3.4'],
  ['::0:0102', '::102'],
  ['1:0:2:3:4:5:6:7', '1:0:2:3:4:5:6:7'],
  ['1:0:0:3:4:5:6:7', '1::3:4:5:6:7'],
  ['::', '::'],
  ['1::', '1::'],
  ['fe80::00a1', 'fe80::a1'],
])('%s is %s', (ip, expected) => expect(literalIp(ip)).toBe(expected));

test.each([
  { why: 'the largest number', text: '255.255.255.255', ip: '255.255.255.255' },
  { why: 'zeros alone', text: '0.0.0.0', ip: '0.0.0.0' },
  { why: 'one number too large', text: '10.0.0.256', ip: undefined },
  { why: 'octal numbers have another spelling', text: '010.0.0.01', ip: '8.0.0.1' },
  { why: 'short forms as well', text: '10.1', ip: '10.0.0.1' },
  { why: 'five numbers', text: '10.0.0.0.1', ip: undefined },
  { why: 'a line end behind it', text: '10.0.0.1\n', ip: undefined },
])('IPv4: $why', ({ text, ip }) => expect(literalIp(text)).toBe(ip));
