// Questions about the state that several rules and the commands ask: names, addresses, lookups, counts.
import type { InstanceRef, Place } from './events.ts';
import { literalIp } from './ip-text.ts';
import type { Address, Instance, InstanceId, Link, Master, Ms, Peer, Replica, SentinelState } from './state.ts';

/**
 * Differs: the genuine server looks at names when it connects, and at nothing else.
 * An answer of the DNS that has been the same for so long is believed against what we see, and a process that answered
 * so long is the one that was meant: names and IPs of nodes that start anew change one after the other, and caches in
 * between are late.
 */
export const SETTLED_MS: Ms = 60_000;

/** The key under which two spellings of one address meet: the IP where there is one, else the name in lower case. */
export function addressKey(address: Address): string {
  return `${address.ip === undefined ? address.host.toLowerCase() : unmapped(address.ip)}|${address.port}`;
}

/** The key of an address as it is spelled; it stays the same when a name comes to stand for another IP. */
export function spelledKey(address: Address): string {
  return isName(address.host) ? `${address.host.toLowerCase()}|${address.port}` : addressKey(address);
}

/** Two addresses are one when the ports are equal and the IPs or, in any case, the texts are (spec/behavior.md §12). */
export function sameAddress(a: Address, b: Address): boolean {
  if (a.port !== b.port) return false;
  if (a.ip !== undefined && b.ip !== undefined && unmapped(a.ip) === unmapped(b.ip)) return true;
  return a.host.toLowerCase() === b.host.toLowerCase();
}

/** Differs: an IPv4 address written in IPv6 is the same node; the genuine server counts it twice. */
function unmapped(ip: string): string {
  return ip.startsWith('::ffff:') && ip.includes('.') ? ip.slice('::ffff:'.length) : ip;
}

/** A text that has to be looked up. */
export function isName(host: string): boolean {
  return literalIp(host) === undefined;
}

/** An address from a text: literal addresses need no resolving, names have no IP yet. */
export function addressOf(host: string, port: number): Address {
  return { host, ip: literalIp(host), port };
}

/**
 * The host as replies, events and hellos show it: the IP, or with announce-hostnames the text as given.
 * Differs: the genuine server shows a name without an IP as an empty text; a client can look the name up itself.
 */
export function shownHost(state: SentinelState, address: Address): string {
  return state.settings.announceHostnames ? address.host : (address.ip ?? address.host);
}

/** The same with the port. */
export function placeOf(state: SentinelState, address: Address): Place {
  return { host: shownHost(state, address), port: address.port };
}

/** An instance's name: the configured one, the peer's run id, or the replica's `ip:port` (`[ip]:port` for IPv6). */
export function nameOf(state: SentinelState, instance: Instance): string {
  if (instance.kind === 'master') return instance.name;
  if (instance.kind === 'peer') return instance.runId;
  const host = shownHost(state, instance.address);
  return host.includes(':') ? `[${host}]:${instance.address.port}` : `${host}:${instance.address.port}`;
}

/** A copy of what an event needs to name `instance`. */
export function refTo(state: SentinelState, instance: Instance): InstanceRef {
  const own = {
    kind: instance.kind,
    name: nameOf(state, instance),
    host: shownHost(state, instance.address),
    port: instance.address.port,
  };
  if (instance.kind === 'master') return own;
  const master = masterOf(state, instance);
  return {
    ...own,
    master: { name: master.name, host: shownHost(state, master.address), port: master.address.port },
  };
}

/** The master an instance belongs to; a master is its own. */
export function masterOf(state: SentinelState, instance: Instance): Master {
  const master = instance.kind === 'master' ? instance : state.instances.get(instance.masterId);
  if (master?.kind !== 'master') throw new Error(`instance ${instance.id} belongs to no master`);
  return master;
}

/** The link an instance is seen through. */
export function linkOf(state: SentinelState, instance: Instance): Link {
  const link = state.links.get(instance.linkId);
  if (link === undefined) throw new Error(`instance ${instance.id} has no link ${instance.linkId}`);
  return link;
}

export function replicasOf(state: SentinelState, master: Master): Replica[] {
  return lookUp(state, master.replicas.values(), 'replica');
}

export function peersOf(state: SentinelState, master: Master): Peer[] {
  return lookUp(state, master.peers.values(), 'peer');
}

function lookUp<K extends Instance['kind']>(state: SentinelState, ids: Iterable<InstanceId>, kind: K) {
  const found: Extract<Instance, { kind: K }>[] = [];
  for (const id of ids) {
    const instance = state.instances.get(id);
    if (instance?.kind === kind) found.push(instance as Extract<Instance, { kind: K }>);
  }
  return found;
}

/** A connection is missing: for a data node either of the two, for a peer the one it has. */
export function isDisconnected(link: Link): boolean {
  return link.command === undefined || (link.kind === 'data' && link.subscription === undefined);
}

/** Requests sent and not yet answered, on all connections of the link. */
export function pendingRequests(link: Link): number {
  return (link.command?.pending.length ?? 0) + (link.subscription?.pending.length ?? 0);
}

/** The address clients are given: from the promotion on already the promoted replica's (spec/behavior.md §7.8). */
export function currentAddress(state: SentinelState, master: Master): Address {
  if (master.failover?.phase !== 'reconf-replicas') return master.address;
  return state.instances.get(master.failover.promoted)?.address ?? master.address;
}

/** All who may vote about `master`, ourselves included. */
export function votersOf(master: Master): number {
  return master.peers.size + 1;
}

/** The master or one of its replicas stands at this address. */
export function isKnown(state: SentinelState, master: Master, address: Address): boolean {
  return [master, ...replicasOf(state, master)].some((node) => sameAddress(node.address, address));
}

/**
 * Until when another process at the place of a node by its name may be another node: it started anew, or somebody else
 * was given its IP and the DNS is behind. `-Infinity`: there is no doubt.
 */
export function strangeUntil(state: SentinelState, { address, strangeSince }: Master | Replica): Ms {
  return believedFrom(state, address, strangeSince);
}

/** From when on the process that has answered since `since` is believed to be the node that has the name. */
function believedFrom(state: SentinelState, address: Address, since: Ms | undefined): Ms {
  if (since === undefined || !state.settings.resolveHostnames || !isName(address.host)) return Number.NEGATIVE_INFINITY;
  // Where its name leads elsewhere it is followed so much later.
  return Math.max(since, leadsElsewhereSince(state, address) ?? since) + SETTLED_MS;
}

/** Since when the DNS has another answer than the IP at which the node is; `undefined`: it has none, or the same. */
export function leadsElsewhereSince(state: SentinelState, { host, ip = '' }: Address): Ms | undefined {
  const name = state.names.get(host.toLowerCase());
  return name !== undefined && name.ips.length > 0 && !name.ips.includes(ip) ? name.changedAt : undefined;
}

/**
 * Until when two nodes may have changed places, and neither is told to follow the other: it might be the right one, and
 * follow itself. Of two that changed places we see neither for long.
 */
export function doubtUntil(state: SentinelState, one: Master | Replica, other: Master | Replica): Ms {
  return Math.min(...[one, other].map(({ address, seen }) => believedFrom(state, address, seen?.since)));
}

/**
 * Do both mean one node? While the DNS is behind two names may stand for one place, and are two nodes. A second name of
 * a node costs a second entry, until they are known to be one (`followName`).
 */
export function sameNode(a: Address, b: Address): boolean {
  return isName(a.host) && isName(b.host) ? spelledKey(a) === spelledKey(b) : sameAddress(a, b);
}

/** The node of this group that an address means: the one that is spelled so, else the one at that place without a name. */
export function nodeAt(state: SentinelState, master: Master, address: Address): Master | Replica | undefined {
  const nodes = [master, ...replicasOf(state, master)];
  const key = spelledKey(address);
  return (
    nodes.find((node) => spelledKey(node.address) === key) ?? nodes.find((node) => sameNode(node.address, address))
  );
}

/** We and the peers that are not sdown (a disconnected one counts until it is). */
export function usableSentinels(state: SentinelState, master: Master): number {
  return 1 + peersOf(state, master).filter((peer) => peer.sdownAt === undefined).length;
}

/** More than half of `voters`. */
export function majorityOf(voters: number): number {
  return Math.floor(voters / 2) + 1;
}
