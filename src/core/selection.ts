// Which replica is promoted: the exclusions, then priority, offset and run id (spec/behavior.md §8).
import { downAt } from './down.ts';
import { isDisconnected, linkOf, replicasOf } from './query.ts';
import type { Master, Ms, Replica, SentinelState } from './state.ts';

/** The order of preference: negative when `a` is the better choice. */
export function compareReplicas(a: Replica, b: Replica): number {
  if (a.priority !== b.priority) return a.priority - b.priority;
  if (a.offset !== b.offset) return a.offset > b.offset ? -1 : 1;
  // A replica whose run id is unknown comes last.
  if (a.runId === '' || b.runId === '') return (a.runId === '' ? 1 : 0) - (b.runId === '' ? 1 : 0);
  const [x, y] = [a.runId.toLowerCase(), b.runId.toLowerCase()];
  return x < y ? -1 : x > y ? 1 : 0;
}

/** Why a replica may not be promoted; `undefined` when it may. The words are for logs and explanations. */
export function exclusion(state: SentinelState, master: Master, replica: Replica, now: Ms): string | undefined {
  const link = linkOf(state, replica);
  const { pingPeriodMs, infoPeriodMs } = state.tunables;
  // Its silence may have lasted long enough already, and only the judgement be yet to come in this very turn.
  if (replica.sdownAt !== undefined || now >= downAt(state, replica)) return 'it is sdown';
  if (isDisconnected(link) || link.command?.status !== 'open') return 'its link is disconnected';
  if (now - link.lastOkAt > 5 * pingPeriodMs) return 'it has not answered PING lately';
  if (replica.priority === 0) return 'its priority is 0';
  const infoMaxAgeMs = master.sdownAt === undefined ? 3 * infoPeriodMs : 5 * pingPeriodMs;
  if (replica.infoAt === undefined || now - replica.infoAt > infoMaxAgeMs) return 'its INFO is too old';
  if (isMasterItself(master, replica)) return 'it is the master itself';
  if (replica.linkDownMs > 10 * master.options.downAfterMs + lostForMs(state, master, now))
    return 'it lost its master too long ago';
  return undefined;
}

/** The node of the master, known by a second address. */
function isMasterItself(master: Master, { runId }: Replica): boolean {
  return runId !== '' && runId === master.runId;
}

/** How long replicas have had no link to the master through no fault of their own, as far as we can tell. */
function lostForMs(state: SentinelState, master: Master, now: Ms): Ms {
  if (master.sdownAt === undefined) return 0;
  const lostMs = now - lostAt(state, master, master.sdownAt);
  if (linkOf(state, master).wasWell) return lostMs;
  // Differs: the genuine server counts from its own start. It was dead before; for how long, the one says that had it last.
  const links = replicasOf(state, master).filter(
    ({ role, sdownAt, infoAt, priority, linkDownMs }) =>
      role === 'slave' && sdownAt === undefined && infoAt !== undefined && priority !== 0 && linkDownMs >= 0,
  );
  return Math.max(lostMs, ...(links.length === 0 ? [] : [Math.min(...links.map(({ linkDownMs }) => linkDownMs))]));
}

/**
 * Since when the master serves no replica. Differs: the genuine server counts from its sdown. A master that says it is a
 * replica ceased to be one before it told us, and is sdown only 20 s later; one that loads its data is not sdown at all. With
 * a short down-after-milliseconds there would be no replica left that may be promoted, ever.
 */
function lostAt(state: SentinelState, master: Master, sdownAt: Ms): Ms {
  const busySince = linkOf(state, master).busySince ?? sdownAt;
  const demotedAt = master.role === 'slave' ? master.roleSince - state.tunables.infoPeriodMs : sdownAt;
  return Math.min(sdownAt, busySince, demotedAt);
}

/** The replicas that may be promoted, best first. */
export function eligibleReplicas(state: SentinelState, master: Master, now: Ms): Replica[] {
  const eligible = replicasOf(state, master).filter((replica) => exclusion(state, master, replica, now) === undefined);
  return eligible.sort((a, b) => claim(state, master, b) - claim(state, master, a) || compareReplicas(a, b));
}

/**
 * Whether a replica comes first (1), last (-1) or where its priority puts it (0). Differs: the genuine server looks at
 * priority and offset alone. One that became a master after ours was lost was promoted by a leader that died meanwhile, or
 * by hand: a second one beside it would be one too many (spec/behavior.md §13.1 w15). One that we did not see become one
 * started anew as a master, or was one all the time; and one that had no link since its start has yet to get its data.
 * Those may be empty, and what is known of their offset says nothing.
 */
export function claim(state: SentinelState, master: Master, { role, seen, linkDownMs }: Replica): -1 | 0 | 1 {
  if (role !== 'master') return linkDownMs < 0 ? -1 : 0;
  const { promotedAt } = seen ?? {};
  if (promotedAt === undefined) return -1;
  return master.sdownAt !== undefined && promotedAt >= lostAt(state, master, master.sdownAt) ? 1 : 0;
}
