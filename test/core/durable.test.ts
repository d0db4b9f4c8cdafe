// What survives a restart: the state made from a file is, as a file, that file again; and which address is written when.
import { describe, expect, test } from 'vitest';
import { durableState } from '../../src/core/durable.ts';
import { peersOf, replicasOf } from '../../src/core/query.ts';
import { fileWith, MY_ID, PEER_ID, startFrom } from './small-state.ts';

const reloaded = (file: ReturnType<typeof fileWith>) => durableState(startFrom(file).state);

describe('durableState', () => {
  test.each([
    { why: 'as small as it can be', file: fileWith({ replicas: [], peers: [] }) },
    {
      why: 'with replicas, peers and epochs',
      file: fileWith({ configEpoch: 3n, leaderEpoch: 4n }, { currentEpoch: 9n }),
    },
    {
      why: 'with every option',
      file: fileWith(
        {
          authPass: 'p',
          authUser: 'u',
          notificationScript: '/n',
          clientReconfigScript: '/c',
          rebootDownAfterMs: 5,
          parallelSyncs: 4,
          renamedCommands: new Map([['config', { command: 'CONFIG', renamed: 'x' }]]),
        },
        { announceIp: 'h', announcePort: 7, sentinelUser: 'a', sentinelPass: 'b', denyScriptsReconfig: false },
      ),
    },
    {
      why: 'with names, where they are announced',
      file: fileWith(
        { host: 'redis-1', replicas: [{ host: 'Redis-2', port: 1 }] },
        { resolveHostnames: true, announceHostnames: true },
      ),
    },
    { why: 'with IPv6', file: fileWith({ host: '::1', replicas: [{ host: 'fe80::1', port: 1 }] }) },
  ])('a file comes back as it was: $why', ({ file }) => {
    expect(reloaded(file)).toEqual(file);
  });

  test.each([
    { why: 'a config epoch', over: { configEpoch: 8n }, current: 8n },
    { why: 'a vote', over: { leaderEpoch: 9n }, current: 9n },
    { why: 'neither', over: {}, current: 5n },
  ])('the current epoch is the largest of all: $why', ({ over, current }) => {
    expect(reloaded(fileWith(over, { currentEpoch: 5n })).currentEpoch).toBe(current);
  });

  test('what cannot be is not taken over', () => {
    const file = fileWith({
      // Our own id among the peers, one replica twice, and the master's own address.
      peers: [
        { host: '10.0.1.1', port: 1, runId: MY_ID },
        { host: '10.0.1.2', port: 1, runId: PEER_ID },
      ],
      replicas: [
        { host: '10.0.0.2', port: 1 },
        { host: '10.0.0.2', port: 1 },
        { host: '10.0.0.1', port: 6379 },
      ],
    });
    const { state, master } = startFrom(file);
    expect(peersOf(state, master).map(({ runId }) => runId)).toEqual([PEER_ID]);
    expect(replicasOf(state, master)).toHaveLength(1);
    expect([...state.instances.values()]).toHaveLength(3);
  });

  test('a start without an id saves the one that was drawn', () => {
    const { effects, state } = startFrom(fileWith({}, { myId: undefined }));
    expect(effects[0]).toEqual({ kind: 'persist' });
    expect(durableState(state).myId).toBe(MY_ID);
    expect(startFrom(fileWith()).effects.map(({ kind }) => kind)).not.toContain('persist');
  });

  test('from the promotion on, the promoted node is the master and the old one stands in its place', () => {
    const hosts = ['10.0.0.2', '10.0.0.3'].map((host) => ({ host, port: 6379 }));
    const { state, master } = startFrom(fileWith({ replicas: hosts }));
    const promoted = replicasOf(state, master)[1];
    const common = { failoverEpoch: 1n, forced: false, startedAt: 0, phaseAt: 0, promoted: promoted?.id ?? -1 };
    master.failover = { phase: 'wait-promotion', ...common, excluded: [] };
    expect(durableState(state).masters[0]).toMatchObject({ host: '10.0.0.1', replicas: hosts });
    master.failover = { phase: 'reconf-replicas', ...common };
    expect(durableState(state).masters[0]).toMatchObject({
      host: '10.0.0.3',
      replicas: [hosts[0], { host: '10.0.0.1', port: 6379 }],
    });
  });
});
