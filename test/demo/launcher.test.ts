// The launcher's parts that need no processes: configuration text, ports, waiting, the writer's statistics.
import { expect, test } from 'vitest';
import { dataNodeConf, masterOptions, sentinelConf } from '../../src/demo/conf-text.ts';
import { parseFields, parseInfo } from '../../src/demo/nodes.ts';
import { freePorts } from '../../src/demo/ports.ts';
import { findOnPath } from '../../src/demo/programs.ts';
import { until } from '../../src/demo/until.ts';
import { writesPerSpan } from '../../src/demo/writer.ts';

const watch = { quorum: 2, downAfterMs: 1_000, failoverTimeoutMs: 20_000, parallelSyncs: 1 };

test('redis.conf of a replica with a password', () => {
  const text = dataNodeConf({
    port: 7002,
    dir: '/tmp/a "b"',
    masterPort: 7001,
    password: 's',
    config: ['replica-priority 7'],
  });
  expect(text.split('\n')).toEqual(
    expect.arrayContaining([
      'dir "/tmp/a \\"b\\""',
      'requirepass s',
      'masterauth s',
      'replicaof 127.0.0.1 7001',
      'replica-priority 7',
      '',
    ]),
  );
});

test('sentinel.conf of one master', () => {
  const masters = [{ name: 'm', port: 7001, ...watch, password: 's' }];
  expect(sentinelConf({ port: 9001, dir: '/tmp/x', masters, config: [] })).toBe(`port 9001
bind 127.0.0.1
dir "/tmp/x"
sentinel monitor m 127.0.0.1 7001 2
sentinel down-after-milliseconds m 1000
sentinel failover-timeout m 20000
sentinel parallel-syncs m 1
sentinel auth-pass m s
`);
  expect(masterOptions(watch)).toHaveLength(3);
});

test('ports are different, below the ephemeral range, and not those in use', async () => {
  // One port is not two; somebody else may have it.
  await expect(freePorts(2, () => 0)).rejects.toThrow(/found only [01] of 2 free ports/);
  const ports = await freePorts(20);
  expect(new Set(ports).size).toBe(20);
  expect(Math.max(...ports)).toBeLessThan(32_768);
});

test('a port is not given twice, though nobody listens on it yet', async () => {
  // The same ones are drawn for both.
  const drawn = () => {
    let draws = 0;
    return () => ((draws++ * 7) % 1000) / 1000;
  };
  const ports = [...(await freePorts(5, drawn())), ...(await freePorts(5, drawn()))];
  expect(new Set(ports).size).toBe(10);
});

test('until: returns what the check gives, and counts throwing as not yet', async () => {
  let looks = 0;
  const check = () => {
    if (++looks === 1) throw new Error('not there');
    return looks === 3 && 'here';
  };
  expect(await until('it', check, { everyMs: 1 })).toBe('here');
});

test.each([
  { why: 'what it waited for', check: () => false, text: /waited 20 ms in vain for: rain/ },
  { why: 'the last error', check: () => Promise.reject(new Error('still dry')), text: /last error: still dry/ },
  { why: 'a description', check: () => undefined, text: /cloudless$/ },
  { why: 'a check that hangs', check: () => new Promise<never>(() => undefined), text: /did not return/ },
])('until: the error tells $why', async ({ check, text }) => {
  const waiting = until<boolean>('rain', check, { withinMs: 20, everyMs: 5, describe: () => 'cloudless' });
  await expect(waiting).rejects.toThrow(text);
});

test('replies to fields', () => {
  expect(parseInfo('# Replication\r\nrole:slave\r\nmaster_host:::1\r\n')).toEqual({
    role: 'slave',
    master_host: '::1',
  });
  expect(parseFields(['a', '1', 'b', '2'])).toEqual({ a: '1', b: '2' });
  expect(parseFields(null)).toEqual({});
});

test.each([
  { why: 'oldest first, the one that is not over last', at: [110, 210, 215, 305], counts: [1, 2, 1] },
  { why: 'too old ones are left out', at: [10, 99, 150], counts: [1, 0, 0] },
  { why: 'none', at: [], counts: [0, 0, 0] },
])('writes per span: $why', ({ at, counts }) => {
  const writes = at.map((one) => ({ at: one, port: 1 }));
  expect(writesPerSpan(writes, 310, 100, 3)).toEqual(counts);
});

test('programs are found in the order of their names', () => {
  expect(findOnPath(['no-such-program', 'sh'], '/nowhere:/usr/bin:/bin')).toMatch(/bin\/sh$/);
  expect(findOnPath(['no-such-program'], '/usr/bin')).toBeUndefined();
});
