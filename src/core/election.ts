// From odown to a leader: when to stand, how long to hold back, how votes are counted and what a lost election means.
import { holdFailover } from './failover.ts';
import { wantFreshInfo } from './info.ts';
import { commandConnection } from './links.ts';
import { peersOf, refTo, replicasOf, votersOf } from './query.ts';
import { eligibleReplicas } from './selection.ts';
import type { Epoch, Failover, HoldOff, Master, Ms, Replica, RunId, SentinelState } from './state.ts';
import { announce, crashIfSimulated, persist, type Turn, touch } from './turn.ts';
import { castVote, DESYNC_MAX_MS, isProvablySplit, winner } from './vote.ts';

/**
 * Candidates stand one after the other, in the order of their run ids: three times the time of a vote with its save,
 * so that the first one has its majority before the second one wakes (spec/behavior.md §13.4 item 3).
 */
const CANDIDATE_RANK_MS: Ms = 25;
const CANDIDATE_JITTER_MS: Ms = 10;
/** Who sees no replica leaves the others time to be elected. */
const BLIND_CANDIDATE_MS: Ms = 1000;
/** A provable split is tried again in a new epoch after 100 to 500 ms. */
const SPLIT_RETRY_MIN_MS: Ms = 100;
const SPLIT_RETRY_SPREAD_MS: Ms = 400;
/**
 * … and twice as late each time, up to 16 s: voters that refuse for ever must not cost several epochs a second. A failover
 * that was ordered is given up then.
 */
const SPLIT_DOUBLINGS_MAX = 5;
/** After "no good replica" a new attempt waits for a good one, and at least so long. */
const NO_GOOD_RETRY_MS: Ms = 1000;
/** A candidate that is sdown for us has so long to tell of its success. */
const SDOWN_LEADER_MS: Ms = 1000;
/** A failover that was ordered asks for votes, so that its epoch is its own, but waits no longer than this for them. */
const FORCED_VOTES_MS: Ms = 100;

/** Stand for election if it is time to. Returns when to look again. */
export function considerStanding(turn: Turn, master: Master): Ms {
  const { state, now } = turn;
  if (master.odownAt === undefined || master.failover !== undefined) {
    master.candidateAt = undefined;
    return Number.POSITIVE_INFINITY;
  }
  const allowedAt = standingAllowedAt(turn, master);
  if (now < allowedAt) {
    master.candidateAt = undefined;
    tellHoldOff(turn, master, allowedAt);
    return allowedAt;
  }
  master.candidateAt ??= now + candidateDelay(state, master) + turn.rand(CANDIDATE_JITTER_MS + 1);
  if (now < master.candidateAt) return master.candidateAt;
  beginAttempt(turn, master, false);
  return Number.POSITIVE_INFINITY;
}

/**
 * Our place among the living sentinels, by run id, in steps of `CANDIDATE_RANK_MS`. Differs: who could promote nobody, as
 * it sees no replica, stands behind the others; the genuine server stands, wins, and keeps its voters waiting.
 */
function candidateDelay(state: SentinelState, master: Master): Ms {
  const living = peersOf(state, master).filter(
    (peer) => peer.sdownAt === undefined && commandConnection(state, peer) !== undefined,
  );
  const rank = living.filter(({ runId }) => runId < state.myId).length * CANDIDATE_RANK_MS;
  return living.length > 0 && !replicasOf(state, master).some((replica) => isPromotable(state, replica))
    ? rank + BLIND_CANDIDATE_MS
    : rank;
}

function isPromotable(state: SentinelState, replica: Replica): boolean {
  return replica.priority !== 0 && replica.sdownAt === undefined && commandConnection(state, replica) !== undefined;
}

/** When an automatic attempt may begin: at once, or when the last attempt's or vote's time is over. */
function standingAllowedAt(turn: Turn, master: Master): Ms {
  const { holdOff } = master;
  if (holdOff === undefined) return turn.now;
  const afterTimeout = holdOff.since + 2 * master.options.failoverTimeoutMs;
  switch (holdOff.why) {
    case 'attempt':
      return afterTimeout;
    case 'split':
      return holdOff.until;
    case 'voted':
      return votedStandBackUntil(turn, master, holdOff, afterTimeout);
    case 'no-good-replica':
      // A replica that returns is an input, and every input of a replica judges its master as well.
      if (eligibleReplicas(turn.state, master, turn.now).length === 0) return afterTimeout;
      return Math.min(holdOff.until, afterTimeout);
  }
}

/**
 * How long a vote for somebody else holds us back. The leader went sdown and its configuration never came: nothing is
 * left to wait for. One that asked while it was sdown for us lives: it gets the time that a failover takes, so that two
 * who do not hear each other well do not take each other's votes away for ever. Nobody knows the leader: any client may
 * have asked in that name, so an election's time is enough.
 * Differs: the genuine server waits for twice the failover-timeout in any case (spec/behavior.md §13.1 w6, w10).
 */
function votedStandBackUntil(
  { state, now }: Turn,
  master: Master,
  vote: Extract<HoldOff, { why: 'voted' }>,
  afterTimeout: Ms,
): Ms {
  if (master.configEpoch >= vote.epoch) return afterTimeout;
  const leader = peersOf(state, master).find((peer) => peer.runId === vote.leader);
  if (leader === undefined) return vote.since + electionTime(state, master);
  if (leader.sdownAt === undefined) return afterTimeout;
  return leader.sdownAt > vote.votedAt ? now : Math.min(afterTimeout, vote.votedAt + SDOWN_LEADER_MS);
}

/** An election that was not decided in this time is over. */
function electionTime(state: SentinelState, master: Master): Ms {
  return Math.min(state.tunables.electionTimeoutMs, master.options.failoverTimeoutMs);
}

function tellHoldOff(turn: Turn, master: Master, allowedAt: Ms): void {
  const { holdOff } = master;
  if (holdOff === undefined || holdOff.told || holdOff.why === 'split') return;
  holdOff.told = true;
  const text = 'Next failover delay: I will not start a failover before';
  turn.effects.push({ kind: 'log', level: 'warning', text, untilWallMs: turn.wallMs + (allowedAt - turn.now) });
}

/** Begin an attempt: a new epoch, our own vote, and the question to everybody else. */
export function beginAttempt(turn: Turn, master: Master, forced: boolean, rounds = 0): void {
  const { state, now } = turn;
  const failoverEpoch = attemptEpoch(turn, master);
  master.failover = {
    phase: 'wait-start',
    failoverEpoch,
    forced,
    startedAt: now,
    phaseAt: now,
    again: undefined,
    rounds,
  };
  const splits = master.holdOff?.why === 'split' ? master.holdOff.splits : 0;
  master.holdOff = { why: 'attempt', since: now + turn.rand(DESYNC_MAX_MS), splits, told: false };
  master.candidateAt = undefined;
  announce(turn, { name: '+try-failover', about: refTo(state, master) });
  castVote(turn, master, { epoch: failoverEpoch, candidate: state.myId });
  wantFreshInfo(turn, master, replicasOf(state, master));
  touch(turn, master);
}

/** Attempts that begin together share one epoch: votes are per master, and no peer must refuse one as outdated. */
function attemptEpoch(turn: Turn, master: Master): Epoch {
  const { state, now } = turn;
  const shared = state.attemptEpoch;
  const used = later(master.leaderEpoch, master.configEpoch);
  if (shared?.at === now && shared.epoch === state.currentEpoch && used < shared.epoch) return shared.epoch;
  // A hello may have brought a config epoch beyond the current epoch; ours must be higher than both to win.
  state.currentEpoch = later(used, state.currentEpoch) + 1n;
  state.attemptEpoch = { epoch: state.currentEpoch, at: now };
  persist(turn);
  announce(turn, { name: '+new-epoch', about: refTo(state, master), epoch: state.currentEpoch });
  return state.currentEpoch;
}

/** The later of two epochs; Math.max knows no bigint. */
function later(a: Epoch, b: Epoch): Epoch {
  return a < b ? b : a;
}

type WaitStart = Extract<Failover, { phase: 'wait-start' }>;

/** Count the votes of a running election. Returns when to look again. */
export function campaign(turn: Turn, master: Master, failover: WaitStart): Ms {
  if (failover.again !== undefined) return beginAgain(turn, master, failover, failover.again);
  return failover.forced ? campaignForced(turn, master, failover) : campaignElected(turn, master, failover);
}

function campaignElected(turn: Turn, master: Master, failover: WaitStart): Ms {
  const { state, now } = turn;
  // Differs: the genuine server goes on, and a master that is back is replaced all the same (spec/behavior.md §7.1).
  if (master.odownAt === undefined) {
    loseElection(turn, master);
    retrySoon(turn, master);
    return now;
  }
  const { votes, heard, open } = tally(state, master, failover.failoverEpoch);
  const { quorum } = master.options;
  const voters = votersOf(master);
  if (winner(votes, voters, quorum) === state.myId) {
    becomeLeader(turn, master, failover);
    return now;
  }
  // We voted for somebody who asked in a later epoch: that one leads, or nobody.
  if (master.holdOff?.why === 'voted') {
    loseElection(turn, master);
    return now;
  }
  // Votes were split, or voters that know a later epoch refused ours: only a new epoch can decide.
  if (isProvablySplit(votes, { heard, open, voters, quorum })) {
    loseElection(turn, master);
    retrySoon(turn, master);
    return now;
  }
  const deadline = failover.startedAt + electionTime(state, master) + 1;
  if (now < deadline) return deadline;
  loseElection(turn, master);
  return now;
}

/**
 * A failover that was ordered needs no majority. Differs: the genuine server asks nobody, and two of them may run in
 * one epoch (spec/behavior.md §13.1 w13); here the peers vote too, and a vote for another candidate means a new epoch, a
 * few times.
 */
function campaignForced(turn: Turn, master: Master, failover: WaitStart): Ms {
  const { state, now } = turn;
  if (master.voteUnsaved && state.saveFailure === undefined) return Number.POSITIVE_INFINITY;
  // The peers are asked only when the save has been made up for: their time begins then.
  if (state.heldBackSince !== undefined) return Number.POSITIVE_INFINITY;
  const { votes, heard, open } = tally(state, master, failover.failoverEpoch);
  const contested = [...votes.keys()].some((runId) => runId !== state.myId);
  if (contested || state.currentEpoch > failover.failoverEpoch) {
    if (failover.rounds >= SPLIT_DOUBLINGS_MAX) {
      loseElection(turn, master);
      retrySoon(turn, master);
      return now;
    }
    failover.again = now + turn.rand(SPLIT_RETRY_MIN_MS * 2 ** failover.rounds) + 1;
    return failover.again;
  }
  const deadline = failover.phaseAt + FORCED_VOTES_MS;
  // Who refuses may know a later configuration: its hello is on the way to us, and ends this.
  const refused = heard > (votes.get(state.myId) ?? 0);
  if ((open > 0 || refused) && now < deadline) return deadline;
  becomeLeader(turn, master, failover);
  return now;
}

function beginAgain(turn: Turn, master: Master, failover: WaitStart, at: Ms): Ms {
  if (turn.now < at) return at;
  beginAttempt(turn, master, failover.forced, failover.rounds + 1);
  return turn.now;
}

/**
 * The votes of this attempt's own epoch; how many voters answered in it, with a vote or by refusing one; and how many
 * living ones have not. Our own vote counts once it is on disk, like everybody's.
 */
function tally(state: SentinelState, master: Master, epoch: Epoch) {
  const votes = new Map<RunId, number>();
  let heard = 0;
  let open = 0;
  const hear = (vote: RunId | undefined) => {
    heard += 1;
    if (vote !== undefined) votes.set(vote, (votes.get(vote) ?? 0) + 1);
  };
  for (const peer of peersOf(state, master)) {
    if (peer.vote?.epoch === epoch) hear(peer.vote.leader);
    else if (peer.answeredEpoch === epoch) hear(undefined);
    else if (peer.sdownAt === undefined) open += 1;
  }
  if (master.voteUnsaved) open += 1;
  else hear(master.leaderEpoch === epoch ? master.leader : undefined);
  return { votes, heard, open };
}

function becomeLeader(turn: Turn, master: Master, failover: WaitStart): void {
  const about = refTo(turn.state, master);
  const { failoverEpoch, forced, startedAt } = failover;
  master.failover = { phase: 'select-replica', failoverEpoch, forced, startedAt, phaseAt: turn.now, excluded: [] };
  announce(turn, { name: '+elected-leader', about });
  crashIfSimulated(turn, 'crash-after-election');
  announce(turn, { name: '+failover-state-select-slave', about });
}

/** Another one leads, or nobody: the attempt ends, and its event is told. */
export function loseElection(turn: Turn, master: Master): void {
  announce(turn, { name: '-failover-abort-not-elected', about: refTo(turn.state, master) });
  holdFailover(turn, master);
}

function retrySoon(turn: Turn, master: Master): void {
  const before = master.holdOff?.why === 'attempt' ? master.holdOff.splits : 0;
  const pause =
    (SPLIT_RETRY_MIN_MS + turn.rand(SPLIT_RETRY_SPREAD_MS + 1)) * 2 ** Math.min(before, SPLIT_DOUBLINGS_MAX);
  master.holdOff = { why: 'split', since: turn.now, splits: before + 1, until: turn.now + pause, told: false };
}

/** No replica could be promoted: try again when one can, instead of after twice the failover-timeout (§13.1 w8). */
export function awaitGoodReplica(turn: Turn, master: Master): void {
  const since = master.holdOff?.since ?? turn.now;
  master.holdOff = { why: 'no-good-replica', since, until: turn.now + NO_GOOD_RETRY_MS, told: false };
}
