// Asking peers whether they see a master down, and for their votes: one question serves both.
import type { NodeReply } from './effects.ts';
import { commandConnection, outstanding, request } from './links.ts';
import { masterOf, peersOf, shownHost } from './query.ts';
import type { Failover, Master, Ms, Peer, Pending, SentinelState } from './state.ts';
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
  if (!wantsAnswers(master) || awaitsOwnVote(turn.state, master)) return next;
  for (const peer of peersOf(turn.state, master)) next = Math.min(next, askPeer(turn, master, peer));
  return next;
}

/** Our own vote is being saved: what follows asks for the votes as well, and a question now would stand in its way. */
function awaitsOwnVote(state: SentinelState, master: Master): boolean {
  return master.failover?.phase === 'wait-start' && master.voteUnsaved && state.saveFailure === undefined;
}

function wantsAnswers(master: Master): boolean {
  return master.sdownAt !== undefined || standingFor(master) !== undefined;
}

/**
 * The attempt for which votes are asked for; `undefined` while there is none. A candidate whose own vote is not on disk
 * asks nobody: started again it would use the epoch a second time, and voters would stand back for one who cannot lead.
 */
function standingFor(master: Master): Failover | undefined {
  return master.failover?.phase === 'wait-start' && !master.voteUnsaved ? master.failover : undefined;
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
  const standing = standingFor(master);
  // A candidate asks with the epoch of its own attempt, never a later one (spec/behavior.md §13.4 item 8).
  const epoch = standing?.failoverEpoch ?? state.currentEpoch;
  const candidate = standing === undefined ? '*' : state.myId;
  const args = ['is-master-down-by-addr', host, String(port), String(epoch), candidate];
  const failoverEpoch = standing?.failoverEpoch;
  request(turn, peer, connection, ['SENTINEL', ...args], {
    kind: 'ask',
    instance: peer.id,
    sentAt: now,
    about: master.address,
    failoverEpoch,
  });
  return Number.POSITIVE_INFINITY;
}

function askPause(state: SentinelState, master: Master, peer: Peer, now: Ms): Ms {
  const standing = standingFor(master);
  if (standing !== undefined) {
    if (peer.askedAt === undefined || peer.askedAt < standing.startedAt) return 0;
    if (peer.answeredEpoch !== standing.failoverEpoch) return FAST_ASK_MS;
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
export function onAnswer(
  turn: Turn,
  peer: Peer,
  { about, failoverEpoch }: Extract<Pending, { kind: 'ask' }>,
  reply: NodeReply,
): void {
  const master = masterOf(turn.state, peer);
  touch(turn, master);
  if (reply.kind !== 'array' || about !== master.address) return;
  const [down, leader, epoch] = reply.items;
  if (down?.kind !== 'integer' || leader?.kind !== 'text' || epoch?.kind !== 'integer') return;
  peer.answer = { at: turn.now, down: down.value === 1n };
  if (failoverEpoch !== undefined) peer.answeredEpoch = failoverEpoch;
  if (leader.text !== '*') {
    if (peer.vote?.epoch !== epoch.value)
      log(turn, 'warning', `${peer.runId} voted for ${leader.text} ${String(epoch.value)}`);
    peer.vote = { leader: leader.text, epoch: epoch.value };
  }
}
