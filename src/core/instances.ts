// How instances come and go: masters, their replicas, their peers, and the indexes that find them.
import { createLink, joinLink, releaseLink, touchUsers } from './links.ts';
import { addressKey, peersOf, sameAddress, spelledKey } from './query.ts';
import type {
  Address,
  Epoch,
  Instance,
  Link,
  Master,
  MasterOptions,
  Ms,
  Peer,
  Replica,
  RunId,
  SentinelState,
} from './state.ts';
import { type Turn, touch, untouch } from './turn.ts';

/** The priority of a replica that has not told its own (redis-sentinel 7.0.15 assumes 100). */
const DEFAULT_PRIORITY = 100;

function baseOf(state: SentinelState, address: Address, link: Link, now: Ms) {
  const id = state.nextId++;
  joinLink(link, id);
  return {
    id,
    address,
    runId: '',
    linkId: link.id,
    sdownAt: undefined,
    upSince: undefined,
    scriptKillSent: false,
    helloAt: now,
    helloVersion: 0,
    helloRetryAt: now,
    wakeAt: Number.POSITIVE_INFINITY,
  };
}

const dataNode = (role: 'master' | 'slave', now: Ms) => ({
  infoAt: undefined,
  infoAskedAt: undefined,
  infoText: undefined,
  role,
  roleSince: now,
  infoWantedAt: undefined,
  seen: undefined,
  strangeSince: undefined,
  surprises: false,
});

/** Monitor a master: it is connected to as soon as the turn judges it. The name must be unused. */
export function addMaster(
  turn: Turn,
  name: string,
  address: Address,
  options: MasterOptions,
  epochs: { configEpoch: Epoch; leaderEpoch: Epoch },
): Master {
  const { state, now } = turn;
  const link = createLink(state, 'data', address, now);
  const master: Master = {
    kind: 'master',
    name,
    options,
    ...baseOf(state, address, link, now),
    ...dataNode('master', now),
    ...epochs,
    leader: undefined,
    voteUnsaved: false,
    odownAt: undefined,
    rebootAt: undefined,
    failover: undefined,
    holdOff: undefined,
    candidateAt: undefined,
    configVersion: 0,
    askFastUntil: now,
    replicas: new Map(),
    peers: new Map(),
  };
  // The first hello goes out within one period of the start, spread so that many masters do not speak at once.
  master.helloAt = now - turn.rand(state.tunables.publishPeriodMs);
  state.masters.set(name, master);
  register(turn, master);
  indexAddress(state, master);
  return master;
}

/** Add a replica of `master`; `link` is given when a node keeps its connections while its role changes. */
export function addReplica(turn: Turn, master: Master, address: Address, link?: Link): Replica {
  const { state, now } = turn;
  const replica: Replica = {
    kind: 'replica',
    masterId: master.id,
    ...baseOf(state, address, link ?? createLink(state, 'data', address, now), now),
    ...dataNode('slave', now),
    priority: DEFAULT_PRIORITY,
    offset: 0n,
    linkDownMs: 0,
    linkStatus: 'down',
    reportedMaster: undefined,
    confChangeAt: now,
    announced: true,
    reconf: undefined,
    orderedAt: undefined,
  };
  replica.helloAt = now - turn.rand(state.tunables.publishPeriodMs);
  master.replicas.set(spelledKey(address), replica.id);
  register(turn, replica);
  return replica;
}

/** Add a peer of `master`. All masters watched together with one peer process share one link to it. */
export function addPeer(turn: Turn, master: Master, address: Address, runId: RunId): Peer {
  const { state, now } = turn;
  const link = peerLink(turn, runId, address);
  const peer: Peer = {
    kind: 'peer',
    masterId: master.id,
    ...baseOf(state, address, link, now),
    runId,
    lastHelloAt: now,
    answer: undefined,
    vote: undefined,
    answeredEpoch: undefined,
    askedAt: undefined,
  };
  // Greet it at once: it then knows us without waiting for our next round.
  peer.helloVersion = -1;
  master.peers.set(runId, peer.id);
  register(turn, peer);
  return peer;
}

function peerLink(turn: Turn, runId: RunId, address: Address): Link {
  const { state, now } = turn;
  const known = state.links.get(state.peerLinks.get(runId) ?? -1);
  if (known !== undefined && sameAddress(known.address, address)) return known;
  const link = createLink(state, 'peer', address, now);
  state.peerLinks.set(runId, link.id);
  return link;
}

/** Remove a replica or a peer, with its link when nobody else uses it. */
export function removeInstance(turn: Turn, master: Master, instance: Replica | Peer): void {
  if (instance.kind === 'replica') {
    const key = spelledKey(instance.address);
    if (master.replicas.get(key) === instance.id) master.replicas.delete(key);
  } else if (master.peers.get(instance.runId) === instance.id) master.peers.delete(instance.runId);
  unregister(turn, instance);
}

/** Stop monitoring a master: every replica, peer and link of it goes. */
export function dropMaster(turn: Turn, master: Master): void {
  dropDependents(turn, master);
  forgetAddress(turn.state, master);
  turn.state.masters.delete(master.name);
  unregister(turn, master);
}

/** Remove all replicas and peers of `master`. */
export function dropDependents(turn: Turn, master: Master): void {
  for (const id of [...master.replicas.values(), ...master.peers.values()]) {
    const instance = turn.state.instances.get(id);
    if (instance !== undefined && instance.kind !== 'master') removeInstance(turn, master, instance);
  }
}

/** Change a master's address; the caller sees to its link. What peers said about it, they said about another node. */
export function moveMaster(state: SentinelState, master: Master, address: Address): void {
  for (const peer of peersOf(state, master)) peer.answer = undefined;
  forgetAddress(state, master);
  master.address = address;
  indexAddress(state, master);
}

function register(turn: Turn, instance: Instance): void {
  turn.state.instances.set(instance.id, instance);
  touch(turn, instance);
}

function unregister(turn: Turn, instance: Instance): void {
  const { state } = turn;
  state.instances.delete(instance.id);
  untouch(turn, instance.id);
  releaseLink(turn, instance.linkId, instance.id);
  const link = state.links.get(instance.linkId);
  if (link !== undefined) touchUsers(turn, link);
  if (instance.kind === 'peer' && link === undefined && state.peerLinks.get(instance.runId) === instance.linkId)
    state.peerLinks.delete(instance.runId);
}

function indexAddress(state: SentinelState, master: Master): void {
  for (const key of indexKeys(master.address)) {
    const ids = state.mastersByAddress.get(key);
    if (ids === undefined) state.mastersByAddress.set(key, new Set([master.id]));
    else ids.add(master.id);
  }
}

function forgetAddress(state: SentinelState, master: Master): void {
  for (const key of indexKeys(master.address)) {
    const ids = state.mastersByAddress.get(key);
    ids?.delete(master.id);
    if (ids?.size === 0) state.mastersByAddress.delete(key);
  }
}

/** A master is found by its IP and, if it was given by a name, by that as well. */
function indexKeys(address: Address): readonly string[] {
  return [...new Set([addressKey(address), spelledKey(address)])];
}
