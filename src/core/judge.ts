// The rules of one instance, in their order, and the loop that runs them for everything a turn touched.
// Each rule is a function of (state, now) and returns when it wants to be asked again.
import { askPeers } from './ask.ts';
import { judgeOdown, judgeSdown } from './down.ts';
import type { Effect } from './effects.ts';
import { campaign, considerStanding } from './election.ts';
import { advance } from './failover.ts';
import { followName } from './follow.ts';
import { sayHello } from './hello.ts';
import { askInfo, repairRole } from './info.ts';
import { keepConnected, recycleStuck } from './links.ts';
import { ping } from './ping.ts';
import { linkOf, masterOf } from './query.ts';
import { runScripts } from './scripts.ts';
import type { Instance, InstanceId, Master, Ms } from './state.ts';
import { type Turn, wake } from './turn.ts';

/** Rules touch each other's instances; if that never ends, two of them disagree, and that is our own error. */
const ROUNDS_MAX = 100_000;

/**
 * Run the rules of every touched instance until none is left. Returns all effects of the turn so far, in order; scripts
 * come last, since starting a process takes longer than anything else.
 */
export function settle(turn: Turn): Effect[] {
  const { touched } = turn;
  let rounds = 0;
  const settleOne = (id: InstanceId) => {
    const instance = turn.state.instances.get(id);
    if (instance !== undefined) judge(turn, instance);
    rounds += 1;
    if (rounds > ROUNDS_MAX) throw new Error(`the rules do not settle: instance ${id} is still touched`);
  };
  // What is touched meanwhile comes behind, also what was judged already.
  for (let id = touched.first; id !== undefined; id = touched.first) {
    touched.first = undefined;
    settleOne(id);
  }
  for (const id of touched.more ?? []) {
    touched.more?.delete(id);
    settleOne(id);
  }
  runScripts(turn);
  return turn.effects;
}

function judge(turn: Turn, instance: Instance): void {
  let next = followName(turn, instance);
  if (!turn.state.instances.has(instance.id)) return;
  next = Math.min(next, keepConnected(turn, linkOf(turn.state, instance)));
  next = Math.min(next, ping(turn, instance), sayHello(turn, instance));
  if (instance.kind !== 'peer') next = Math.min(next, askInfo(turn, instance));
  // In TILT we look and listen, but judge nothing (spec/behavior.md §9).
  if (turn.state.tiltAt === undefined) next = Math.min(next, judgeHealth(turn, instance));
  if (turn.state.instances.has(instance.id)) wake(turn, instance, next);
}

function judgeHealth(turn: Turn, instance: Instance): Ms {
  const { downAfterMs } = masterOf(turn.state, instance).options;
  const next = Math.min(judgeSdown(turn, instance), recycleStuck(turn, linkOf(turn.state, instance), downAfterMs));
  if (instance.kind === 'master') return Math.min(next, actOnMaster(turn, instance));
  return instance.kind === 'replica' ? Math.min(next, repairRole(turn, instance)) : next;
}

function actOnMaster(turn: Turn, master: Master): Ms {
  let next = Math.min(judgeOdown(turn, master), considerStanding(turn, master));
  // Several phases may pass in one turn: an election won, a replica chosen, the order sent.
  for (let phase = master.failover; phase !== undefined; ) {
    const at = phase.phase === 'wait-start' ? campaign(turn, master, phase) : advance(turn, master, phase);
    if (master.failover === phase || master.failover === undefined) {
      next = Math.min(next, at);
      break;
    }
    phase = master.failover;
  }
  return Math.min(next, askPeers(turn, master));
}
