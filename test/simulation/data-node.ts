// A data node of the simulation: Redis as far as sentinels and clients can see it. Its data is a number of writes.
import type { NodeReply } from '../../src/core/effects.ts';
import type { Ms } from '../../src/core/state.ts';
import type { Draw } from '../config/generate-state.ts';
import { plan } from '../core/fake-time.ts';
import {
  close,
  ipOf,
  kill,
  type Network,
  type Party,
  partyAt,
  partyFacts,
  passes,
  type Socket,
  send,
} from './network.ts';

export interface DataNode extends Party {
  readonly kind: 'node';
  /** The name of the master whose group it belongs to. */
  readonly group: string;
  /** The name under which it wants to be known. */
  readonly announcedAs: string | undefined;
  runId: string;
  role: 'master' | 'slave';
  follows: Place | undefined;
  /** What its own configuration file says: only CONFIG REWRITE changes it. */
  saved: { role: 'master' | 'slave'; follows: Place | undefined };
  priority: number;
  /** How much of which history it has; `formerHistory` is what it followed before it was promoted. */
  offset: number;
  history: number;
  formerHistory: number;
  link: 'up' | 'syncing' | 'down';
  linkDownAt: Ms | undefined;
  syncedAt: Ms;
  readonly syncMs: Ms;
  loadingUntil: Ms;
  busy: boolean;
  locked: boolean;
  /** It takes orders to change its role and does not carry them out. */
  stubborn: boolean;
  /** CONFIG REWRITE fails: what it is told is forgotten with its process. */
  cannotSave: boolean;
  /** Its subscribers hear nothing. */
  mute: boolean;
  /** The last hellos that were published here. */
  readonly hellos: string[];
  readonly sessions: Map<Socket, NodeSession>;
}

export interface Place {
  readonly host: string;
  readonly port: number;
}

interface NodeSession {
  subscribed: boolean;
  transaction: (readonly string[])[] | undefined;
  /** A command of the transaction was refused. */
  spoilt: boolean;
}

/** Who wants to know what a node does. */
export interface NodeWorld {
  readonly net: Network;
  readonly rand: Draw;
  /** A node took a role on the order of the process at the other end of a connection. */
  obeyed(node: DataNode, by: Party): void;
}

const text = (value: string): NodeReply => ({ kind: 'text', text: value });
const error = (value: string): NodeReply => ({ kind: 'error', text: value });
const OK = text('OK');

/** So many hellos are kept, to be heard once more. */
const HELLOS_KEPT = 32;
/** A replica looks after its master this often. */
const CRON_MS: Ms = 100;

export function createNode(
  world: NodeWorld,
  facts: {
    name: string;
    ip: string;
    group: string;
    announcedAs: string | undefined;
    follows: Place | undefined;
    priority: number;
    syncMs: Ms;
  },
): DataNode {
  const { name, ip, group, announcedAs, follows, priority, syncMs } = facts;
  const role = follows === undefined ? 'master' : 'slave';
  const node: DataNode = {
    kind: 'node',
    ...partyFacts(name, ip, 6379),
    condition: 'up',
    group,
    announcedAs,
    runId: newRunId(world),
    role,
    follows,
    saved: { role, follows },
    priority,
    offset: 0,
    history: 1,
    formerHistory: 0,
    link: follows === undefined ? 'down' : 'up',
    linkDownAt: undefined,
    syncedAt: 0,
    syncMs,
    loadingUntil: 0,
    busy: false,
    locked: false,
    stubborn: false,
    cannotSave: false,
    mute: false,
    hellos: [],
    sessions: new Map(),
    accept: (socket) => acceptSession(world, node, socket),
  };
  return node;
}

function newRunId({ rand }: NodeWorld): string {
  return Array.from({ length: 5 }, () => (rand(0x7fffffff) + 0x80000000).toString(16)).join('');
}

function acceptSession(world: NodeWorld, node: DataNode, socket: Socket): void {
  const session: NodeSession = { subscribed: false, transaction: undefined, spoilt: false };
  node.sessions.set(socket, session);
  const answer = (reply: NodeReply) => send(world.net, socket, { kind: 'reply', reply });
  socket.events = {
    packet: (packet) => {
      if (packet.kind === 'request') answer(serve(world, node, socket, session, packet.args));
    },
    closed: () => node.sessions.delete(socket),
  };
}

/** Start the process again, with its data or without. */
export function startNode(world: NodeWorld, node: DataNode, { empty, loadingMs }: { empty: boolean; loadingMs: Ms }) {
  const { now } = world.net.time;
  node.condition = 'up';
  node.runId = newRunId(world);
  node.role = node.saved.role;
  node.follows = node.saved.follows;
  node.link = 'down';
  node.linkDownAt = undefined;
  node.busy = false;
  if (!empty) node.loadingUntil = now + loadingMs;
  else Object.assign(node, { offset: 0, history: newHistory(world), formerHistory: 0, loadingUntil: 0 });
}

export function killNode(world: NodeWorld, node: DataNode, condition: 'down' | 'off'): void {
  node.sessions.clear();
  kill(world.net, node, condition);
}

/** Two of them are never the same: history 1 is the one at the beginning. */
const newHistory = ({ rand }: NodeWorld) => 2 + rand(2 ** 31);

/** Let the node follow its master from now on, until the end of the run. */
export function keepReplicating(world: NodeWorld, node: DataNode): void {
  replicate(world, node);
  plan(world.net.time, world.net.time.now + CRON_MS, () => keepReplicating(world, node));
}

const isLoading = (world: NodeWorld, node: DataNode) => world.net.time.now < node.loadingUntil;

function replicate(world: NodeWorld, node: DataNode): void {
  const { now } = world.net.time;
  if (node.role === 'master' || node.condition !== 'up' || node.paused || isLoading(world, node)) return;
  const master = sourceOf(world, node);
  if (master === undefined) {
    if (node.link === 'up') node.linkDownAt = now;
    node.link = 'down';
    return;
  }
  if (master.paused) return;
  if (node.link === 'down') {
    const knowsUs = node.history === master.history || node.history === master.formerHistory;
    node.link = knowsUs && node.offset <= master.offset ? 'up' : 'syncing';
    node.syncedAt = now + node.syncMs;
  }
  if (node.link === 'syncing' && now >= node.syncedAt) node.link = 'up';
  if (node.link !== 'up') return;
  node.offset = master.offset;
  node.history = master.history;
  node.linkDownAt = undefined;
}

/** The node it can follow: there, reachable, and itself a master or in step with one. */
function sourceOf({ net }: NodeWorld, node: DataNode): DataNode | undefined {
  const { follows } = node;
  const found = follows === undefined ? undefined : partyAt(net, ipOf(net, follows.host), follows.port);
  if (found === undefined || found === node || !isNode(found) || found.condition !== 'up') return undefined;
  if (!passes(node, found) || !passes(found, node) || net.time.now < found.loadingUntil) return undefined;
  return found.role === 'master' || found.link === 'up' ? found : undefined;
}

export function isNode(party: Party): party is DataNode {
  return 'kind' in party && party.kind === 'node';
}

/** Allowed while a script runs; the others are refused with -BUSY. */
const WHILE_BUSY = new Set(['AUTH', 'MULTI', 'EXEC', 'SCRIPT']);
/** Allowed while the data is being loaded. */
const WHILE_LOADING = new Set(['AUTH', 'CLIENT', 'INFO', 'MULTI', 'EXEC', 'SUBSCRIBE', 'PUBLISH', 'CONFIG', 'SCRIPT']);

function refusal(world: NodeWorld, node: DataNode, command: string): NodeReply | undefined {
  if (node.locked && command !== 'AUTH') return error('NOAUTH Authentication required.');
  if (node.busy && !WHILE_BUSY.has(command)) return error('BUSY Redis is busy running a script.');
  if (isLoading(world, node) && !WHILE_LOADING.has(command))
    return error('LOADING Redis is loading the dataset in memory');
  return undefined;
}

function serve(
  world: NodeWorld,
  node: DataNode,
  socket: Socket,
  session: NodeSession,
  args: readonly string[],
): NodeReply {
  const [command = ''] = args;
  const refused = refusal(world, node, command);
  if (refused !== undefined) {
    session.spoilt = true;
    return refused;
  }
  if (session.transaction !== undefined && command !== 'EXEC') {
    session.transaction.push(args);
    return text('QUEUED');
  }
  switch (command) {
    case 'PING':
      return text('PONG');
    case 'INFO':
      return text(infoOf(world, node));
    case 'SUBSCRIBE':
      session.subscribed = true;
      return { kind: 'array', items: [text('subscribe'), text(args[1] ?? ''), { kind: 'integer', value: 1n }] };
    case 'PUBLISH':
      return publish(world, node, args[2] ?? '');
    case 'MULTI':
      session.transaction = [];
      session.spoilt = false;
      return OK;
    case 'EXEC':
      return execute(world, node, socket, session);
    case 'SCRIPT':
      node.busy = false;
      return OK;
    case 'SET':
      if (node.role === 'slave') return error("READONLY You can't write against a read only replica.");
      node.offset += 1;
      return OK;
    default:
      return OK;
  }
}

/** Hand a message on to all subscribers. */
export function publish({ net }: NodeWorld, node: DataNode, message: string): NodeReply {
  node.hellos.push(message);
  if (node.hellos.length > HELLOS_KEPT) node.hellos.shift();
  let count = 0n;
  if (node.mute) return { kind: 'integer', value: count };
  for (const [socket, { subscribed }] of node.sessions) {
    if (!subscribed || socket.status !== 'open') continue;
    count += 1n;
    send(net, socket, { kind: 'message', text: message });
  }
  return { kind: 'integer', value: count };
}

function execute(world: NodeWorld, node: DataNode, socket: Socket, session: NodeSession): NodeReply {
  const orders = session.transaction;
  session.transaction = undefined;
  if (orders === undefined) return error('ERR EXEC without MULTI');
  if (session.spoilt) return error('EXECABORT Transaction discarded because of previous errors.');
  const items = orders.map(([command = '', first = '', second = '', third = '']) => {
    if (command === 'CLIENT' && first === 'KILL' && second === 'TYPE') killClients(world, node, third, socket);
    if (node.stubborn) return OK;
    if (command === 'SLAVEOF') follow(world, node, first, second, socket.other?.owner);
    if (command !== 'CONFIG') return OK;
    if (node.cannotSave) return error('ERR Rewriting config file: Permission denied');
    node.saved = { role: node.role, follows: node.follows };
    return OK;
  });
  return { kind: 'array', items };
}

/** As others are to call it. */
export function hostOf({ announcedAs, ip }: DataNode): string {
  return announcedAs ?? ip;
}

/** SLAVEOF, by a sentinel or by an operator's own hand (`by` is undefined then). */
export function follow(world: NodeWorld, node: DataNode, host: string, port: string, by: Party | undefined): void {
  if (host.toUpperCase() === 'NO') {
    if (node.role === 'slave') Object.assign(node, { formerHistory: node.history, history: newHistory(world) });
    node.role = 'master';
    node.follows = undefined;
  } else if (node.role !== 'slave' || node.follows?.host !== host || node.follows.port !== Number(port)) {
    node.role = 'slave';
    node.follows = { host, port: Number(port) };
    node.link = 'down';
    node.linkDownAt = world.net.time.now;
  }
  if (by !== undefined) world.obeyed(node, by);
}

/** As Redis does: everybody but the one who asked. */
function killClients({ net }: NodeWorld, node: DataNode, type: string, by: Socket): void {
  for (const [socket, { subscribed }] of node.sessions) {
    if (socket === by || subscribed !== (type === 'pubsub')) continue;
    node.sessions.delete(socket);
    close(net, socket);
  }
}

/** The lines of INFO that sentinels read. */
function infoOf(world: NodeWorld, node: DataNode): string {
  const { now, parties } = { now: world.net.time.now, parties: world.net.parties };
  let info = `# Server\r\nrun_id:${node.runId}\r\n# Replication\r\nrole:${node.role}\r\n`;
  if (node.role === 'slave') {
    info += `master_host:${node.follows?.host}\r\nmaster_port:${node.follows?.port}\r\n`;
    info += `master_link_status:${node.link === 'up' ? 'up' : 'down'}\r\n`;
    if (node.link !== 'up') {
      const since = node.linkDownAt === undefined ? -1 : Math.trunc((now - node.linkDownAt) / 1000);
      info += `master_link_down_since_seconds:${since}\r\n`;
    }
    info += `slave_repl_offset:${node.offset}\r\nslave_priority:${node.priority}\r\nreplica_announced:1\r\n`;
  }
  let count = 0;
  for (const other of parties.values()) {
    if (!isNode(other) || other.link === 'down' || other.role !== 'slave' || sourceOf(world, other) !== node) continue;
    info += `slave${count}:ip=${hostOf(other)},port=${other.port},state=online,offset=${other.offset},lag=0\r\n`;
    count += 1;
  }
  return `${info}connected_slaves:${count}\r\n`;
}
