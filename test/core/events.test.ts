// Every event's payload, byte for byte as redis-sentinel 7.0.15 has it.
import { expect, test } from 'vitest';
import { type InstanceRef, LEVEL, payload, type SentinelEvent } from '../../src/core/events.ts';

const master: InstanceRef = { kind: 'master', name: 'm', host: '10.0.0.1', port: 6379 };
const owner = { name: 'm', host: '10.0.0.1', port: 6379 };
const replica: InstanceRef = { kind: 'replica', name: '10.0.0.2:6379', host: '10.0.0.2', port: 6379, master: owner };
const peer: InstanceRef = { kind: 'peer', name: 'id', host: '10.0.0.9', port: 26379, master: owner };

test.each<{ event: SentinelEvent; text: string }>([
  { event: { name: '+monitor', about: master, quorum: 2 }, text: 'master m 10.0.0.1 6379 quorum 2' },
  { event: { name: '+sdown', about: replica }, text: 'slave 10.0.0.2:6379 10.0.0.2 6379 @ m 10.0.0.1 6379' },
  { event: { name: '+sentinel', about: peer }, text: 'sentinel id 10.0.0.9 26379 @ m 10.0.0.1 6379' },
  { event: { name: '+odown', about: master, votes: 3, quorum: 2 }, text: 'master m 10.0.0.1 6379 #quorum 3/2' },
  { event: { name: '+new-epoch', about: master, epoch: 7n }, text: '7' },
  { event: { name: '+vote-for-leader', about: master, runId: 'id', epoch: 7n }, text: 'id 7' },
  {
    event: { name: '+switch-master', about: master, from: owner, to: { host: '10.0.0.2', port: 6380 } },
    text: 'm 10.0.0.1 6379 10.0.0.2 6380',
  },
  {
    event: { name: '-role-change', about: replica, role: 'master' },
    text: 'slave 10.0.0.2:6379 10.0.0.2 6379 @ m 10.0.0.1 6379 new reported role is master',
  },
  {
    event: { name: '+set', about: master, option: 'rename-command', values: ['A', 'B'] },
    text: 'master m 10.0.0.1 6379 rename-command A B',
  },
  {
    event: { name: '+set', about: master, option: 'Auth-Pass', values: ['secret'] },
    text: 'master m 10.0.0.1 6379 Auth-Pass ******',
  },
  {
    event: { name: '+sentinel-address-switch', about: master, to: { host: '::1', port: 1 }, runId: 'id' },
    text: 'master m 10.0.0.1 6379 ip ::1 port 1 for id',
  },
  {
    event: { name: '+sentinel-address-update', about: peer, others: 2 },
    text: 'sentinel id 10.0.0.9 26379 @ m 10.0.0.1 6379 2 additional matching instances',
  },
  { event: { name: '+tilt' }, text: '#tilt mode entered' },
  { event: { name: '-tilt' }, text: '#tilt mode exited' },
  { event: { name: '-script-error', path: '/n.sh', signal: 15, code: 0 }, text: '/n.sh 15 0' },
  { event: { name: '-script-timeout', path: '/n.sh', pid: 7 }, text: '/n.sh 7' },
  { event: { name: '+script-child', pid: 7 }, text: '7' },
  { event: { name: '-script-child', pid: 7, code: 1, signal: 0 }, text: '7 1 0' },
])('$event.name $text', ({ event, text }) => {
  expect(payload(event)).toBe(text);
});

test('an event is no longer than 1023 bytes, whatever a client made it of', () => {
  const event: SentinelEvent = { name: '+set', about: master, option: 'auth-user', values: ['x'.repeat(5000)] };
  expect(payload(event)).toBe(`master m 10.0.0.1 6379 auth-user ${'x'.repeat(5000)}`.slice(0, 1023));
});

test('only what nobody needs to hear is told to the log alone', () => {
  const silent = Object.entries(LEVEL).filter(([, level]) => level === 'debug');
  expect(silent.map(([name]) => name)).toEqual([
    '-cmd-link-reconnection',
    '-pubsub-link-reconnection',
    '+script-child',
    '-script-child',
  ]);
});
