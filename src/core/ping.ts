// PING: how often, and what its replies mean for the silence that sdown is judged by.
import type { NodeReply } from './effects.ts';
import {
  commandConnection,
  dropConnections,
  request,
  sendPing,
  shortestDownAfter,
  touchUsers,
  unhurriedConnection,
} from './links.ts';
import { linkOf } from './query.ts';
import { acceptedPing } from './refusals.ts';
import type { Connection, Instance, InstanceId, Link, Master, Ms, SentinelState } from './state.ts';
import { type Turn, touch } from './turn.ts';

/** Never more than ten PINGs a second to one node, however short its down-after-milliseconds is. */
const PING_MIN_MS: Ms = 100;

/**
 * The PING period of a link. Differs: the genuine server sends one a second, so that a hung node is noticed up to
 * a second late; a tenth of down-after keeps that below a tenth of what the operator allowed.
 */
export function pingPeriod(state: SentinelState, link: Link): Ms {
  return Math.max(PING_MIN_MS, Math.min(state.tunables.pingPeriodMs, Math.trunc(shortestDownAfter(state, link) / 10)));
}

/**
 * Send a PING if it is due. One at a time: a second one to a silent node could tell nothing more. Of all masters that
 * share a peer's link, one sees to this.
 */
export function ping(turn: Turn, instance: Instance): Ms {
  const { state, now } = turn;
  const link = linkOf(state, instance);
  if (firstUser(link) !== instance.id) return Number.POSITIVE_INFINITY;
  const connection = unhurriedConnection(state, instance);
  if (connection === undefined || connection.pending.some(({ kind }) => kind === 'ping'))
    return Number.POSITIVE_INFINITY;
  const due = (link.lastPingAt ?? Number.NEGATIVE_INFINITY) + pingPeriod(state, link);
  if (now < due) return due;
  sendPing(turn, instance, link, connection);
  return Number.POSITIVE_INFINITY;
}

function firstUser(link: Link): InstanceId | undefined {
  for (const id of link.users) return id;
  return undefined;
}

/**
 * What a save held back leaves only now: silence must not be counted from before. Until then nothing that was to be sent
 * meanwhile is owed an answer (`downAt`), however long the save took.
 */
export function restartHeldBack(turn: Turn): void {
  const { state, now } = turn;
  const since = state.heldBackSince ?? now;
  state.heldBackSince = undefined;
  for (const link of state.links.values()) {
    if (link.lastPingAt !== undefined && link.lastPingAt >= since) link.lastPingAt = now;
    if (link.silentSince !== undefined && link.silentSince >= since) link.silentSince = now;
  }
  for (const master of state.masters.values()) goOn(turn, master);
}

/** What went on while nothing was done goes on now: a replica is chosen in the present only, and voters are asked for an ordered failover only now. */
export function goOn(turn: Turn, master: Master): void {
  const { failover } = master;
  if (failover?.phase !== 'select-replica' && failover?.phase !== 'wait-start') return;
  if (failover.phase === 'wait-start') failover.phaseAt = turn.now;
  touch(turn, master);
}

/** A PING was answered (spec/behavior.md §2.3). */
export function onPong(turn: Turn, link: Link, connection: Connection, reply: NodeReply): void {
  const { state, now } = turn;
  // Our transaction was refused its EXEC: whatever we say now is kept for it, until the connection ends.
  // Differs: the genuine server keeps the connection, and takes the node for dead as long as it lasts.
  if (reply.kind === 'text' && reply.text === 'QUEUED') {
    dropConnections(turn, link);
    return touchUsers(turn, link);
  }
  link.lastReplyAt = now;
  // Differs: a bulk PONG counts, too; the links do not tell the two kinds of string apart.
  const pong = reply.kind === 'text' && reply.text.startsWith('PONG');
  const busyElsewhere = reply.kind === 'error' && /^(LOADING|MASTERDOWN)/.test(reply.text);
  const silentMs = now - (link.silentSince ?? now);
  if (pong || busyElsewhere) {
    link.lastOkAt = now;
    link.silentSince = undefined;
    link.busySince = pong ? undefined : (link.busySince ?? now);
    link.wasWell ||= pong;
    if (!connection.proven) acceptedPing(link);
    connection.proven = true;
  }
  // After a short silence nobody was sdown and nobody has anything to judge; the next PING is one user's task.
  const concerned = silentMs > shortestDownAfter(state, link) ? [...link.users] : [firstUser(link)];
  for (const id of concerned) {
    const instance = state.instances.get(id ?? 0);
    if (instance === undefined) continue;
    if (pong && instance.kind === 'master') instance.rebootAt = undefined;
    if (reply.kind === 'error' && reply.text.startsWith('BUSY')) killScript(turn, instance);
    touch(turn, instance);
  }
}

/** A script that runs too long makes a node look dead: end it, once per time of being sdown. */
function killScript(turn: Turn, instance: Instance): void {
  const connection = commandConnection(turn.state, instance);
  if (instance.sdownAt === undefined || instance.scriptKillSent || connection === undefined) return;
  instance.scriptKillSent = true;
  request(turn, instance, connection, ['SCRIPT', 'KILL'], { kind: 'ignored' });
}
