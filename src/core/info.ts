// INFO of data nodes: when it is asked for, what is read from it, and what a change of role leads to.
import type { NodeReply } from './effects.ts';
import { confirmPromotion, noteReplicaProgress, retryPromotion } from './failover.ts';
import { isLookedUp, meetReplica } from './follow.ts';
import { commandConnection, orderRole, outstanding, request, unhurriedConnection } from './links.ts';
import { isAwaited, locate, refuseName } from './names.ts';
import {
  currentAddress,
  doubtUntil,
  isKnown,
  leadsElsewhereSince,
  majorityOf,
  masterOf,
  peersOf,
  refTo,
  sameAddress,
} from './query.ts';
import type { Master, Ms, Replica, Role, SentinelState } from './state.ts';
import { announce, persistSoon, type Turn, touch, touchGroup } from './turn.ts';

/** Replicas are asked this often while something is going on with them or their master (spec/behavior.md §2.2). */
const FAST_INFO_MS: Ms = 1000;
/** Promotion and resynchronisation are followed this closely at first (spec/behavior.md §13.2) … */
const FAILOVER_INFO_MS: Ms = 40;
/** … and for so long after the order; a full resynchronisation takes seconds, and nobody waits for its end. */
const FAILOVER_INFO_WINDOW_MS: Ms = 3000;
/** A repair that came due while a save was made up for is considered again so much later. */
const HELD_BACK_PAUSE_MS: Ms = 50;

/** What one INFO text says. Absent lines are `undefined`. */
export interface NodeInfo {
  readonly runId: string | undefined;
  readonly role: Role | undefined;
  readonly replicas: readonly { readonly host: string; readonly port: number }[];
  readonly masterHost: string | undefined;
  readonly masterPort: number | undefined;
  readonly linkStatus: 'up' | 'down' | undefined;
  /** In milliseconds; 0 when the line is absent. */
  readonly linkDownMs: Ms;
  readonly priority: number | undefined;
  readonly offset: bigint | undefined;
  readonly announced: boolean | undefined;
}

/**
 * Read an INFO text. Lines that depend on the role count only behind the `role:` line (spec/behavior.md §3.1).
 * Malformed replica lines are passed over.
 */
export function parseInfo(text: string): NodeInfo {
  const replicas: { host: string; port: number }[] = [];
  const lines = new Map<string, string>();
  let role: string | undefined;
  for (const line of text.split('\r\n')) {
    const colon = line.indexOf(':');
    if (colon < 0) continue;
    const key = line.slice(0, colon);
    const value = line.slice(colon + 1);
    if (key === 'role') role = value;
    else if (/^slave\d/.test(key)) {
      const replica = parseReplicaLine(value);
      if (replica !== undefined) replicas.push(replica);
    } else if (key === 'run_id' || key === 'master_link_down_since_seconds' || role === 'slave') lines.set(key, value);
  }
  const runId = lines.get('run_id')?.slice(0, 40);
  const port = toInteger(lines.get('master_port'));
  const linkStatus = lines.get('master_link_status');
  const offset = lines.get('slave_repl_offset');
  const announced = lines.get('replica_announced');
  return {
    runId: runId?.length === 40 ? runId : undefined,
    role: role === 'master' || role === 'slave' ? role : undefined,
    replicas,
    masterHost: lines.get('master_host'),
    masterPort: port,
    linkStatus: linkStatus === undefined ? undefined : linkStatus.toLowerCase() === 'up' ? 'up' : 'down',
    linkDownMs: (toInteger(lines.get('master_link_down_since_seconds')) ?? 0) * 1000,
    priority: toInteger(lines.get('slave_priority')),
    offset: offset !== undefined && /^\d{1,20}$/.test(offset) ? BigInt(offset) : undefined,
    announced: announced === undefined ? undefined : announced !== '0',
  };
}

/** New form `ip=a,port=1,…`, old form `a,1,state`. */
function parseReplicaLine(value: string): { host: string; port: number } | undefined {
  const parts = value.split(',');
  const named = (name: string) => parts.find((part) => part.startsWith(`${name}=`))?.slice(name.length + 1);
  const host = named('ip') ?? (value.includes('=') ? undefined : parts[0]);
  const port = toInteger(named('port') ?? (value.includes('=') ? undefined : parts[1]));
  if (host === undefined || host === '' || port === undefined || port < 1 || port > 65535) return undefined;
  return { host, port };
}

function toInteger(text: string | undefined): number | undefined {
  return text !== undefined && /^-?\d{1,15}$/.test(text) ? Number(text) : undefined;
}

/** Ask for INFO if it is due. Returns when to look again. */
export function askInfo(turn: Turn, node: Master | Replica): Ms {
  const { state, now } = turn;
  const connection = unhurriedConnection(state, node);
  if (connection === undefined) return Number.POSITIVE_INFINITY;
  const due = infoDueAt(state, node, now);
  if (now < due) return due;
  const asked = outstanding(connection, 'info', node);
  // A question that is under way answers, too, unless it left before the instant that wants fresh news.
  if (asked !== undefined && asked.sentAt >= (node.infoWantedAt ?? 0)) return Number.POSITIVE_INFINITY;
  request(turn, node, connection, ['INFO'], { kind: 'info', instance: node.id, sentAt: now });
  return Number.POSITIVE_INFINITY;
}

function infoDueAt(state: SentinelState, node: Master | Replica, now: Ms): Ms {
  if (node.infoAt === undefined) return now;
  // What was asked for before may have been said before, whenever it came.
  if (node.infoWantedAt !== undefined && (node.infoAskedAt ?? node.infoAt) < node.infoWantedAt) return now;
  return node.infoAt + infoPeriod(state, node, now) + 1;
}

function infoPeriod(state: SentinelState, node: Master | Replica, now: Ms): Ms {
  const { infoPeriodMs } = state.tunables;
  if (node.kind === 'master') return infoPeriodMs;
  const master = masterOf(state, node);
  const { failover } = master;
  const ordered =
    node.reconf !== undefined && node.reconf.phase !== 'done'
      ? node.reconf.sentAt
      : failover?.phase === 'wait-promotion' && failover.promoted === node.id
        ? failover.phaseAt
        : undefined;
  if (ordered !== undefined && now - ordered <= FAILOVER_INFO_WINDOW_MS)
    return Math.min(FAILOVER_INFO_MS, infoPeriodMs);
  // Differs: a replica in the wrong role is watched closely as well, so that its repair is not 10 s late.
  const unsettled = failover !== undefined || master.odownAt !== undefined || node.linkDownMs !== 0;
  return unsettled || node.role !== 'slave' ? Math.min(FAST_INFO_MS, infoPeriodMs) : infoPeriodMs;
}

/** An INFO reply came: take its facts over, then act on the role. */
export function onInfo(turn: Turn, node: Master | Replica, askedAt: Ms, reply: NodeReply): void {
  if (reply.kind !== 'text') return;
  const info = parseInfo(reply.text);
  node.infoAt = turn.now;
  node.infoAskedAt = askedAt;
  node.infoText = reply.text;
  noteProcess(turn, node, info);
  if (node.kind === 'master') discoverReplicas(turn, node, info);
  else noteReplication(turn, node, info);
  noteRole(turn, node, info.role);
  // Whether the master looks sane decides about all its replicas.
  if (node.kind === 'master') touchGroup(turn, node);
  else touch(turn, node);
  if (turn.state.tiltAt !== undefined || node.kind === 'master') return;
  const master = masterOf(turn.state, node);
  noteReplicaProgress(turn, master, node);
  if (node.role === 'master') confirmPromotion(turn, master, node);
  else retryPromotion(turn, master, node);
  touch(turn, master);
}

function noteProcess(turn: Turn, node: Master | Replica, { runId, role }: NodeInfo): void {
  const { seen, address } = node;
  if (runId === undefined) return;
  if (seen !== undefined && seen.runId !== runId) {
    node.strangeSince = turn.now;
    node.surprises = seen.ip === address.ip;
  }
  const same = seen?.runId === runId ? seen : undefined;
  const promotedAt = role !== 'master' ? undefined : same?.role === 'slave' ? turn.now : same?.promotedAt;
  if (same === undefined || same.role !== role || same.ip !== address.ip)
    node.seen = { runId, ip: address.ip, since: same?.since ?? turn.now, role, promotedAt };
  if (runId === node.runId) return;
  if (node.runId !== '') {
    announce(turn, { name: '+reboot', about: refTo(turn.state, node) });
    if (node.kind === 'master' && node.options.rebootDownAfterMs > 0) node.rebootAt = turn.now;
  }
  node.runId = runId;
}

/** Read the replicas of the last INFO again: a name among them can be compared now, or cannot be resolved. */
export function discoverAgain(turn: Turn, master: Master): void {
  if (master.infoText !== undefined) discoverReplicas(turn, master, parseInfo(master.infoText));
}

function discoverReplicas(turn: Turn, master: Master, info: NodeInfo): void {
  for (const { host, port } of info.replicas) {
    const address = locate(turn, host, port);
    // A name cannot be compared before it is resolved, and a master is not its own replica.
    if (address.ip === undefined && !turn.state.settings.resolveHostnames) {
      refuseName(turn, host);
      continue;
    }
    if (sameAddress(address, master.address)) continue;
    if (address.ip === undefined && !isKnown(turn.state, master, address) && isAwaited(turn.state, host)) {
      turn.state.names.get(host.toLowerCase())?.masters.add(master.id);
      continue;
    }
    const { replica, isNew } = meetReplica(turn, master, address);
    if (!isNew) continue;
    announce(turn, { name: '+slave', about: refTo(turn.state, replica) });
    persistSoon(turn);
  }
}

function noteReplication(turn: Turn, replica: Replica, info: NodeInfo): void {
  replica.linkDownMs = info.linkDownMs;
  if (info.role !== 'slave') return;
  const { reportedMaster } = replica;
  if (info.masterHost !== undefined && info.masterPort !== undefined) {
    const moved =
      reportedMaster?.host.toLowerCase() !== info.masterHost.toLowerCase() || reportedMaster.port !== info.masterPort;
    if (moved) {
      replica.reportedMaster = { host: info.masterHost, port: info.masterPort };
      replica.confChangeAt = turn.now;
    }
  }
  replica.linkStatus = info.linkStatus ?? replica.linkStatus;
  replica.priority = info.priority ?? replica.priority;
  replica.offset = info.offset ?? replica.offset;
  replica.announced = info.announced ?? replica.announced;
}

function noteRole(turn: Turn, node: Master | Replica, role: Role | undefined): void {
  if (role === node.role) return;
  node.role = role;
  node.roleSince = turn.now;
  if (node.kind === 'replica' && role === 'slave') node.confChangeAt = turn.now;
  const expected = role === (node.kind === 'master' ? 'master' : 'slave');
  announce(turn, {
    name: expected ? '+role-change' : '-role-change',
    about: refTo(turn.state, node),
    // redis-sentinel 7.0.15 shows an unknown role as slave.
    role: role ?? 'slave',
  });
}

/**
 * A replica that says it is a master, or follows somebody else, is told to follow our master once both have been
 * settled for long enough that nobody else's newer configuration explains it (spec/behavior.md §3.2).
 * Returns when to look again.
 */
export function repairRole(turn: Turn, replica: Replica): Ms {
  const { state, now } = turn;
  const master = masterOf(state, replica);
  if (!isSane(state, master, now) || replica.sdownAt !== undefined || replica.infoAt === undefined)
    return Number.POSITIVE_INFINITY;
  const wrong = wrongRole(turn, master, replica);
  if (wrong === undefined) return Number.POSITIVE_INFINITY;
  const shownAt = Math.max(wrong.since, replica.upSince ?? 0, replica.sdownAt ?? 0);
  const settled = shownAt + patience(state, master, wrong, shownAt);
  const ordered = (replica.orderedAt ?? Number.NEGATIVE_INFINITY) + state.tunables.infoPeriodMs;
  const due = Math.max(settled, ordered, doubtUntil(state, master, replica)) + 1;
  if (now < due) return due;
  // What is decided while a save is made up for may be out of date by its end.
  if (state.heldBackSince !== undefined) return now + HELD_BACK_PAUSE_MS;
  const lookedUp = [master, replica].map((node) => isLookedUp(turn, node, replica));
  if (lookedUp.includes(false)) return Number.POSITIVE_INFINITY;
  // Whose name leads elsewhere will be met there, and somebody else is here.
  const isElsewhere = ({ address }: Master | Replica) => leadsElsewhereSince(state, address) !== undefined;
  if (isElsewhere(master) || isElsewhere(replica)) return now + FAST_INFO_MS;
  if (!saidSoHere(turn, replica) || !saidSoLately(turn, master)) return Number.POSITIVE_INFINITY;
  const target = currentAddress(state, master);
  if (!orderRole(turn, replica, target)) return Number.POSITIVE_INFINITY;
  replica.orderedAt = now;
  replica.infoWantedAt = now;
  announce(turn, { name: wrong.event, about: refTo(state, replica) });
  return now + state.tunables.infoPeriodMs;
}

/**
 * How long a replica may be in its wrong role, since it showed itself so.
 * Differs: the genuine server waits eight seconds for a newer configuration, which would make a master of this node; its
 * clients write to it all the while, and lose what they wrote. Whoever made it one tells so within a publish period: when
 * after that every peer that is not down has said hello, and a majority has, there is no newer configuration.
 */
function patience(state: SentinelState, master: Master, { event, patienceMs }: WrongRole, shownAt: Ms): Ms {
  const { publishPeriodMs } = state.tunables;
  if (event !== '+convert-to-slave') return patienceMs;
  const peers = peersOf(state, master);
  const heard = peers.filter(({ lastHelloAt }) => lastHelloAt > shownAt + publishPeriodMs);
  const isHeard = peers.every((peer) => peer.sdownAt !== undefined || heard.includes(peer));
  return isHeard && heard.length + 1 >= majorityOf(peers.length + 1) ? publishPeriodMs : patienceMs;
}

/**
 * Did our master say lately that it is one? If not it is asked, and its answer judges its replicas again.
 * Differs: the genuine server goes by an INFO up to 20 s old. A master that was made a replica by hand meanwhile would
 * have the only real one demoted, and a group without a master may have no replica left that can be promoted.
 */
function saidSoLately(turn: Turn, master: Master): boolean {
  if (master.infoAt !== undefined && turn.now - master.infoAt <= FAST_INFO_MS) return true;
  master.infoWantedAt = turn.now;
  touch(turn, master);
  return false;
}

/**
 * Did the node say what it is over the connection that we have now? If not it is asked, and its answer judges it again.
 * Differs: the genuine server goes by what came over any connection, and the node may be another one by now, or have
 * another role since it started anew.
 */
function saidSoHere(turn: Turn, replica: Replica): boolean {
  const connection = commandConnection(turn.state, replica);
  if (connection === undefined) return false;
  const { infoAt = 0, infoWantedAt = 0 } = replica;
  if (infoAt > connection.since) return true;
  if (infoWantedAt <= connection.since) {
    replica.infoWantedAt = connection.since + 1;
    touch(turn, replica);
  }
  return false;
}

interface WrongRole {
  readonly event: '+convert-to-slave' | '+fix-slave-config';
  readonly since: Ms;
  readonly patienceMs: Ms;
}

function wrongRole(turn: Turn, master: Master, replica: Replica): WrongRole | undefined {
  const { state } = turn;
  // The master itself, known by a second name: it is in its right place.
  if (replica.runId !== '' && replica.runId === master.runId) return undefined;
  if (replica.role === 'master')
    return {
      event: '+convert-to-slave',
      since: replica.roleSince,
      patienceMs: 4 * state.tunables.publishPeriodMs,
    };
  const { reportedMaster } = replica;
  if (replica.role !== 'slave' || reportedMaster === undefined) return undefined;
  const reported = locate(turn, reportedMaster.host, reportedMaster.port);
  if (sameAddress(reported, master.address)) return undefined;
  // Differs: to the genuine server a name that cannot be resolved is another master. It proves nothing.
  if (reported.ip === undefined && state.settings.resolveHostnames) return undefined;
  return {
    event: '+fix-slave-config',
    since: replica.confChangeAt,
    patienceMs: master.options.failoverTimeoutMs,
  };
}

/** Only a master that reports its role, lately and without any doubt, is one to send replicas to. */
function isSane(state: SentinelState, master: Master, now: Ms): boolean {
  return (
    master.role === 'master' &&
    master.failover === undefined &&
    master.sdownAt === undefined &&
    master.odownAt === undefined &&
    master.infoAt !== undefined &&
    now - master.infoAt < 2 * state.tunables.infoPeriodMs
  );
}

/** Ask for fresh INFO of all replicas: somebody is about to choose among them. */
export function wantFreshInfo(turn: Turn, master: Master, nodes: Iterable<Replica>): void {
  for (const node of nodes) {
    node.infoWantedAt = turn.now;
    if (commandConnection(turn.state, node) !== undefined) touch(turn, node);
  }
  touch(turn, master);
}
