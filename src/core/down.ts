// Who is down: in our own view (sdown) and in the view of a quorum of sentinels (odown).
import { wantFreshInfo } from './info.ts';
import { linkOf, masterOf, peersOf, refTo, replicasOf } from './query.ts';
import type { Instance, Master, Ms, Peer, SentinelState } from './state.ts';
import { announce, type Turn, touch, touchGroup } from './turn.ts';

/** How long the peers are asked quickly after the master went sdown (design.md §6). */
const ASK_FAST_MS: Ms = 2000;

/**
 * The instant at which `instance` is down unless something changes; `Infinity` while nothing is owed.
 * Down is only what lasted longer than down-after (spec/behavior.md §2.4).
 */
export function downAt(state: SentinelState, instance: Instance): Ms {
  const { silentSince } = linkOf(state, instance);
  const { downAfterMs, rebootDownAfterMs } = masterOf(state, instance).options;
  const isOwed = silentSince !== undefined && silentSince < (state.heldBackSince ?? Number.POSITIVE_INFINITY);
  let at = isOwed ? silentSince + downAfterMs + 1 : Number.POSITIVE_INFINITY;
  if (instance.kind !== 'master') return at;
  if (instance.role === 'slave')
    at = Math.min(at, instance.roleSince + downAfterMs + 2 * state.tunables.infoPeriodMs + 1);
  if (instance.rebootAt !== undefined) at = Math.min(at, instance.rebootAt + rebootDownAfterMs + 1);
  return at;
}

/**
 * Judge sdown. Returns when to look again: a silence that has not begun cannot have lasted long enough before a whole
 * down-after from now, so nobody needs to tell us when it begins.
 */
export function judgeSdown(turn: Turn, instance: Instance): Ms {
  const at = downAt(turn.state, instance);
  const down = turn.now >= at;
  if (down && instance.sdownAt === undefined) enterSdown(turn, instance);
  else if (!down && instance.sdownAt !== undefined) leaveSdown(turn, instance);
  if (down) return Number.POSITIVE_INFINITY;
  return Math.min(at, turn.now + masterOf(turn.state, instance).options.downAfterMs + 1);
}

function enterSdown(turn: Turn, instance: Instance): void {
  const { state, now } = turn;
  instance.sdownAt = now;
  announce(turn, { name: '+sdown', about: refTo(state, instance) });
  if (instance.kind !== 'master') return touch(turn, masterOf(state, instance));
  instance.askFastUntil = now + ASK_FAST_MS;
  // The choice among the replicas comes soon, and with it the need for news from after the loss.
  wantFreshInfo(turn, instance, replicasOf(state, instance));
  touchGroup(turn, instance);
}

function leaveSdown(turn: Turn, instance: Instance): void {
  const { state, now } = turn;
  instance.sdownAt = undefined;
  instance.upSince = now;
  instance.scriptKillSent = false;
  announce(turn, { name: '-sdown', about: refTo(state, instance) });
  if (instance.kind === 'master') touchGroup(turn, instance);
  else touch(turn, masterOf(state, instance));
}

/** A peer's answer about the master counts for so long (redis-sentinel 7.0.15: five ask periods). */
export function answerLastsMs(state: SentinelState): Ms {
  return 5 * state.tunables.askPeriodMs;
}

/** Does the peer's last answer about the master still count? */
export function answerCounts(state: SentinelState, { answer }: Peer, now: Ms): boolean {
  return answer !== undefined && now - answer.at <= answerLastsMs(state);
}

/** Does the peer say that the master is down? */
export function saysDown(state: SentinelState, peer: Peer, now: Ms): boolean {
  return peer.answer?.down === true && answerCounts(state, peer, now);
}

/** Judge odown: our own sdown and enough answers that are not too old. Returns when to look again. */
export function judgeOdown(turn: Turn, master: Master): Ms {
  const { state, now } = turn;
  const { quorum } = master.options;
  const agreeing = peersOf(state, master).filter((peer) => saysDown(state, peer, now));
  const votes = master.sdownAt === undefined ? 0 : 1 + agreeing.length;
  if (votes >= quorum && master.sdownAt !== undefined) {
    if (master.odownAt === undefined) {
      master.odownAt = now;
      announce(turn, { name: '+odown', about: refTo(state, master), votes, quorum });
      wantFreshInfo(turn, master, replicasOf(state, master));
    }
    const expiries = agreeing.map((peer) => (peer.answer?.at ?? now) + answerLastsMs(state) + 1);
    return Math.min(Number.POSITIVE_INFINITY, ...expiries);
  }
  if (master.odownAt !== undefined) {
    master.odownAt = undefined;
    master.upSince = now;
    announce(turn, { name: '-odown', about: refTo(state, master) });
  }
  return Number.POSITIVE_INFINITY;
}
