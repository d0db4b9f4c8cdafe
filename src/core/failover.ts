// The failover itself, from the election won to the switch: one function per phase (spec/behavior.md §7).
import { awaitGoodReplica, loseElection } from './election.ts';
import { wantFreshInfo } from './info.ts';
import { commandConnection, orderRole, request } from './links.ts';
import { locate } from './names.ts';
import { isDisconnected, linkOf, placeOf, refTo, replicasOf, sameAddress } from './query.ts';
import { tellReconfiguration } from './script-queue.ts';
import { claim, eligibleReplicas } from './selection.ts';
import type { Failover, InstanceId, Master, Ms, Replica, SentinelState } from './state.ts';
import { switchMaster } from './switch.ts';
import { announce, crashIfSimulated, persist, type Turn, touch, touchGroup } from './turn.ts';

/** Replicas that have not sent fresh INFO so long after the election are not waited for … */
const STRAGGLER_MS: Ms = 100;
/** … unless none has, or one that may be the better choice lives: this is how long those may take. */
const WANTED_INFO_MS: Ms = 1000;
/** Who has not answered a PING for so long may have died with the master. */
const LIVING_MS: Ms = 500;
/** A promotion that an INFO denies is ordered again, but no faster than this. */
const ORDER_AGAIN_MS: Ms = 1000;

type In<P extends Failover['phase']> = Extract<Failover, { phase: P }>;

/** Run the phase a failover is in. Returns when to look again; the caller runs the next phase if it changed. */
export function advance(turn: Turn, master: Master, failover: Exclude<Failover, { phase: 'wait-start' }>): Ms {
  switch (failover.phase) {
    case 'select-replica':
      return isOvertaken(turn, master, failover) ? turn.now : selectReplica(turn, master, failover);
    case 'send-slaveof-noone':
      return isOvertaken(turn, master, failover) ? turn.now : sendPromotion(turn, master, failover);
    case 'wait-promotion':
      return waitPromotion(turn, master, failover);
    case 'reconf-replicas':
      return reconfigure(turn, master, failover);
  }
}

/**
 * We led, had ordered nothing yet, and voted for somebody who asked in a later epoch: that one leads, and the attempt ends.
 * Differs: the genuine server goes on, and each of the two points the other's new master to its own.
 */
function isOvertaken(turn: Turn, master: Master, { failoverEpoch }: Failover): boolean {
  if (master.leaderEpoch <= failoverEpoch || master.leader === turn.state.myId) return false;
  loseElection(turn, master);
  return true;
}

/** End an attempt that nobody has seen a result of: the next one waits as `holdOff` says. */
export function holdFailover(turn: Turn, master: Master): void {
  master.failover = undefined;
  // What they were ordered belongs to this attempt; the next one orders them anew.
  for (const replica of replicasOf(turn.state, master)) replica.reconf = undefined;
  touchGroup(turn, master);
}

function abort(
  turn: Turn,
  master: Master,
  name: '-failover-abort-no-good-slave' | '-failover-abort-slave-timeout',
): Ms {
  announce(turn, { name, about: refTo(turn.state, master) });
  holdFailover(turn, master);
  return turn.now;
}

/** Choose among the replicas, on news from after the loss of the master (spec/behavior.md §14 I13). */
function selectReplica(turn: Turn, master: Master, failover: In<'select-replica'>): Ms {
  const { state, now } = turn;
  // What is decided while a save is made up for is done later, maybe by a process that stood still for seconds.
  if (state.heldBackSince !== undefined) return Number.POSITIVE_INFINITY;
  const freshFrom = master.odownAt ?? failover.startedAt;
  // What was asked for before may have been said before.
  const isFresh = ({ infoAskedAt }: Replica) => infoAskedAt !== undefined && infoAskedAt >= freshFrom;
  const isNew = ({ id }: Replica) => !failover.excluded.includes(id);
  const fresh = eligibleReplicas(state, master, now).filter((replica) => isNew(replica) && isFresh(replica));
  const waitedFor = replicasOf(state, master).filter(
    (replica) => isNew(replica) && !isFresh(replica) && mayYetAnswer(state, replica),
  );
  const [chosen] = fresh;
  const waitUntil = Math.max(...waitedFor.map((replica) => awaitedUntil(turn, master, failover, replica, chosen)));
  if (now < waitUntil) return waitUntil;
  if (chosen === undefined) {
    awaitGoodReplica(turn, master);
    return abort(turn, master, '-failover-abort-no-good-slave');
  }
  const about = refTo(state, chosen);
  announce(turn, { name: '+selected-slave', about });
  announce(turn, { name: '+failover-state-send-slaveof-noone', about });
  const { failoverEpoch, forced, startedAt, excluded } = failover;
  const common = { failoverEpoch, forced, startedAt, excluded };
  master.failover = { phase: 'send-slaveof-noone', ...common, phaseAt: now, promoted: chosen.id };
  return now;
}

/** Until when fresh INFO of a replica is waited for: the best choice must not depend on who answers first. */
function awaitedUntil(
  { state, now }: Turn,
  master: Master,
  { phaseAt }: In<'select-replica'>,
  replica: Replica,
  chosen: Replica | undefined,
): Ms {
  if (chosen === undefined) return phaseAt + WANTED_INFO_MS;
  const [theirs, claimed] = [chosen, replica].map((one) => claim(state, master, one)) as [number, number];
  // What it claims may be out of date as well: it is compared as the replica that it may be.
  const mayBeBetter = replica.priority <= chosen.priority || theirs < Math.max(0, claimed);
  const living = mayBeBetter ? (linkOf(state, replica).silentSince ?? now) + LIVING_MS : 0;
  return Math.max(phaseAt + STRAGGLER_MS, Math.min(living, phaseAt + WANTED_INFO_MS));
}

/** A replica worth waiting for: connected, not sdown, and allowed to be promoted. */
function mayYetAnswer(state: SentinelState, replica: Replica): boolean {
  return replica.sdownAt === undefined && replica.priority !== 0 && !isDisconnected(linkOf(state, replica));
}

function sendPromotion(turn: Turn, master: Master, failover: In<'send-slaveof-noone'>): Ms {
  const { state, now } = turn;
  const promoted = lookUpReplica(state, failover.promoted);
  if (promoted === undefined || promoted.sdownAt !== undefined) return chooseAnother(turn, master, failover);
  if (!order(turn, promoted)) return timeOut(turn, master, failover);
  announce(turn, { name: '+failover-state-wait-promotion', about: refTo(state, promoted) });
  master.failover = { ...failover, phase: 'wait-promotion', phaseAt: now };
  return now;
}

/** SLAVEOF NO ONE, and INFO right behind it: the promotion is proven by what the node says of itself. */
function order(turn: Turn, promoted: Replica): boolean {
  if (!orderRole(turn, promoted, undefined)) return false;
  promoted.orderedAt = turn.now;
  const connection = commandConnection(turn.state, promoted);
  if (connection !== undefined)
    request(turn, promoted, connection, ['INFO'], { kind: 'info', instance: promoted.id, sentAt: turn.now });
  return true;
}

function waitPromotion(turn: Turn, master: Master, failover: In<'wait-promotion'>): Ms {
  const promoted = lookUpReplica(turn.state, failover.promoted);
  if (promoted === undefined || promoted.sdownAt !== undefined) return chooseAnother(turn, master, failover);
  return timeOut(turn, master, failover);
}

/**
 * The chosen replica is gone before it was announced: choose another one in the same attempt.
 * Differs: the genuine server waits for failover-timeout and then aborts (spec/behavior.md §13.1 w7).
 */
function chooseAnother(turn: Turn, master: Master, failover: In<'send-slaveof-noone' | 'wait-promotion'>): Ms {
  const { failoverEpoch, forced, startedAt } = failover;
  const excluded = [...failover.excluded, failover.promoted];
  master.failover = { phase: 'select-replica', failoverEpoch, forced, startedAt, phaseAt: turn.now, excluded };
  announce(turn, { name: '+failover-state-select-slave', about: refTo(turn.state, master) });
  wantFreshInfo(turn, master, replicasOf(turn.state, master));
  return turn.now;
}

function timeOut(turn: Turn, master: Master, failover: Failover): Ms {
  const deadline = failover.phaseAt + master.options.failoverTimeoutMs + 1;
  return turn.now < deadline ? deadline : abort(turn, master, '-failover-abort-slave-timeout');
}

/** The chosen replica reports the role of a master: the new configuration is valid from here on (§7.4). */
export function confirmPromotion(turn: Turn, master: Master, replica: Replica): void {
  const { state, now } = turn;
  const { failover } = master;
  if (failover?.phase !== 'wait-promotion' || failover.promoted !== replica.id) return;
  const { failoverEpoch, forced, startedAt } = failover;
  master.configEpoch = failoverEpoch;
  master.failover = { phase: 'reconf-replicas', failoverEpoch, forced, startedAt, phaseAt: now, promoted: replica.id };
  persist(turn);
  announce(turn, { name: '+promoted-slave', about: refTo(state, replica) });
  crashIfSimulated(turn, 'crash-after-promotion');
  announce(turn, { name: '+failover-state-reconf-slaves', about: refTo(state, master) });
  const move = { from: placeOf(state, master.address), to: placeOf(state, replica.address) };
  tellReconfiguration(state, master, 'leader', move);
  // Everybody hears of it now, and again until each of them has acknowledged it.
  master.configVersion += 1;
  demoteOldMaster(turn, master, replica);
  touchGroup(turn, master);
}

/**
 * The old master may be alive: its clients must not go on writing to it.
 * Differs: the genuine server leaves a healthy one writable until some sentinel converts it 8 to 18 s later
 * (spec/behavior.md §13.1 w13). One that hangs finds the order when it wakes.
 */
function demoteOldMaster(turn: Turn, master: Master, promoted: Replica): void {
  const { state } = turn;
  const to = placeOf(state, promoted.address);
  if (isSameNode(master, promoted) || !orderRole(turn, master, promoted.address)) return;
  const about = refTo(state, master);
  const name = about.host.includes(':') ? `[${about.host}]:${about.port}` : `${about.host}:${about.port}`;
  const converted = { ...about, kind: 'replica', name, master: { name: master.name, ...to } } as const;
  announce(turn, { name: '+convert-to-slave', about: converted });
}

/** An INFO says that the chosen replica is still one: the order was lost or refused; give it again. */
export function retryPromotion(turn: Turn, master: Master, replica: Replica): void {
  const { failover } = master;
  if (failover?.phase !== 'wait-promotion' || failover.promoted !== replica.id) return;
  // The attempt is about to be given up: a node that took the role now would be a master that nobody wants.
  if (turn.now > failover.phaseAt + master.options.failoverTimeoutMs) return;
  if (turn.now - (replica.orderedAt ?? failover.phaseAt) >= ORDER_AGAIN_MS) order(turn, replica);
}

/** Point the other replicas to the promoted one, `parallel-syncs` at a time, until all that can follow do (§7.6). */
function reconfigure(turn: Turn, master: Master, failover: In<'reconf-replicas'>): Ms {
  const { state, now } = turn;
  const promoted = lookUpReplica(state, failover.promoted);
  if (promoted === undefined) return abort(turn, master, '-failover-abort-slave-timeout');
  // Differs: the genuine server tells a node that is known by two addresses to follow itself.
  const others = replicasOf(state, master).filter((replica) => !isSameNode(replica, promoted));
  let next = giveUpSilentOnes(turn, others);
  makeRoomForOthers(state, others);
  let slots = master.options.parallelSyncs - others.filter(isBeingReconfigured).length;
  for (const replica of others) {
    if (slots <= 0) break;
    if (replica.reconf === undefined && sendFollow(turn, replica, promoted, '+slave-reconf-sent')) slots -= 1;
  }
  const deadline = failover.phaseAt + master.options.failoverTimeoutMs + 1;
  next = Math.min(next, deadline);
  const remaining = others.filter(({ reconf, sdownAt }) => reconf?.phase !== 'done' && sdownAt === undefined);
  // Differs: the genuine server stops here while the promoted replica is sdown (a lone one for ever), or a replica
  // again; the new configuration is announced, so the switch is made and the new master judged like any other.
  const overdue = now >= deadline;
  const isMaster = promoted.sdownAt === undefined && promoted.role === 'master';
  if (remaining.length > 0 && !overdue && isMaster) return next;
  if (overdue) endForTimeout(turn, master, remaining, promoted);
  announce(turn, { name: '+failover-end', about: refTo(state, master) });
  switchMaster(turn, master, promoted.address);
  return now;
}

/** One process, known by two addresses or by one. */
const isSameNode = (a: Master | Replica, b: Replica) => a.id === b.id || (a.runId !== '' && a.runId === b.runId);
const isBeingReconfigured = ({ reconf }: Replica) => reconf?.phase === 'sent' || reconf?.phase === 'in-progress';

/** The order went out, but the replica never said that it follows: do not let it hold a place for ever. */
function giveUpSilentOnes(turn: Turn, replicas: readonly Replica[]): Ms {
  let next = Number.POSITIVE_INFINITY;
  for (const replica of replicas) {
    if (replica.reconf?.phase !== 'sent') continue;
    const due = replica.reconf.sentAt + turn.state.tunables.replicaReconfTimeoutMs + 1;
    if (turn.now < due) next = Math.min(next, due);
    else {
      announce(turn, { name: '-slave-reconf-sent-timeout', about: refTo(turn.state, replica) });
      replica.reconf = { phase: 'done', sentAt: replica.reconf.sentAt };
    }
  }
  return next;
}

/**
 * One that died while it resynchronised holds no place, and is ordered again when it is back; one that is only busy, with
 * dropping its old data for instance, keeps its connection and its place.
 * Differs: for the genuine server it holds its place until failover-timeout, and the others follow a dead master so long.
 */
function makeRoomForOthers(state: SentinelState, replicas: readonly Replica[]): void {
  const isGone = (replica: Replica) => replica.sdownAt !== undefined && commandConnection(state, replica) === undefined;
  for (const replica of replicas)
    if (replica.reconf?.phase === 'in-progress' && isGone(replica)) replica.reconf = undefined;
}

function sendFollow(
  turn: Turn,
  replica: Replica,
  promoted: Replica,
  name: '+slave-reconf-sent' | '+slave-reconf-sent-be',
): boolean {
  if (replica.sdownAt !== undefined || !orderRole(turn, replica, promoted.address)) return false;
  replica.reconf = { phase: 'sent', sentAt: turn.now };
  replica.orderedAt = turn.now;
  replica.infoWantedAt = turn.now;
  announce(turn, { name, about: refTo(turn.state, replica) });
  touch(turn, replica);
  return true;
}

/** Time is up: the rest is told to follow as well, whatever parallel-syncs says, and the failover ends. */
function endForTimeout(turn: Turn, master: Master, remaining: readonly Replica[], promoted: Replica): void {
  announce(turn, { name: '+failover-end-for-timeout', about: refTo(turn.state, master) });
  for (const replica of remaining)
    if (replica.reconf === undefined) sendFollow(turn, replica, promoted, '+slave-reconf-sent-be');
}

/** An INFO of a replica that was told to follow: does it, and is it in step? */
export function noteReplicaProgress(turn: Turn, master: Master, replica: Replica): void {
  const { reconf, reportedMaster } = replica;
  if (reconf === undefined || reconf.phase === 'done' || master.failover?.phase !== 'reconf-replicas') return;
  const promoted = lookUpReplica(turn.state, master.failover.promoted);
  if (promoted === undefined || reportedMaster === undefined || replica.role !== 'slave') return;
  if (!sameAddress(locate(turn, reportedMaster.host, reportedMaster.port), promoted.address)) return;
  const about = refTo(turn.state, replica);
  if (reconf.phase === 'sent') {
    reconf.phase = 'in-progress';
    announce(turn, { name: '+slave-reconf-inprog', about });
  }
  if (replica.linkStatus === 'up') {
    reconf.phase = 'done';
    announce(turn, { name: '+slave-reconf-done', about });
  }
}

function lookUpReplica(state: SentinelState, id: InstanceId): Replica | undefined {
  const instance = state.instances.get(id);
  return instance?.kind === 'replica' ? instance : undefined;
}
