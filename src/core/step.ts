// The core's front door: one input goes in, the effects it leads to come out.
// Same state, input, clock and draws: same effects.
import { onAnswer } from './ask.ts';
import { type Deadline, keepDeadlines, popDue, pushDeadline } from './deadlines.ts';
import type { Clock, Effect, Input, NodeReply } from './effects.ts';
import { onHello, onHelloReply } from './hello.ts';
import { discoverAgain, onInfo } from './info.ts';
import { settle } from './judge.ts';
import { onClosed, onConnected, onLogin, onSubscribed } from './links.ts';
import { onResolved, onResolveFailed, type Settled, sweepNames } from './names.ts';
import { onPong, restartHeldBack } from './ping.ts';
import { acceptedPassword, reportBrokenTls, reportRefusal } from './refusals.ts';
import { settleUnsaved } from './script-queue.ts';
import { onScriptExited, onScriptRefused, onScriptStarted } from './scripts.ts';
import type { Connection, ConnectionId, Link, Ms, Pending, Rand, SentinelState } from './state.ts';
import { enterTilt, leaveTiltWhenOver, stoodStill } from './tilt.ts';
import { announce, beginTurn, log, type Turn, touch } from './turn.ts';
import { voteEvent } from './vote.ts';

/** The process looks at its clocks at least this often, whether anything happens or not. */
export const HEARTBEAT_MS: Ms = 500;
/** A save that failed is tried again this often, also when nothing new has to be saved. */
const SAVE_RETRY_MS: Ms = 1000;
/** While saving fails, the log says so this often. */
const SAVE_WARNING_MS: Ms = 10_000;

/** Change `state` by what happened; returns what is to be done about it, in order. */
export function step(state: SentinelState, input: Input, clock: Clock, rand: Rand): Effect[] {
  const turn = beginTurn(state, clock.now, clock.wallMs, rand);
  if (stoodStill(state, clock)) enterTilt(turn);
  state.lastInputAt = clock.now;
  state.lastWallMs = clock.wallMs;
  apply(turn, input);
  const effects = settle(turn);
  dropOvertaken(state);
  return effects;
}

/**
 * Nobody needs to be woken for what an earlier deadline of the same instance has overtaken. Those that are far away go
 * when most of the heap is of that kind: a down-after of days must not let it grow for days.
 */
function dropOvertaken({ deadlines, instances }: SentinelState): void {
  const holds = ({ target, at }: Deadline) => target === 0 || instances.get(target)?.wakeAt === at;
  if (deadlines.length > 4 * instances.size + 20) keepDeadlines(deadlines, holds);
  for (let first = deadlines[0]; first !== undefined && !holds(first); first = deadlines[0])
    popDue(deadlines, first.at);
}

/** The instant at which the core must be given a `tick`, unless another input comes first. */
export function nextDeadline(state: SentinelState): Ms {
  return state.deadlines[0]?.at ?? state.lastInputAt + HEARTBEAT_MS;
}

function apply(turn: Turn, input: Input): void {
  const { state } = turn;
  switch (input.kind) {
    case 'tick':
      return onTick(turn);
    case 'connected':
      return withConnection(turn, input.connection, (link, connection) =>
        onConnected(turn, link, connection, input.localIp),
      );
    case 'closed':
      return withConnection(turn, input.connection, (link, connection) => {
        reportBrokenTls(turn, link, input.reason);
        onClosed(turn, link, connection, input.reason);
      });
    case 'reply':
      return withConnection(turn, input.connection, (link, connection) => onReply(turn, link, connection, input.reply));
    case 'message':
      return withConnection(turn, input.connection, (link) => {
        link.heardAt = turn.now;
        onHello(turn, input.text);
      });
    case 'hello':
      return onHello(turn, input.text);
    case 'resolved':
      return onNames(turn, onResolved(turn, input.name, input.ips));
    case 'resolve-failed':
      return onNames(turn, onResolveFailed(turn, input.name, input.reason));
    case 'script-started':
      return onScriptStarted(turn, input.job, input.pid);
    case 'script-exited':
      return onScriptExited(turn, input.job, input.end);
    case 'script-refused':
      return onScriptRefused(turn, input.job, input.reason);
    case 'saved':
      return onSaved(turn);
    case 'save-failed':
      return onSaveFailed(turn, input.reason);
    case 'held-back':
      state.heldBackSince = input.since;
      return;
    case 'let-go':
      return restartHeldBack(turn);
    default:
      return unreachable(input);
  }
}

/** An input nobody handles does not compile. */
function unreachable(input: never): never {
  throw new Error(`unknown input ${JSON.stringify(input)}`);
}

/** Names are settled: what mentioned them can be acted on. */
function onNames(turn: Turn, { hellos, masters }: Settled): void {
  for (const id of masters) {
    const master = turn.state.instances.get(id);
    if (master?.kind === 'master') discoverAgain(turn, master);
  }
  for (const text of hellos) onHello(turn, text);
}

/** A connection that was torn down meanwhile has nothing to say any more. */
function withConnection(turn: Turn, id: ConnectionId, act: (link: Link, connection: Connection) => void): void {
  const link = turn.state.links.get(turn.state.connections.get(id) ?? -1);
  const connection = link?.command?.id === id ? link.command : link?.subscription;
  if (link !== undefined && connection?.id === id) act(link, connection);
}

function onTick(turn: Turn): void {
  const { state, now } = turn;
  leaveTiltWhenOver(turn);
  for (let due = popDue(state.deadlines, now); due !== undefined; due = popDue(state.deadlines, now)) {
    if (due.target === 0) onProcessDeadline(turn);
    else wakeInstance(turn, due.target, due.at);
  }
  if (state.deadlines.length === 0) pushDeadline(state.deadlines, { at: now + HEARTBEAT_MS, target: 0 });
}

/** An entry that is not the instance's present deadline was overtaken by an earlier one. */
function wakeInstance(turn: Turn, id: number, at: Ms): void {
  const instance = turn.state.instances.get(id);
  if (instance === undefined || instance.wakeAt !== at) return;
  instance.wakeAt = Number.POSITIVE_INFINITY;
  touch(turn, instance);
}

function onProcessDeadline(turn: Turn): void {
  const { state, now } = turn;
  if (state.heartbeatAt <= now) {
    state.heartbeatAt = now + HEARTBEAT_MS;
    pushDeadline(state.deadlines, { at: state.heartbeatAt, target: 0 });
    onNames(turn, sweepNames(turn));
  }
  if (state.saveAt !== undefined && state.saveAt <= now) {
    state.saveAt = undefined;
    turn.effects.push({ kind: 'persist' });
  }
}

function onReply(turn: Turn, link: Link, connection: Connection, reply: NodeReply): void {
  const pending = connection.pending.shift();
  if (pending === undefined) return;
  if (reply.kind === 'error') reportRefusal(turn, link, reply.text);
  else if (pending.kind === 'auth') acceptedPassword(link);
  if (pending.kind === 'auth') return onLogin(turn, link, connection, reply);
  if (pending.kind === 'ping') return onPong(turn, link, connection, reply);
  if (pending.kind === 'subscribe') return onSubscribed(turn, link, connection, reply);
  if (pending.kind !== 'ignored') onInstanceReply(turn, link, pending, reply);
}

function onInstanceReply(
  turn: Turn,
  link: Link,
  pending: Extract<Pending, { instance: number }>,
  reply: NodeReply,
): void {
  const instance = turn.state.instances.get(pending.instance);
  // Asked before a switch: what the old master says of itself says nothing of the node that took its place.
  if (instance === undefined || instance.linkId !== link.id) return;
  if (pending.kind === 'hello') return onHelloReply(turn, instance, pending.version, reply);
  if (pending.kind === 'ask') return instance.kind === 'peer' ? onAnswer(turn, instance, pending, reply) : undefined;
  return instance.kind === 'peer' ? undefined : onInfo(turn, instance, pending.sentAt, reply);
}

/** What was cast is on disk: it counts, and may be told. */
function onSaved(turn: Turn): void {
  const { state } = turn;
  state.unsaved = false;
  state.saveAt = undefined;
  settleUnsaved(state, true);
  if (state.saveFailure !== undefined) {
    log(turn, 'notice', 'The configuration can be saved again');
    state.saveFailure = undefined;
  }
  for (const id of state.unsavedVotes) {
    const master = state.instances.get(id);
    if (master?.kind !== 'master') continue;
    if (master.voteUnsaved && master.leader !== undefined && state.withheldVotes.has(id))
      announce(turn, voteEvent(state, master, master.leader));
    master.voteUnsaved = false;
    touch(turn, master);
  }
  state.unsavedVotes.clear();
  state.withheldVotes.clear();
}

/** The old file is whole and the state is not in it: try again soon, and say so, but not at every attempt. */
function onSaveFailed(turn: Turn, reason: string): void {
  const { state, now } = turn;
  settleUnsaved(state, false);
  const { saveFailure } = state;
  if (saveFailure === undefined || now - saveFailure.toldAt >= SAVE_WARNING_MS) {
    log(turn, 'warning', `WARNING: Sentinel was not able to save the new configuration on disk!!!: ${reason}`);
    state.saveFailure = { since: saveFailure?.since ?? now, toldAt: now, reason, count: (saveFailure?.count ?? 0) + 1 };
  } else state.saveFailure = { ...saveFailure, reason, count: saveFailure.count + 1 };
  state.saveAt = now + SAVE_RETRY_MS;
  pushDeadline(state.deadlines, { at: state.saveAt, target: 0 });
  for (const id of state.unsavedVotes) {
    state.withheldVotes.add(id);
    touch(turn, { id });
  }
}
