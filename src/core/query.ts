// Questions about the state that several rules and the commands ask: names, addresses, lookups, counts.
import type { InstanceRef } from './events.ts';
import type { Address, Instance, InstanceId, Link, Master, Peer, Replica, SentinelState } from './state.ts';

/** The key under which two spellings of one address meet: the IP where there is one, else the name in lower case. */
export function addressKey(address: Address): string {
  return `${address.ip ?? address.host.toLowerCase()}|${address.port}`;
}

/** Two addresses are one when the ports are equal and the IPs or, in any case, the texts are (spec/behavior.md §12). */
export function sameAddress(a: Address, b: Address): boolean {
  if (a.port !== b.port) return false;
  return (a.ip !== undefined && a.ip === b.ip) || a.host.toLowerCase() === b.host.toLowerCase();
}

/** Dotted quad or IPv6 text. `undefined` for anything else, names and the short forms of IPv4 included. */
export function literalIp(text: string): string | undefined {
  return isIpv4(text) || isIpv6(text) ? text : undefined;
}

function isIpv4(text: string): boolean {
  const parts = text.split('.');
  return parts.length === 4 && parts.every((part) => /^(0|[1-9]\d{0,2})$/.test(part) && Number(part) <= 255);
}

function isIpv6(text: string): boolean {
  if (!/^[0-9a-fA-F:.]+$/.test(text) || !text.includes(':')) return false;
  const halves = text.split('::');
  if (halves.length > 2) return false;
  const groups = halves.flatMap((half) => (half === '' ? [] : half.split(':')));
  const last = groups.at(-1);
  const embedded = last?.includes('.') === true && text.endsWith(last);
  if (embedded && !isIpv4(last)) return false;
  const hex = embedded ? groups.slice(0, -1) : groups;
  if (!hex.every((group) => /^[0-9a-fA-F]{1,4}$/.test(group))) return false;
  const count = hex.length + (embedded ? 2 : 0);
  return halves.length === 2 ? count < 8 : count === 8;
}

/** An address from a text: literal addresses need no resolving, names have no IP yet. */
export function addressOf(host: string, port: number): Address {
  return { host, ip: literalIp(host), port };
}

/** The host as replies, events, hellos and the file show it: the IP, or with announce-hostnames the text as given. */
export function shownHost(state: SentinelState, address: Address): string {
  return state.settings.announceHostnames ? address.host : (address.ip ?? address.host);
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

/** We and the peers that are not sdown (a disconnected one counts until it is). */
export function usableSentinels(state: SentinelState, master: Master): number {
  return 1 + peersOf(state, master).filter((peer) => peer.sdownAt === undefined).length;
}

/** More than half of `voters`. */
export function majorityOf(voters: number): number {
  return Math.floor(voters / 2) + 1;
}
