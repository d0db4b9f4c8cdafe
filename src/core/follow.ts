// What follows from the answers: an instance goes where its name goes, and one node has one entry however it is spelled.
import { addReplica, moveMaster, removeInstance } from './instances.ts';
import { dropConnections, joinLink, releaseLink, touchUsers } from './links.ts';
import { LOOKUP_PAUSE_MS, lookUp } from './names.ts';
import {
  isName,
  leadsElsewhereSince,
  linkOf,
  masterOf,
  nameOf,
  replicasOf,
  SETTLED_MS,
  sameAddress,
  spelledKey,
  strangeUntil,
} from './query.ts';
import type { Address, Instance, Link, Master, Ms, Peer, Replica, SentinelState } from './state.ts';
import { log, persistSoon, type Turn } from './turn.ts';

/** How old the answer may be that an IP is still the node's. */
const CERTAIN_MAX_AGE_MS: Ms = 10_000;

/** So long after a process was first seen its name is looked up once more: no cache of a DNS is late by so much. */
const VERIFY_MS: Ms = 50_000;

/**
 * Look the instance's name up while its node is not known to be well, and move where the answer says.
 * A node that answers stays where it is until the name has led elsewhere for `SETTLED_MS`. Returns when to look again.
 */
export function followName(turn: Turn, instance: Instance): Ms {
  const { state } = turn;
  if (!state.settings.resolveHostnames) return Number.POSITIVE_INFINITY;
  const twin = instance.kind === 'replica' ? twinOf(state, instance) : undefined;
  if (instance.kind === 'replica' && twin !== undefined && merge(turn, instance, twin)) return Number.POSITIVE_INFINITY;
  const { host, ip } = instance.address;
  if (!isName(host)) return Number.POSITIVE_INFINITY;
  const stays = twin === undefined && isWell(turn, instance);
  const isTrusted = stays && !isStrange(turn, instance);
  const doubtAt = isTrusted ? doubtedFrom(turn, instance) : turn.now;
  if (turn.now < doubtAt) return doubtAt;
  const pause = isTrusted ? CERTAIN_MAX_AGE_MS : LOOKUP_PAUSE_MS;
  const name = lookUp(turn, host, pause);
  if (name === undefined) return turn.now + pause;
  const [first] = name.ips;
  // With several addresses to choose from, the one that we have is as good as the first.
  if (!stays && first !== undefined && (ip === undefined || !name.ips.includes(ip))) move(turn, instance, first);
  name.waiting.add(instance.id);
  return name.status === 'asked' ? Number.POSITIVE_INFINITY : name.since + pause + 1;
}

/**
 * When the name of a node that is well is looked up all the same: once in the first minute, since the answer that led us
 * there may have been late, and as long as it leads elsewhere. `Infinity`: there is no reason to.
 */
function doubtedFrom({ state, now }: Turn, instance: Instance): Ms {
  if (leadsElsewhereSince(state, instance.address) !== undefined) return now;
  const seen = instance.kind === 'peer' ? undefined : instance.seen;
  return seen !== undefined && now < seen.since + SETTLED_MS ? seen.since + VERIFY_MS : Number.POSITIVE_INFINITY;
}

function isWell(turn: Turn, instance: Instance): boolean {
  const { state, now } = turn;
  const { command } = linkOf(state, instance);
  if (instance.sdownAt !== undefined || command?.status !== 'open' || !command.proven) return false;
  // Somebody else may have got its IP, and answer in its place.
  if (isStrange(turn, instance) && instance.surprises) return false;
  const since = leadsElsewhereSince(state, instance.address);
  return since === undefined || now - since < SETTLED_MS;
}

/** It may be another node: its name is asked for all the time. */
function isStrange({ state, now }: Turn, instance: Instance): instance is Master | Replica {
  return instance.kind !== 'peer' && now < strangeUntil(state, instance);
}

/** The name stands for another IP: everybody who looks through this link goes there. */
function move(turn: Turn, instance: Instance, ip: string): void {
  const { state } = turn;
  const link = linkOf(state, instance);
  const { host, ip: before } = instance.address;
  if (before !== undefined) log(turn, 'notice', `Hostname '${host}' moved from ${before} to ${ip}`);
  readdress(state, link, { ...instance.address, ip });
  dropConnections(turn, link);
  if (instance.kind === 'peer') shareLink(turn, instance, link);
  persistSoon(turn);
  touchUsers(turn, link);
}

function readdress(state: SentinelState, link: Link, address: Address): void {
  link.address = address;
  for (const id of link.users) {
    const user = state.instances.get(id);
    if (user?.kind === 'master') moveMaster(state, user, address);
    else if (user?.kind === 'replica') respell(state, user, address);
    else if (user !== undefined) user.address = address;
  }
}

function respell(state: SentinelState, replica: Replica, address: Address): void {
  const { replicas } = masterOf(state, replica);
  const [former, key] = [spelledKey(replica.address), spelledKey(address)];
  replica.address = address;
  if (former === key) return;
  if (replicas.get(former) === replica.id) replicas.delete(former);
  replicas.set(key, replica.id);
}

/**
 * Was the name of the instance looked up lately, if it has one? If not it is now, and `asking` is judged again when there
 * is an answer, or none to be had.
 */
export function isLookedUp(turn: Turn, instance: Instance, asking: Instance): boolean {
  const { host } = instance.address;
  if (!isName(host) || !turn.state.settings.resolveHostnames) return true;
  const name = lookUp(turn, host, CERTAIN_MAX_AGE_MS);
  if (name?.status !== 'asked') return true;
  name.waiting.add(asking.id);
  return false;
}

/** Until now nobody knew that another link leads to the same peer: one is enough. */
function shareLink(turn: Turn, peer: Peer, link: Link): void {
  const { state } = turn;
  const elsewhere = [...state.masters.values()].flatMap(({ peers }) => peers.get(peer.runId) ?? []);
  const shared = elsewhere
    .flatMap((id) => state.links.get(state.instances.get(id)?.linkId ?? -1) ?? [])
    .find((other) => other !== link && sameAddress(other.address, link.address));
  if (shared === undefined) return;
  readdress(state, shared, link.address);
  state.peerLinks.set(peer.runId, shared.id);
  for (const id of [...link.users]) {
    const user = state.instances.get(id);
    if (user === undefined) continue;
    joinLink(shared, id);
    user.linkId = shared.id;
    releaseLink(turn, link.id, id);
  }
  touchUsers(turn, shared);
}

/** A node that was known by its IP told a name, which stands for that IP: from now on it is known by the name. */
export function adoptName(turn: Turn, instance: Replica | Peer, host: string): void {
  const { state } = turn;
  if (isName(instance.address.host) || !isName(host)) return;
  readdress(state, linkOf(state, instance), { ...instance.address, host });
  if (state.settings.announceHostnames) persistSoon(turn);
}

/**
 * The replica at this address, new if there was none; `isNew` tells. A name is taken over, an IP is not. Where it has
 * another name already, that one is looked up: its node may have left this place to the one that is told of.
 */
export function meetReplica(turn: Turn, master: Master, address: Address): { replica: Replica; isNew: boolean } {
  const replicas = replicasOf(turn.state, master);
  // Who has the very name or IP that is told comes before whoever is there as well: each entry has a key of its own.
  const known =
    replicas.find((replica) => spelledKey(replica.address) === spelledKey(address)) ??
    replicas.find((replica) => sameAddress(replica.address, address));
  if (known === undefined) return { replica: addReplica(turn, master, address), isNew: true };
  if (isName(address.host) && spelledKey(known.address) !== spelledKey(address)) isLookedUp(turn, known, known);
  adoptName(turn, known, address.host);
  return { replica: known, isNew: false };
}

/** The master or the replica of this group that stands at the same address under another name. */
function twinOf(state: SentinelState, replica: Replica): Master | Replica | undefined {
  const master = masterOf(state, replica);
  if (sameAddress(master.address, replica.address)) return master;
  return replicasOf(state, master).find((other) => other !== replica && sameAddress(other.address, replica.address));
}

/**
 * Differs: the genuine server counts both.
 * Make two entries one, if they are one node: the one that is known by its IP takes over the name of the other.
 * IPs are given to other nodes: a name must have been looked up lately, and two must have been the same for a while.
 * Returns whether `replica` is gone.
 */
function merge(turn: Turn, replica: Replica, twin: Master | Replica): boolean {
  const { state } = turn;
  const master = masterOf(state, replica);
  const named = [replica, twin].filter(({ address }) => isName(address.host));
  if (!named.every((one) => isCertain(turn, one, replica, named.length === 2 ? SETTLED_MS : 0))) return false;
  const { failover } = master;
  if (failover !== undefined && 'promoted' in failover && failover.promoted === replica.id) return false;
  log(turn, 'notice', `${nameOf(state, replica)} is the same node as ${nameOf(state, twin)} of master ${master.name}`);
  removeInstance(turn, master, replica);
  if (twin.kind === 'replica') adoptName(turn, twin, replica.address.host);
  persistSoon(turn);
  return true;
}

/** The name stands for the IP at which the instance is, by a recent answer; `asking` is judged again when one comes. */
function isCertain(turn: Turn, instance: Instance, asking: Replica, settledMs: Ms): boolean {
  const { host, ip = '' } = instance.address;
  const name = lookUp(turn, host, CERTAIN_MAX_AGE_MS);
  name?.waiting.add(asking.id);
  return name?.status === 'known' && name.ips.includes(ip) && turn.now - name.changedAt >= settledMs;
}
