// The vote: given once per master and epoch, on disk before anyone hears of it; and how votes are counted.
import { describe, type SentinelEvent } from './events.ts';
import { linkOf, majorityOf, refTo } from './query.ts';
import type { Epoch, Master, Ms, RunId, SentinelState } from './state.ts';
import { announce, log, persist, type Turn, touch } from './turn.ts';

/** The instant from which others are held back is moved by up to this much, so that they do not move together. */
export const DESYNC_MAX_MS: Ms = 1000;

/** Ten elections a second take three thousand years for this: who is further ahead of us did not get there by them. */
const EPOCH_LEAP_MAX = 2n ** 40n;
/** That such an epoch was met is told again this often. */
const LEAP_TOLD_MS: Ms = 60 * 60 * 1000;

/**
 * Vote for `candidate` in `epoch` unless a vote for that epoch or a later one was already given.
 * Invariant: one vote per master and epoch; it neither leaves nor counts before it is on disk (`voteUnsaved`).
 * Differs: the genuine server gives a vote whose save failed, and after a restart another one (spec/behavior.md §10.3).
 */
export function castVote(turn: Turn, master: Master, ask: { epoch: Epoch; candidate: RunId }): void {
  const { state } = turn;
  if (isLeap(state, ask.epoch)) return tellLeap(turn, master, ask.epoch, 'a request for our vote');
  adoptEpoch(turn, master, ask.epoch);
  if (master.leaderEpoch >= ask.epoch || state.currentEpoch > ask.epoch) return;
  master.leader = ask.candidate;
  master.leaderEpoch = ask.epoch;
  master.voteUnsaved = true;
  state.unsavedVotes.add(master.id);
  state.withheldVotes.delete(master.id);
  persist(turn);
  announce(turn, voteEvent(state, master, ask.candidate), true);
  if (ask.candidate !== state.myId) standBack(turn, master, ask);
}

/** What is told of the vote that `master` holds now. */
export function voteEvent(state: SentinelState, master: Master, candidate: RunId): SentinelEvent {
  return { name: '+vote-for-leader', about: refTo(state, master), runId: candidate, epoch: master.leaderEpoch };
}

/** Someone else leads this epoch: hold our own attempt back so that two sentinels do not race. */
function standBack(turn: Turn, master: Master, ask: { epoch: Epoch; candidate: RunId }): void {
  const since = turn.now + turn.rand(DESYNC_MAX_MS);
  master.holdOff = { why: 'voted', leader: ask.candidate, epoch: ask.epoch, since, votedAt: turn.now, told: false };
  master.candidateAt = undefined;
  touch(turn, master);
}

/**
 * Is this epoch so far beyond ours that it is none?
 * Differs: the genuine server takes any epoch, saves it and tells it to all others. After one of 2^63-1, which any
 * client can ask in or publish, no attempt has an epoch that another sentinel would vote in, for ever.
 */
export function isLeap(state: SentinelState, epoch: Epoch): boolean {
  return epoch - state.currentEpoch > EPOCH_LEAP_MAX;
}

/** Tell, but not each time, that `what` came in such an epoch and was refused. */
export function tellLeap(turn: Turn, master: Master, epoch: Epoch, what: string): void {
  const { state, now } = turn;
  const { refusals } = linkOf(state, master);
  const toldAt = refusals.get('epoch');
  if (toldAt !== undefined && now - toldAt < LEAP_TOLD_MS) return;
  refusals.set('epoch', now);
  const about = describe(refTo(state, master));
  const why = `its epoch ${epoch} is more than 2^40 beyond ours (${state.currentEpoch})`;
  log(turn, 'warning', `${about}: ${what} was refused, ${why}. Who may talk to the sentinels and their nodes?`);
}

/** A later epoch than ours was seen: it is ours from now on, and on disk before anything else leaves. */
export function adoptEpoch(turn: Turn, master: Master, epoch: Epoch): void {
  const { state } = turn;
  if (epoch <= state.currentEpoch) return;
  state.currentEpoch = epoch;
  persist(turn);
  announce(turn, { name: '+new-epoch', about: refTo(state, master), epoch });
  touch(turn, master);
}

/**
 * Who leads: more votes than anybody else, at least a majority of `voters` and at least `quorum`.
 * `undefined` when nobody does.
 */
export function winner(votes: ReadonlyMap<RunId, number>, voters: number, quorum: number): RunId | undefined {
  const needed = votesNeeded(voters, quorum);
  let leader: { runId: RunId; count: number } | undefined;
  for (const [runId, count] of votes) if (count > (leader?.count ?? 0)) leader = { runId, count };
  return leader !== undefined && leader.count >= needed ? leader.runId : undefined;
}

/**
 * Can nobody win this epoch any more although enough voters are there? `heard` of them have answered, `open` have not.
 * A minority is no split: a new epoch would not help it.
 */
export function isProvablySplit(
  votes: ReadonlyMap<RunId, number>,
  { heard, open, voters, quorum }: { heard: number; open: number; voters: number; quorum: number },
): boolean {
  const needed = votesNeeded(voters, quorum);
  const most = Math.max(0, ...votes.values());
  return heard + open >= needed && most + open < needed;
}

function votesNeeded(voters: number, quorum: number): number {
  return Math.max(majorityOf(voters), quorum);
}
