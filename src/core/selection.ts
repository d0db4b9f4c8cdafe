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
  const downMs = master.sdownAt === undefined ? 0 : now - lostAt(master, master.sdownAt, infoPeriodMs);
  if (replica.linkDownMs > 10 * master.options.downAfterMs + downMs) return 'it lost its master too long ago';
  return undefined;
}

/**
 * Since when replicas cannot be linked to the master through no fault of their own. Differs: a master that says it is a
 * replica ceased to be one before it told us, and is sdown only 20 s later; the genuine server counts from then, and with
 * a short down-after-milliseconds has no replica left that it may promote, ever.
 */
function lostAt(master: Master, sdownAt: Ms, infoPeriodMs: Ms): Ms {
  return master.role === 'slave' ? Math.min(sdownAt, master.roleSince - infoPeriodMs) : sdownAt;
}

/** The replicas that may be promoted, best first. */
export function eligibleReplicas(state: SentinelState, master: Master, now: Ms): Replica[] {
  const eligible = replicasOf(state, master).filter((replica) => exclusion(state, master, replica, now) === undefined);
  return eligible.sort((a, b) => claim(master, b) - claim(master, a) || compareReplicas(a, b));
}

/**
 * Whether a replica that says it is a master comes first (1), last (-1) or where its priority puts it (0).
 * Differs: the genuine server does not look at the role. One that became a master after ours went down was promoted by a
 * leader that died meanwhile: a second one beside it would be one too many (spec/behavior.md §13.1 w15). One that we did
 * not see become one started anew as a master, or was one all the time: it may be empty, and its offset is none of now.
 */
function claim(master: Master, { role, seen }: Replica): -1 | 0 | 1 {
  if (role !== 'master') return 0;
  const { promotedAt } = seen ?? {};
  if (promotedAt === undefined) return -1;
  return master.sdownAt !== undefined && promotedAt >= master.sdownAt ? 1 : 0;
}
