// What a sentinel does not decide behind a long save, while that is made up for, and by news that may be from before.
import { expect, test } from 'vitest';
import { beginAttempt, campaign } from '../../src/core/election.ts';
import { advance } from '../../src/core/failover.ts';
import { askInfo, repairRole } from '../../src/core/info.ts';
import { restartHeldBack } from '../../src/core/ping.ts';
import { linkOf, replicasOf } from '../../src/core/query.ts';
import type { Ms, SentinelState } from '../../src/core/state.ts';
import { step } from '../../src/core/step.ts';
import { beginTurn } from '../../src/core/turn.ts';
import { fileWith, startFrom } from './small-state.ts';

const noDraw = () => 0;
const turnAt = (state: SentinelState, now: Ms) => beginTurn(state, now, now, noDraw);

/** A master with a replica and a peer, connected to all of them. */
function connected() {
  const { state, master } = startFrom(fileWith());
  for (const connection of [...state.connections.keys()])
    step(state, { kind: 'connected', connection, localIp: '10.0.1.1' }, { now: 0, wallMs: 0 }, noDraw);
  const [replica] = replicasOf(state, master);
  if (replica === undefined) throw new Error('a replica was expected');
  return { state, master, replica };
}

test.each([
  { why: 'asked for after it', askedAt: 1001, chosen: true },
  { why: 'asked for before it, and late', askedAt: 999, chosen: false },
])('news counts as from after the loss of the master when it was $why', ({ askedAt, chosen }) => {
  const { state, master, replica } = connected();
  Object.assign(replica, { role: 'slave', infoAt: 1050, infoAskedAt: askedAt, linkStatus: 'up' });
  Object.assign(linkOf(state, replica), { lastOkAt: 1050, silentSince: undefined });
  master.odownAt = 1000;
  const attempt = { failoverEpoch: 1n, forced: false, startedAt: 1000, phaseAt: 1000, excluded: [] };
  master.failover = { phase: 'select-replica', ...attempt };
  advance(turnAt(state, 1060), master, master.failover);
  expect(master.failover.phase).toBe(chosen ? 'send-slaveof-noone' : 'select-replica');
});

test.each([
  { why: 'no answer has come since', infoAskedAt: 900, infoAt: 905, asks: 1 },
  { why: 'an answer came in that very instant, to an earlier question', infoAskedAt: 990, infoAt: 1000, asks: 1 },
  { why: 'it has been asked in that very instant', infoAskedAt: 1000, infoAt: 1000, asks: 0 },
])(
  'a node of which news from after the loss of the master is wanted is asked ($why)',
  ({ infoAskedAt, infoAt, asks }) => {
    const { state, replica } = connected();
    Object.assign(replica, { role: 'slave', infoAt, infoAskedAt, infoWantedAt: 1000 });
    const turn = turnAt(state, 1000);
    askInfo(turn, replica);
    expect(turn.effects.filter((effect) => effect.kind === 'send' && effect.args[0] === 'INFO')).toHaveLength(asks);
  },
);

test.each([
  { why: 'given', since: undefined, orders: 1 },
  { why: 'put off while a save is made up for', since: 19_990, orders: 0 },
])('the order that repairs a role is $why', ({ since, orders }) => {
  const { state, master, replica } = connected();
  Object.assign(master, { role: 'master', infoAt: 19_900 });
  Object.assign(replica, { role: 'master', roleSince: 1, infoAt: 19_950 });
  state.heldBackSince = since;
  const turn = turnAt(state, 20_000);
  const again = repairRole(turn, replica);
  expect(turn.effects.filter((effect) => effect.kind === 'send' && effect.args[0] === 'SLAVEOF')).toHaveLength(orders);
  expect(again).toBeLessThan(Number.POSITIVE_INFINITY);
});

test('a failover by order waits for votes from the end of a long save on, and not from its beginning', () => {
  const { state, master } = connected();
  beginAttempt(turnAt(state, 1000), master, true);
  master.voteUnsaved = false;
  state.heldBackSince = 1000;
  const phaseAt = (now: Ms) => {
    const { failover } = master;
    if (failover?.phase === 'wait-start') campaign(turnAt(state, now), master, failover);
    return master.failover?.phase;
  };
  expect(phaseAt(1500)).toBe('wait-start');
  restartHeldBack(turnAt(state, 1500));
  expect(phaseAt(1500)).toBe('wait-start');
  expect(phaseAt(1599)).toBe('wait-start');
  expect(phaseAt(1600)).toBe('select-replica');
});
