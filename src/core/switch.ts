// A new master: the moment at which everything we know is arranged around another address (spec/behavior.md §7.7).
import { adoptName } from './follow.ts';
import { addReplica, moveMaster, removeInstance } from './instances.ts';
import { dropConnections, joinLink, leaveLink } from './links.ts';
import { linkOf, nodeAt, peersOf, placeOf, refTo, replicasOf } from './query.ts';
import type { Address, Link, Master, Replica } from './state.ts';
import { announce, persist, type Turn, touchGroup } from './turn.ts';

/**
 * Make the node at `told` the master. All other replicas stay, as new instances, and the old master joins them, last.
 *
 * Differs: the genuine server closes all connections here, starts the new master's PING clock although it may not
 * reconnect yet, and keeps the peers' answers about the old one; with a short down-after it then takes the healthy
 * new master for dead (spec/behavior.md §13.1 w1). A link belongs to a node, not to its role: here it stays with it,
 * and what peers said of the old master is forgotten.
 */
export function switchMaster(turn: Turn, master: Master, told: Address): void {
  const { state } = turn;
  const former = replicasOf(state, master);
  const node = nodeAt(state, master, told);
  const promoted = node?.kind === 'replica' ? node : undefined;
  if (promoted !== undefined) adoptName(turn, promoted, told.host);
  // A node is known by its own name, not by the one that somebody else has for it.
  const address = promoted?.address ?? told;
  const from = placeOf(state, master.address);
  const to = placeOf(state, address);
  announce(turn, { name: '+switch-master', about: refTo(state, master), from, to });
  const { address: oldAddress, seen, strangeSince, surprises } = master;
  const oldLink = linkOf(state, master);
  adoptNode(turn, master, address, promoted);
  for (const replica of former) {
    if (replica === promoted) continue;
    const fresh = addReplica(turn, master, replica.address, linkOf(state, replica));
    removeInstance(turn, master, replica);
    carryOver(replica, fresh);
    announce(turn, { name: '+slave', about: refTo(state, fresh) });
  }
  const demoted = addReplica(turn, master, oldAddress, oldLink);
  // Where it says it is a master from now on, it is one of before.
  const mind = seen === undefined ? undefined : { ...seen, promotedAt: undefined };
  keepInMind({ seen: mind, strangeSince, surprises }, demoted);
  leaveLink(oldLink, master.id);
  announce(turn, { name: '+slave', about: refTo(state, demoted) });
  for (const peer of peersOf(state, master)) {
    peer.vote = undefined;
    peer.answeredEpoch = undefined;
    peer.askedAt = undefined;
  }
  persist(turn);
  touchGroup(turn, master);
}

/** The master takes over the promoted node's link and what is known of it, or gets a link of its own. */
function adoptNode(turn: Turn, master: Master, address: Address, promoted: Replica | undefined): void {
  const { state, now } = turn;
  const node = promoted ?? addReplica(turn, master, address);
  const link = linkOf(state, node);
  joinLink(link, master.id);
  removeInstance(turn, master, node);
  master.linkId = link.id;
  moveMaster(state, master, address);
  Object.assign(master, {
    runId: node.runId,
    infoAt: node.infoAt,
    infoAskedAt: node.infoAskedAt,
    infoText: node.infoText,
    role: 'master',
    roleSince: now,
    infoWantedAt: now,
    seen: node.seen,
    strangeSince: node.strangeSince,
    surprises: node.surprises,
    sdownAt: undefined,
    upSince: undefined,
    scriptKillSent: false,
    odownAt: undefined,
    rebootAt: undefined,
    leader: undefined,
    voteUnsaved: false,
    failover: undefined,
    holdOff: undefined,
    candidateAt: undefined,
    helloAt: node.helloAt,
    helloVersion: node.helloVersion,
  } satisfies Partial<Master>);
  restartClock(turn, link);
}

/** Silence from before the switch says nothing about the node as a master: connect now, count from there. */
function restartClock(turn: Turn, link: Link): void {
  if (link.command?.status === 'open' && link.silentSince === undefined) return;
  dropConnections(turn, link);
  // Whose name cannot be resolved is not even connected to, and silent all the same.
  link.silentSince = turn.now;
  link.lastOkAt = turn.now;
  link.lastReplyAt = turn.now;
  link.busySince = undefined;
}

/** Which process answers for a node does not change with its role. */
function keepInMind(from: Pick<Replica, 'seen' | 'strangeSince' | 'surprises'>, to: Replica): void {
  to.seen = from.seen;
  to.strangeSince = from.strangeSince;
  to.surprises = from.surprises;
}

/** What a replica is does not change with its master; its state towards the old one does. */
function carryOver(from: Replica, to: Replica): void {
  to.runId = from.runId;
  keepInMind(from, to);
  to.priority = from.priority;
  to.offset = from.offset;
  to.announced = from.announced;
  to.helloAt = from.helloAt;
  to.helloVersion = from.helloVersion;
}
