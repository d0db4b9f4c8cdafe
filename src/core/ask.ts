// Asking peers whether they see a master down, and for their votes: one question serves both.
import type { NodeReply } from './effects.ts';
import { commandConnection, outstanding, request } from './links.ts';
import { masterOf, peersOf, shownHost } from './query.ts';
import type { Epoch, Master, Ms, Peer, SentinelState } from './state.ts';
import { log, type Turn, touch } from './turn.ts';

/** Pause between two questions to one peer while the answer can still change what we do (design.md §6). */
const FAST_ASK_MS: Ms = 30;

/**
 * Ask every peer whose answer is wanted now. Returns when to look again.
 * Differs: the genuine server asks once a second, and a silent peer at every tick; here one question is under way at a
 * time, and until odown or the vote it is repeated as soon as it was answered.
 */
export function askPeers(turn: Turn, master: Master): Ms {
  let next = Number.POSITIVE_INFINITY;
  if (!wantsAnswers(master)) return next;
  for (const peer of peersOf(turn.state, master)) next = Math.min(next, askPeer(turn, master, peer));
  return next;
}

function wantsAnswers(master: Master): boolean {
  return master.sdownAt !== undefined || isStanding(master);
}

function isStanding(master: Master): boolean {
  return master.failover?.phase === 'wait-start';
}

function askPeer(turn: Turn, master: Master, peer: Peer): Ms {
  const { state, now } = turn;
  const connection = commandConnection(state, peer);
  if (connection === undefined) return Number.POSITIVE_INFINITY;
  const due = (peer.askedAt ?? Number.NEGATIVE_INFINITY) + askPause(state, master, peer, now);
  if (now < due) return due;
  const underWay = outstanding(connection, 'ask', peer);
  // One question at a time, but a vote is asked for even behind a question that did not yet.
  if (underWay !== undefined && underWay.sentAt >= (master.failover?.startedAt ?? 0)) return Number.POSITIVE_INFINITY;
  peer.askedAt = now;
  const { host, port } = { host: shownHost(state, master.address), port: master.address.port };
  const { failover } = master;
  const standing = failover?.phase === 'wait-start';
  // A candidate asks with the epoch of its own attempt, never a later one (spec/behavior.md §13.4 item 8).
  const epoch = standing ? failover.failoverEpoch : state.currentEpoch;
  const candidate = standing ? state.myId : '*';
  const args = ['is-master-down-by-addr', host, String(port), String(epoch), candidate];
  const failoverEpoch = standing ? failover.failoverEpoch : undefined;
  request(turn, peer, connection, ['SENTINEL', ...args], {
    kind: 'ask',
    instance: peer.id,
    sentAt: now,
    failoverEpoch,
  });
  return Number.POSITIVE_INFINITY;
}

function askPause(state: SentinelState, master: Master, peer: Peer, now: Ms): Ms {
  const { failover } = master;
  if (failover?.phase === 'wait-start') {
    if (peer.askedAt === undefined || peer.askedAt < failover.startedAt) return 0;
    if (peer.answeredEpoch !== failover.failoverEpoch) return FAST_ASK_MS;
  } else if (master.odownAt === undefined && now < master.askFastUntil && peer.answer?.down !== true)
    return FAST_ASK_MS;
  return state.tunables.askPeriodMs;
}

/** A peer asks us about a master that is sdown here: it sees the same, so now is the time to ask everybody. */
export function hurryQuestions(turn: Turn, master: Master): void {
  if (master.sdownAt === undefined || master.odownAt !== undefined) return;
  for (const peer of peersOf(turn.state, master)) if (peer.answer?.down !== true) peer.askedAt = undefined;
  touch(turn, master);
}

/** An answer came: `[down, leader or *, epoch of that vote]`. Other shapes are ignored. */
export function onAnswer(turn: Turn, peer: Peer, failoverEpoch: Epoch | undefined, reply: NodeReply): void {
  if (reply.kind !== 'array') return;
  const [down, leader, epoch] = reply.items;
  if (down?.kind !== 'integer' || leader?.kind !== 'text' || epoch?.kind !== 'integer') return;
  peer.answer = { at: turn.now, down: down.value === 1n };
  if (failoverEpoch !== undefined) peer.answeredEpoch = failoverEpoch;
  if (leader.text !== '*') {
    if (peer.vote?.epoch !== epoch.value)
      log(turn, 'warning', `${peer.runId} voted for ${leader.text} ${String(epoch.value)}`);
    peer.vote = { leader: leader.text, epoch: epoch.value };
  }
  touch(turn, masterOf(turn.state, peer));
}
