// A peer's question: is the master at this address down, and may I lead its failover?
import { hurryQuestions } from './ask.ts';
import type { Effect } from './effects.ts';
import { settle } from './judge.ts';
import { locate } from './names.ts';
import { addressKey, addressOf, isName, spelledKey } from './query.ts';
import type { Epoch, Master, Ms, Rand, RunId, SentinelState } from './state.ts';
import { beginTurn, persist, type Turn } from './turn.ts';
import { castVote } from './vote.ts';

/** What `SENTINEL is-master-down-by-addr` asks; `candidate` is `*` when no vote is wanted. */
export interface DownQuestion {
  readonly host: string;
  readonly port: number;
  readonly epoch: Epoch;
  readonly candidate: string;
}

export interface DownAnswer {
  readonly down: boolean;
  /** `undefined`: no vote to tell of (shown as `*`). */
  readonly leader: RunId | undefined;
  readonly leaderEpoch: Epoch;
  /** With a `persist` among them the vote may only be told if that save succeeds. */
  readonly effects: readonly Effect[];
}

/**
 * Answer a peer (spec/commands.md §4.3). The vote is given whatever we think of the master, also in TILT.
 * A vote whose save failed earlier is saved again first: until then nobody hears of it.
 */
export function answerIsMasterDown(state: SentinelState, ask: DownQuestion, now: Ms, rand: Rand): DownAnswer {
  const turn = beginTurn(state, now, state.lastWallMs, rand);
  const master = masterAt(turn, ask);
  if (master === undefined) return { down: false, leader: undefined, leaderEpoch: 0n, effects: settle(turn) };
  const down = master.sdownAt !== undefined && state.tiltAt === undefined;
  hurryQuestions(turn, master);
  if (ask.candidate === '*') return { down, leader: undefined, leaderEpoch: 0n, effects: settle(turn) };
  castVote(turn, master, { epoch: ask.epoch, candidate: ask.candidate });
  if (master.voteUnsaved) persist(turn);
  return { down, leader: master.leader, leaderEpoch: master.leaderEpoch, effects: settle(turn) };
}

/**
 * A name is compared as a text and by what it stands for. One that has to be looked up first is answered like an
 * unknown address: the peer asks again, and nobody waits.
 */
function masterAt(turn: Turn, ask: DownQuestion): Master | undefined {
  const { state } = turn;
  const literal = !isName(ask.host);
  if (!literal && !state.settings.resolveHostnames) return undefined;
  const known = masterUnder(state, spelledKey(addressOf(ask.host, ask.port)));
  return known ?? (literal ? undefined : masterUnder(state, addressKey(locate(turn, ask.host, ask.port))));
}

function masterUnder(state: SentinelState, key: string): Master | undefined {
  for (const id of state.mastersByAddress.get(key) ?? []) {
    const master = state.instances.get(id);
    if (master?.kind === 'master') return master;
  }
  return undefined;
}
