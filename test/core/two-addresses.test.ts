// One node known by two addresses: it must not be told to follow itself, and the master is not its own replica.
import { expect, test } from 'vitest';
import { advance, confirmPromotion } from '../../src/core/failover.ts';
import { linkOf, replicasOf } from '../../src/core/query.ts';
import { exclusion } from '../../src/core/selection.ts';
import type { Replica } from '../../src/core/state.ts';
import { step } from '../../src/core/step.ts';
import { beginTurn } from '../../src/core/turn.ts';
import { fileWith, startFrom } from './small-state.ts';

const noDraw = () => 0;
const attempt = { failoverEpoch: 1n, forced: false, startedAt: 1000, phaseAt: 1000, excluded: [] };

/** A master with three replicas, of which the first two are one node; all are connected, and the master is down. */
function threeAtTwo() {
  const replicas = ['10.0.0.2', '10.9.0.2', '10.0.0.3'].map((host) => ({ host, port: 6379 }));
  const { state, master } = startFrom(fileWith({ replicas, parallelSyncs: 9 }));
  for (const connection of [...state.connections.keys()])
    step(state, { kind: 'connected', connection, localIp: '10.0.1.1' }, { now: 0, wallMs: 0 }, noDraw);
  const [one, alias, other] = replicasOf(state, master) as [Replica, Replica, Replica];
  for (const [replica, runId] of [
    [one, 'c'],
    [alias, 'c'],
    [other, 'd'],
  ] as const) {
    Object.assign(replica, { runId: runId.repeat(40), role: 'slave', infoAt: 1000, infoAskedAt: 1000 });
    Object.assign(linkOf(state, replica), { lastOkAt: 1000, silentSince: undefined });
  }
  Object.assign(master, { runId: 'e'.repeat(40), sdownAt: 900, odownAt: 950 });
  return { state, master, one, alias, other };
}

test('the others follow the promoted node, and it is not told by its other address to follow itself', () => {
  const { state, master, one, other } = threeAtTwo();
  const turn = beginTurn(state, 1010, 1010, noDraw);
  master.failover = { phase: 'reconf-replicas', ...attempt, promoted: one.id };
  one.role = 'master';
  advance(turn, master, master.failover);
  const ordered = turn.effects.flatMap((effect) =>
    effect.kind === 'send' && effect.args[0] === 'SLAVEOF' ? [effect.connection] : [],
  );
  expect(ordered).toEqual([linkOf(state, other).command?.id]);
});

test('a former master that is the promoted node itself is not told to follow it', () => {
  const { state, master, one } = threeAtTwo();
  const turn = beginTurn(state, 1010, 1010, noDraw);
  master.runId = one.runId;
  master.failover = { phase: 'wait-promotion', ...attempt, promoted: one.id };
  confirmPromotion(turn, master, one);
  expect(turn.effects.filter((effect) => effect.kind === 'send' && effect.args[0] === 'SLAVEOF')).toEqual([]);
});

test('the master, known by a second address, is not chosen to replace itself', () => {
  const { state, master, alias } = threeAtTwo();
  expect(exclusion(state, master, alias, 1010)).toBeUndefined();
  master.runId = alias.runId;
  expect(exclusion(state, master, alias, 1010)).toBe('it is the master itself');
});
