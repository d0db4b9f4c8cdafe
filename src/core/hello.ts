// Hellos: how sentinels find each other through the data nodes, and how a new configuration spreads (spec §4).
import type { NodeReply } from './effects.ts';
import { holdFailover } from './failover.ts';
import { adoptName } from './follow.ts';
import { addPeer, removeInstance } from './instances.ts';
import { dropConnections, HELLO_CHANNEL, outstanding, request, unhurriedConnection } from './links.ts';
import { keepHello, locate, refuseName } from './names.ts';
import {
  addressOf,
  currentAddress,
  isKnown,
  linkOf,
  masterOf,
  peersOf,
  placeOf,
  refTo,
  replicasOf,
  sameAddress,
  sameNode,
  shownHost,
} from './query.ts';
import { tellReconfiguration } from './script-queue.ts';
import type { Address, Connection, Epoch, Instance, Master, Ms, Peer, RunId, SentinelState } from './state.ts';
import { switchMaster } from './switch.ts';
import { announce, persist, persistSoon, type Turn, touch } from './turn.ts';
import { adoptEpoch, isLeap, tellLeap } from './vote.ts';

/** A hello that was refused is not repeated at once. */
const HELLO_RETRY_MS: Ms = 500;
/** Later epochs do not fit the integer reply in which votes are told; one from a mangled hello would be for ever. */
const EPOCH_MAX = 2n ** 63n - 1n;

/** All ids have this length. What a hello brings stands in our file and in what we tell: it is to stay of their size. */
const RUN_ID_MAX = 40;
/** No name in the DNS is longer. */
const HOST_MAX = 255;

/** The eight fields of a hello. */
export interface Hello {
  readonly address: Address;
  readonly runId: RunId;
  readonly currentEpoch: Epoch;
  readonly masterName: string;
  readonly masterAddress: Address;
  readonly configEpoch: Epoch;
}

/**
 * Read a hello; `undefined` when any field is unusable.
 * Differs: the genuine server acts on the good fields of a bad hello, so that one with a broken address removes a
 * voter (spec/behavior.md §13.1 w12); here a message is taken as a whole or not at all.
 */
export function parseHello(text: string): Hello | undefined {
  const fields = text.split(',');
  if (fields.length !== 8) return undefined;
  const [ip = '', port = '', runId = '', epoch = '', masterName = '', masterIp = '', masterPort = '', config = ''] =
    fields;
  const address = parseAddress(ip, port, 0);
  const masterAddress = parseAddress(masterIp, masterPort, 1);
  const currentEpoch = parseEpoch(epoch);
  const configEpoch = parseEpoch(config);
  if (address === undefined || masterAddress === undefined) return undefined;
  if (runId === '' || runId.length > RUN_ID_MAX) return undefined;
  if (currentEpoch === undefined || configEpoch === undefined) return undefined;
  return { address, runId, currentEpoch, masterName, masterAddress, configEpoch };
}

function parseAddress(host: string, port: string, minPort: number): Address | undefined {
  if (!/^\d{1,5}$/.test(port) || Number(port) < minPort || Number(port) > 65535) return undefined;
  if (host === '' || host.length > HOST_MAX) return undefined;
  return addressOf(host, Number(port));
}

function parseEpoch(text: string): Epoch | undefined {
  if (!/^\d{1,20}$/.test(text)) return undefined;
  const epoch = BigInt(text);
  return epoch <= EPOCH_MAX ? epoch : undefined;
}

/** The hello that `instance` is told about its master, from the address that this very connection shows of us. */
export function renderHello(state: SentinelState, master: Master, connection: Connection): string {
  const current = currentAddress(state, master);
  const place = `${shownHost(state, current)},${current.port}`;
  return `${ownHost(state, connection) ?? ''},${ownPort(state)},${state.myId},${state.currentEpoch},${master.name},${place},${master.configEpoch}`;
}

/** Where this connection shows us to be. */
function ownHost({ settings }: SentinelState, connection: Connection | undefined): string | undefined {
  return settings.announceIp ?? connection?.localIp;
}

const ownPort = ({ settings }: SentinelState): number =>
  settings.announcePort !== 0 ? settings.announcePort : settings.port;

/** Is this the address at which somebody of this group hears of us? */
function isOurs(state: SentinelState, master: Master, address: Address): boolean {
  const port = ownPort(state);
  return [master, ...replicasOf(state, master), ...peersOf(state, master)].some((instance) => {
    const host = ownHost(state, linkOf(state, instance).command);
    return host !== undefined && sameAddress(address, addressOf(host, port));
  });
}

/**
 * Publish a hello if one is due: every publish-period, and at once while `instance` has not acknowledged the newest
 * configuration. Returns when to look again.
 */
export function sayHello(turn: Turn, instance: Instance): Ms {
  const { state, now } = turn;
  const master = masterOf(state, instance);
  const connection = unhurriedConnection(state, instance);
  if (connection === undefined) return Number.POSITIVE_INFINITY;
  const unheard = instance.helloVersion < master.configVersion;
  const due = Math.max(instance.helloRetryAt, unheard ? now : instance.helloAt + state.tunables.publishPeriodMs + 1);
  if (now < due) return due;
  const underWay = outstanding(connection, 'hello', instance);
  // One that carries an older configuration does not stand in the way of the new one.
  if (underWay !== undefined && underWay.version === master.configVersion) return Number.POSITIVE_INFINITY;
  const text = renderHello(state, master, connection);
  const pending = { kind: 'hello', instance: instance.id, version: master.configVersion, sentAt: now } as const;
  request(turn, instance, connection, ['PUBLISH', HELLO_CHANNEL, text], pending);
  return Number.POSITIVE_INFINITY;
}

/** A hello of ours was answered. Only a number acknowledges it. */
export function onHelloReply(turn: Turn, instance: Instance, version: number, reply: NodeReply): void {
  if (reply.kind === 'integer') {
    instance.helloAt = turn.now;
    instance.helloVersion = Math.max(instance.helloVersion, version);
  } else instance.helloRetryAt = turn.now + HELLO_RETRY_MS;
  touch(turn, instance);
}

/**
 * A hello came, through a data node or from a peer directly; also in TILT. Our own are ignored on both ways.
 * Differs: to the genuine server another run id at our own address is a peer, to which it connects, and whose vote is its
 * own once more. It is of somebody who was here before us.
 */
export function onHello(turn: Turn, text: string): void {
  const { state } = turn;
  const read = parseHello(text);
  const master = state.masters.get(read?.masterName ?? '');
  if (read === undefined || master === undefined) return;
  if (read.runId === state.myId) return forgetOurselves(turn, master, read.address);
  const leap = [read.currentEpoch, read.configEpoch].find((epoch) => isLeap(state, epoch));
  if (leap !== undefined) return tellLeap(turn, master, leap, 'a hello');
  const hello = withNames(turn, master, read, text);
  const peer = hello && meetPeer(turn, master, hello);
  if (hello === undefined || peer === undefined) return;
  adoptEpoch(turn, master, hello.currentEpoch);
  adoptConfiguration(turn, master, peer, hello);
  peer.lastHelloAt = turn.now;
  touch(turn, peer);
}

/** Our hello came back: whoever was taken for a peer at our address, while we did not know it, is none. */
function forgetOurselves(turn: Turn, master: Master, address: Address): void {
  const isTaken = peersOf(turn.state, master).some((peer) => sameAddress(peer.address, address));
  if (isTaken && isOurs(turn.state, master, address)) removeImpostor(turn, master, address, turn.state.myId);
}

/**
 * The hello with its names looked up. `undefined` while one that we don't know is being looked up, whereupon the hello
 * is read again, or when it cannot be: an address nobody can reach is no address.
 */
function withNames(turn: Turn, master: Master, hello: Hello, text: string): Hello | undefined {
  const { state } = turn;
  const known = state.instances.get(master.peers.get(hello.runId) ?? -1);
  const place = (given: Address, isOurs: boolean): Address | undefined => {
    if (given.ip !== undefined || isOurs) return given;
    const address = locate(turn, given.host, given.port);
    if (address.ip !== undefined) return address;
    if (!state.settings.resolveHostnames) refuseName(turn, given.host);
    keepHello(state, given.host, `${hello.runId} ${hello.masterName}`, text);
    return undefined;
  };
  const address = place(hello.address, known !== undefined && sameAddress(known.address, hello.address));
  const masterAddress = place(hello.masterAddress, isKnown(state, master, hello.masterAddress));
  if (address === undefined || masterAddress === undefined) return undefined;
  const isSame = address === hello.address && masterAddress === hello.masterAddress;
  return isSame ? hello : { ...hello, address, masterAddress };
}

/** The peer this hello is from: known, moved to another address, or new. `undefined`: the address is our own. */
function meetPeer(turn: Turn, master: Master, hello: Hello): Peer | undefined {
  const { state } = turn;
  const known = state.instances.get(master.peers.get(hello.runId) ?? -1);
  if (known?.kind === 'peer' && sameAddress(known.address, hello.address)) {
    adoptName(turn, known, hello.address.host);
    return known;
  }
  if (isOurs(state, master, hello.address)) return undefined;
  if (known?.kind === 'peer') return movePeer(turn, master, known, hello);
  removeImpostor(turn, master, hello.address, hello.runId);
  const peer = addPeer(turn, master, hello.address, hello.runId);
  announce(turn, { name: '+sentinel', about: refTo(state, peer) });
  persistSoon(turn);
  return peer;
}

function movePeer(turn: Turn, master: Master, known: Peer, hello: Hello): Peer {
  const { state } = turn;
  const { address, runId } = hello;
  const to = placeOf(state, address);
  removeInstance(turn, master, known);
  announce(turn, { name: '+sentinel-address-switch', about: refTo(state, master), to, runId });
  removeImpostor(turn, master, address, runId);
  let others = 0;
  for (const other of peersByRunId(state, runId)) {
    removeImpostor(turn, masterOf(state, other), address, runId);
    const link = linkOf(state, other);
    other.address = address;
    link.address = address;
    dropConnections(turn, link);
    touch(turn, other);
    others += 1;
  }
  const peer = addPeer(turn, master, address, runId);
  // A vote that was given stays given, wherever the voter lives.
  peer.vote = known.vote;
  if (others > 0) announce(turn, { name: '+sentinel-address-update', about: refTo(state, peer), others });
  persistSoon(turn);
  return peer;
}

/** Another id than `runId` at this very address cannot be right any more: it goes from all masters. */
function removeImpostor(turn: Turn, master: Master, address: Address, runId: RunId): void {
  const { state } = turn;
  if (address.port === 0) return;
  const impostor = peersOf(state, master).find((peer) => peer.runId !== runId && sameAddress(peer.address, address));
  if (impostor === undefined) return;
  announce(turn, { name: '+sentinel-invalid-addr', about: refTo(state, impostor) });
  for (const peer of peersByRunId(state, impostor.runId)) removeInstance(turn, masterOf(state, peer), peer);
}

function peersByRunId(state: SentinelState, runId: RunId): Peer[] {
  const found: Peer[] = [];
  for (const master of state.masters.values()) {
    const peer = state.instances.get(master.peers.get(runId) ?? -1);
    if (peer?.kind === 'peer') found.push(peer);
  }
  return found;
}

/** The highest config epoch wins; an equal one never changes the address. */
function adoptConfiguration(turn: Turn, master: Master, peer: Peer, hello: Hello): void {
  if (hello.configEpoch <= master.configEpoch) return;
  master.configEpoch = hello.configEpoch;
  const moved = !sameNode(hello.masterAddress, master.address);
  if (!moved) {
    // Somebody confirmed the present master in a later epoch than ours: our attempt could only lose.
    if (master.failover === undefined || master.failover.failoverEpoch > hello.configEpoch) return persistSoon(turn);
    holdFailover(turn, master);
    // What we announced meanwhile is void, and the file may still say it.
    return persist(turn);
  }
  announce(turn, { name: '+config-update-from', about: refTo(turn.state, peer) });
  const from = placeOf(turn.state, master.address);
  switchMaster(turn, master, hello.masterAddress);
  tellReconfiguration(turn.state, master, 'observer', { from, to: placeOf(turn.state, master.address) });
}
