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
