// What follows from names that turn out to be one node: one link, one entry, and no order to follow itself.
import { expect, test } from 'vitest';
import type { Effect } from '../../src/core/effects.ts';
import { meetReplica } from '../../src/core/follow.ts';
import { repairRole } from '../../src/core/info.ts';
import { orderRole } from '../../src/core/links.ts';
import { linkOf, peersOf, replicasOf } from '../../src/core/query.ts';
import type { SentinelState } from '../../src/core/state.ts';
import { step } from '../../src/core/step.ts';
import { beginTurn } from '../../src/core/turn.ts';
import { fileWith, PEER_ID, startFrom } from './small-state.ts';

const noDraw = () => 0;
const resolve = (state: SentinelState, name: string, ip: string, now: number): Effect[] =>
  step(state, { kind: 'resolved', name, ips: [ip] }, { now, wallMs: now }, noDraw);

test('a peer that two masters call differently gets one link as soon as that is known', () => {
  const { masters } = fileWith();
  const [first] = masters as [(typeof masters)[number]];
  const file = fileWith({}, { resolveHostnames: true });
  const peers = [{ host: 's2.test', port: 26379, runId: PEER_ID }];
  const { state } = startFrom({ ...file, masters: [...masters, { ...first, name: 'm2', host: '10.0.0.5', peers }] });
  const links = () =>
    [...state.masters.values()].flatMap((master) => peersOf(state, master).map((peer) => linkOf(state, peer)));
  expect(new Set(links()).size).toBe(2);
  resolve(state, 's2.test', '10.0.1.2', 10);
  expect(new Set(links()).size).toBe(1);
  expect(links()[0]?.users.size).toBe(2);
  expect(links()[0]?.address).toEqual({ host: 's2.test', ip: '10.0.1.2', port: 26379 });
  expect([...state.links.values()].filter(({ kind }) => kind === 'peer')).toHaveLength(1);
  for (const master of state.masters.values())
    expect(peersOf(state, master).map(({ address }) => address.host)).toEqual(['s2.test']);
});

test('a replica that is being promoted stays, and takes over the name of its double', () => {
  const replicas = [
    { host: 'r1.test', port: 6379 },
    { host: '10.0.0.2', port: 6379 },
  ];
  const { state, master } = startFrom(fileWith({ replicas }, { resolveHostnames: true }));
  const [named, known] = replicasOf(state, master);
  if (named === undefined || known === undefined) throw new Error('two replicas were expected');
  const attempt = { failoverEpoch: 1n, forced: true, startedAt: 0, phaseAt: 0, excluded: [] };
  master.failover = { phase: 'wait-promotion', ...attempt, promoted: known.id };
  resolve(state, 'r1.test', '10.0.0.2', 10);
  expect(replicasOf(state, master)).toEqual([known]);
  expect(known.address).toEqual({ host: 'r1.test', ip: '10.0.0.2', port: 6379 });
});

test('a node is never told to follow itself, whatever it is called', () => {
  const { state, master } = startFrom(fileWith());
  const [replica] = replicasOf(state, master);
  if (replica === undefined) throw new Error('a replica was expected');
  const connection = linkOf(state, replica).command;
  if (connection === undefined) throw new Error('a connection was expected');
  connection.status = 'open';
  const order = (host: string, ip: string) =>
    orderRole(beginTurn(state, 1, 1, noDraw), replica, { host, ip, port: 6379 });
  expect(order('alias.test', '10.0.0.2')).toBe(false);
  expect(order('::ffff:10.0.0.2', '::ffff:10.0.0.2')).toBe(false);
  expect(order('db.test', '10.0.0.1')).toBe(true);
});

/** A master and a replica that are known by their names, and where they are. */
function named() {
  const file = fileWith({ host: 'm.test', replicas: [{ host: 'r1.test', port: 6379 }], peers: [] });
  const { state, master } = startFrom({ ...file, resolveHostnames: true });
  const [replica] = replicasOf(state, master);
  if (replica === undefined) throw new Error('a replica was expected');
  resolve(state, 'm.test', '10.0.0.1', 10);
  resolve(state, 'r1.test', '10.0.0.2', 10);
  return { state, master, replica };
}

test('the name of a replica is looked up when its master knows somebody else at its place', () => {
  const { state, master, replica } = named();
  const meet = (host: string) => {
    const turn = beginTurn(state, 100_000, 100_000, noDraw);
    expect(meetReplica(turn, master, { host, ip: '10.0.0.2', port: 6379 }).replica).toBe(replica);
    return turn.effects;
  };
  expect(meet('r1.test')).toEqual([]);
  expect(meet('r2.test')).toContainEqual({ kind: 'resolve', name: 'r1.test' });
});

test.each([
  { why: 'where its master is', ip: '10.0.0.1', orders: 1 },
  { why: 'elsewhere', ip: '10.0.0.9', orders: 0 },
])('a second master is repaired as long as the name of the first one leads $why', ({ ip, orders }) => {
  const { state, master, replica } = named();
  for (const connection of [...state.connections.keys()])
    step(state, { kind: 'connected', connection, localIp: '10.0.1.1' }, { now: 20, wallMs: 20 }, noDraw);
  const now = 200_000;
  for (const [host, there] of [
    ['r1.test', '10.0.0.2'],
    ['m.test', ip],
  ] as const)
    Object.assign(state.names.get(host) ?? {}, { ips: [there], status: 'known', since: now - 5000, changedAt: 10 });
  const seen = { runId: PEER_ID, since: 1, role: 'master', promotedAt: undefined } as const;
  Object.assign(master, { role: 'master', infoAt: now - 100, sdownAt: undefined, seen: { ...seen, ip: '10.0.0.1' } });
  Object.assign(replica, { role: 'master', roleSince: 1, infoAt: now - 50, sdownAt: undefined, upSince: 1 });
  replica.seen = { ...seen, ip: '10.0.0.2' };
  const turn = beginTurn(state, now, now, noDraw);
  repairRole(turn, replica);
  expect(turn.effects.filter((effect) => effect.kind === 'send' && effect.args[0] === 'SLAVEOF')).toHaveLength(orders);
});
