// The wires of the simulation: TCP as processes see it. A connection keeps its order, loses nothing while it lives, and
// breaks as a whole; a path may be cut in one direction; a machine without power says nothing at all.
import type { NodeReply } from '../../src/core/effects.ts';
import { addressKey, addressOf } from '../../src/core/query.ts';
import type { Ms } from '../../src/core/state.ts';
import type { Draw } from '../config/generate-state.ts';
import { type FakeTime, plan } from '../core/fake-time.ts';

export type Packet =
  | { readonly kind: 'request'; readonly args: readonly string[] }
  | { readonly kind: 'reply'; readonly reply: NodeReply }
  | { readonly kind: 'message'; readonly text: string };

/** A process with its machine: a sentinel, a data node or a client. */
export interface Party {
  readonly name: string;
  /** Where it is now; see `moveParty`. */
  ip: string;
  readonly port: number;
  /** Both, as texts name it. */
  place: string;
  /** `down`: the process is gone, its kernel refuses connections. `off`: the machine is, nothing answers. */
  condition: 'up' | 'down' | 'off';
  /** The process stands still, its kernel goes on. */
  paused: boolean;
  /** What reached the process while it stood still, in order. */
  readonly backlog: (() => void)[];
  readonly sockets: Set<Socket>;
  /** Whom nothing of ours reaches. */
  readonly cutTo: Set<Party>;
  /** Somebody connected; sets `socket.events`. */
  accept(socket: Socket): void;
}

export interface SocketEvents {
  opened?(): void;
  packet(packet: Packet): void;
  closed(reason: string): void;
}

/** One end of a connection. */
export interface Socket {
  readonly owner: Party;
  /** The owner's address when the connection was made. */
  readonly ip: string;
  readonly place: string;
  other: Socket | undefined;
  status: 'connecting' | 'open' | 'closed';
  events: SocketEvents | undefined;
  /** When the last thing that is on its way to this end gets here. */
  arrivesAt: Ms;
  /** What waits for the path to this end to heal, in order. */
  readonly stuck: { readonly from: Party; readonly arrive: () => void }[];
}

export interface Network {
  readonly time: FakeTime;
  readonly parties: Map<string, Party>;
  /** What the DNS says, which may be behind. */
  readonly dns: Map<string, string>;
  readonly rand: Draw;
  /** Time that one packet takes, drawn anew for each. */
  latency: () => Ms;
}

/** After a cut the kernel's next retransmission comes within this time. */
const RETRANSMIT_MS: Ms = 400;
/** A connection attempt that got no answer is repeated after a second, then twice as late each time. */
const SYN_RETRY_MS: Ms = 1000;

const placeText = (ip: string, port: number) => `${ip}:${port}`;

/** How long a connection lives whose other end is gone; tcp-keepalive. */
const KEEPALIVE_MS: Ms = 300_000;

export function partyFacts(name: string, ip: string, port: number) {
  return {
    name,
    ip,
    port,
    place: placeText(ip, port),
    condition: 'down' as Party['condition'],
    paused: false,
    backlog: [] as (() => void)[],
    sockets: new Set<Socket>(),
    cutTo: new Set<Party>(),
  };
}

export function addParty(net: Network, party: Party): void {
  net.parties.set(addressKey(addressOf(party.ip, party.port)), party);
}

export function partyAt(net: Network, host: string, port: number | string): Party | undefined {
  return net.parties.get(`${host}|${port}`);
}

/** A party that is not up gets another address; at the old one nobody answers any more. */
export function moveParty(net: Network, party: Party, ip: string): void {
  net.parties.delete(addressKey(addressOf(party.ip, party.port)));
  party.ip = ip;
  party.place = placeText(ip, party.port);
  addParty(net, party);
}

/** The IP of a host, as whoever looks it up now believes. */
export function ipOf(net: Network, host: string): string {
  return net.dns.get(host) ?? host;
}

/** Do packets get from one to the other now? */
export function passes(from: Party, to: Party): boolean {
  return to.condition !== 'off' && from.condition !== 'off' && !from.cutTo.has(to);
}

/** The process gets to see something: now, or when it moves again. */
function hand(party: Party, act: () => void): void {
  if (party.paused) party.backlog.push(act);
  else act();
}

function createSocket(owner: Party, status: Socket['status'], other?: Socket): Socket {
  const socket: Socket = {
    owner,
    ip: owner.ip,
    place: owner.place,
    other,
    status,
    events: undefined,
    arrivesAt: 0,
    stuck: [],
  };
  owner.sockets.add(socket);
  return socket;
}

/** Begin to connect; `events` tells how it goes. */
export function connect(net: Network, from: Party, host: string, port: number, events: SocketEvents): Socket {
  const socket = createSocket(from, 'connecting');
  socket.events = events;
  knock(net, socket, { host, port }, SYN_RETRY_MS);
  return socket;
}

function knock(
  net: Network,
  socket: Socket,
  place: { readonly host: string; readonly port: number },
  retryMs: Ms,
): void {
  const { time } = net;
  const from = socket.owner;
  plan(time, time.now + net.latency(), () => {
    if (socket.status !== 'connecting') return;
    const target = partyAt(net, place.host, place.port);
    if (target === undefined || !passes(from, target) || !passes(target, from))
      return plan(time, time.now + retryMs, () => knock(net, socket, place, 2 * retryMs));
    if (target.condition === 'down') return carry(net, target, socket, () => shut(socket, 'connect ECONNREFUSED'));
    const there = createSocket(target, 'open', socket);
    socket.other = there;
    hand(target, () => target.accept(there));
    carry(net, target, socket, () => {
      if (socket.status !== 'connecting') return;
      socket.status = 'open';
      hand(from, () => socket.status === 'open' && socket.events?.opened?.());
    });
  });
}

/** Something travels from `from` to the end `to`, behind everything that is on its way there. */
function carry(net: Network, from: Party, to: Socket, arrive: () => void): void {
  plan(net.time, arrival(net, to), () => {
    if (isHeldUp(from, to)) to.stuck.push({ from, arrive });
    else arrive();
  });
}

/** When something arrives that leaves now. */
function arrival(net: Network, to: Socket): Ms {
  to.arrivesAt = Math.max(to.arrivesAt, net.time.now + net.latency());
  return to.arrivesAt;
}

function isHeldUp(from: Party, to: Socket): boolean {
  return to.stuck.length > 0 || !passes(from, to.owner);
}

/** Send on an open connection; on any other it is lost. */
export function send(net: Network, socket: Socket, packet: Packet): void {
  const { other } = socket;
  if (socket.status !== 'open' || other === undefined) return;
  // As `carry` does, with one closure less: nearly all that travels is packets.
  plan(net.time, arrival(net, other), () => {
    if (isHeldUp(socket.owner, other))
      other.stuck.push({ from: socket.owner, arrive: () => receive(net, other, packet) });
    else receive(net, other, packet);
  });
}

function receive(net: Network, socket: Socket, packet: Packet): void {
  const { other, owner } = socket;
  // Nobody holds this end any more: the kernel that has its address says so.
  if (socket.status === 'closed') {
    const there = partyAt(net, socket.ip, owner.port);
    if (there !== undefined && other !== undefined) carry(net, there, other, () => shut(other, 'read ECONNRESET'));
    return;
  }
  if (owner.paused) owner.backlog.push(() => read(socket, packet));
  else read(socket, packet);
}

function read(socket: Socket, packet: Packet): void {
  if (socket.status === 'open') socket.events?.packet(packet);
}

/** The end is closed from outside; its process hears of it when it runs. */
function shut(socket: Socket, reason: string): void {
  if (socket.status === 'closed') return;
  hand(socket.owner, () => {
    if (socket.status === 'closed') return;
    drop(socket);
    socket.events?.closed(reason);
  });
}

/** The end is gone, and nobody is told. */
function drop(socket: Socket): void {
  socket.status = 'closed';
  socket.stuck.length = 0;
  socket.owner.sockets.delete(socket);
}

/** Close our end; the other side hears of it behind what was sent before. */
export function close(net: Network, socket: Socket): void {
  if (socket.status === 'closed') return;
  drop(socket);
  const { other } = socket;
  if (other !== undefined) carry(net, socket.owner, other, () => shut(other, 'Server closed the connection'));
}

/** Something in the middle breaks the connection: one end hears of it, the other one too, or only when it next sends. */
export function breakConnection(net: Network, socket: Socket): void {
  const { other } = socket;
  if (socket.status !== 'open' || other === undefined) return;
  shut(socket, 'read ECONNRESET');
  if (net.rand(2) === 0) shut(other, 'read ECONNRESET');
  else keepAlive(net, other);
}

/** The other end is gone without a word: the kernel asks, gets no answer, and gives the connection up. */
function keepAlive(net: Network, socket: Socket): void {
  plan(net.time, net.time.now + KEEPALIVE_MS, () => shut(socket, 'read ETIMEDOUT'));
}

/** The process dies. With its machine (`off`) nobody is told. */
export function kill(net: Network, party: Party, condition: 'down' | 'off'): void {
  for (const socket of [...party.sockets]) {
    if (condition === 'off') {
      drop(socket);
      if (socket.other !== undefined) keepAlive(net, socket.other);
    } else close(net, socket);
  }
  party.condition = condition;
  party.paused = false;
  party.backlog.length = 0;
}

export function pause(party: Party): void {
  if (party.condition === 'up') party.paused = true;
}

/** The process goes on: what had come meanwhile is read first. */
export function resume(party: Party): void {
  if (!party.paused) return;
  party.paused = false;
  while (!party.paused && party.backlog.length > 0) party.backlog.shift()?.();
}

/** Run something of the process itself, a timer for instance. */
export function inProcess(party: Party, act: () => void): void {
  if (party.condition === 'up') hand(party, act);
}

/** Cut the way from one to the other; the way back is another one. */
export function cut(from: Party, to: Party): void {
  from.cutTo.add(to);
}

/** What was stuck comes with the next retransmission. */
export function heal(net: Network, from: Party, to: Party): void {
  from.cutTo.delete(to);
  release(net, to);
}

/** Whatever was held up on the way to `party` and can get through now is sent again; what is under way comes behind it. */
export function release(net: Network, party: Party): void {
  for (const socket of party.sockets) {
    const first = socket.stuck[0];
    if (first === undefined || !passes(first.from, party)) continue;
    socket.arrivesAt = Math.max(socket.arrivesAt, net.time.now + net.rand(RETRANSMIT_MS));
    plan(net.time, socket.arrivesAt, () => {
      for (let next = socket.stuck[0]; next !== undefined && passes(next.from, party); next = socket.stuck[0]) {
        socket.stuck.shift();
        next.arrive();
      }
    });
  }
}
