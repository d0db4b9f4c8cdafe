// INFO texts of data nodes: what counts, where it has to stand, and what is passed over.
import { expect, test } from 'vitest';
import { parseInfo } from '../../src/core/info.ts';

const text = (...lines: string[]) => lines.join('\r\n');
const ID = 'c'.repeat(40);

test('a replica tells its master, its link, its priority and its offset', () => {
  const info = parseInfo(
    text(
      '# Server',
      `run_id:${ID}`,
      '# Replication',
      'role:slave',
      'master_host:10.0.0.1',
      'master_port:6379',
      'master_link_status:UP',
      'slave_repl_offset:18446744073709551615',
      'slave_priority:10',
      'replica_announced:0',
    ),
  );
  expect(info).toEqual({
    runId: ID,
    role: 'slave',
    replicas: [],
    masterHost: '10.0.0.1',
    masterPort: 6379,
    linkStatus: 'up',
    linkDownMs: 0,
    priority: 10,
    offset: 18446744073709551615n,
    announced: false,
  });
});

test('a master tells its replicas, in the new form and in the old one', () => {
  const { role, replicas } = parseInfo(
    text(
      'role:master',
      'slave0:ip=10.0.0.2,port=6379,state=online,offset=1,lag=0',
      'slave1:10.0.0.3,6380,online',
      'slave2:ip=::1,port=6381,state=online',
    ),
  );
  expect(role).toBe('master');
  expect(replicas).toEqual([
    { host: '10.0.0.2', port: 6379 },
    { host: '10.0.0.3', port: 6380 },
    { host: '::1', port: 6381 },
  ]);
});

test.each([
  { why: 'a port that is none', line: 'slave0:ip=10.0.0.2,port=x,state=online' },
  { why: 'a port out of range', line: 'slave0:ip=10.0.0.2,port=70000,state=online' },
  { why: 'no address', line: 'slave0:ip=,port=6379' },
  { why: 'no port', line: 'slave0:ip=10.0.0.2' },
  { why: 'another word that begins alike', line: 'slaves:ip=10.0.0.2,port=6379' },
])('a malformed replica line is passed over: $why', ({ line }) => {
  expect(parseInfo(text('role:master', line)).replicas).toEqual([]);
});

test.each([
  {
    why: 'lines of a replica count only behind its role',
    lines: ['master_host:10.0.0.1', 'role:slave'],
    key: 'masterHost',
    value: undefined,
  },
  {
    why: 'a master has no priority to tell',
    lines: ['role:master', 'slave_priority:1'],
    key: 'priority',
    value: undefined,
  },
  {
    why: 'how long the link is down counts for both',
    lines: ['role:master', 'master_link_down_since_seconds:7'],
    key: 'linkDownMs',
    value: 7000,
  },
  {
    why: 'a link that never was up',
    lines: ['role:slave', 'master_link_down_since_seconds:-1'],
    key: 'linkDownMs',
    value: -1000,
  },
  { why: 'an unknown role is none', lines: ['role:sentinel'], key: 'role', value: undefined },
  { why: 'a run id that is too short is none', lines: ['run_id:abc'], key: 'runId', value: undefined },
  { why: 'nothing at all', lines: [''], key: 'role', value: undefined },
] as const)('$why', ({ lines, key, value }) => {
  expect(parseInfo(text(...lines))[key]).toEqual(value);
});
