// Which replica is chosen (spec/behavior.md §8, §14 I13): the best of those that told of themselves after the loss, and all
// that could have told were asked.
import { parseInfo } from '../../src/core/info.ts';
import { linkOf, replicasOf } from '../../src/core/query.ts';
import type { ConnectionId, Failover, Master, Ms, Replica } from '../../src/core/state.ts';
import type { Life } from './sentinel.ts';

/** What a node said of itself. */
export interface Info extends Pick<ReturnType<typeof parseInfo>, 'runId' | 'role' | 'offset' | 'linkDownMs'> {
  /** When it was heard, and asked for. */
  readonly at: Ms;
  readonly askedAt: Ms;
  readonly priority: number;
}

/** A request that was sent. */
export interface Owed {
  readonly args: readonly string[];
  readonly at: Ms;
}

/** What one process was told, as far as it bears on a choice. */
export interface Heard {
  /** By place: what the last INFOs said, the newest first. */
  readonly infos: Map<string, readonly Info[]>;
  /** The places that answered their last INFO by an error. */
  readonly refused: Set<string>;
  /** By connection: what was not answered yet. */
  readonly owed: Map<ConnectionId, Owed[]>;
}

/** What was told during a save is known only later: so many INFOs are kept to find the one that was known. */
const INFOS_KEPT = 8;
/** A node that is about to be left out, for its silence or its lost link, may be left out or not. */
const MARGIN_MS: Ms = 1000;

export const heardNothing = (): Heard => ({ infos: new Map(), refused: new Set(), owed: new Map() });

/** An INFO was answered. `priorityOf` tells what its priority is when it does not say. */
export function noteInfo(
  { infos, refused }: Heard,
  place: string,
  { at, askedAt, text }: { at: Ms; askedAt: Ms; text: string },
  priorityOf: (last: Info | undefined, runId: string | undefined) => number | undefined,
): void {
  const before = infos.get(place) ?? [];
  const { role, runId, offset, linkDownMs, priority: told } = parseInfo(text);
  const priority = told ?? priorityOf(before[0], runId) ?? 100;
  refused.delete(place);
  infos.set(place, [{ at, askedAt, runId, role, offset, linkDownMs, priority }, ...before.slice(0, INFOS_KEPT - 1)]);
}

/**
 * A replica was chosen. Returns what is wrong with that: another one was not asked, or told something better. `okAt` tells
 * when a place was last well, `placeOf` where a replica is.
 */
export function wrongChoice(
  life: Life,
  heard: Heard,
  master: Master,
  odownAt: Ms | undefined,
  { okAt, placeOf }: { okAt(place: string): Ms | undefined; placeOf(replica: Replica): string },
): string | undefined {
  const { failover } = master;
  // The turn went on meanwhile.
  if (failover === undefined || !('promoted' in failover) || failover.phase === 'reconf-replicas') return undefined;
  const { state } = life;
  const freshFrom = odownAt ?? failover.startedAt;
  const replicas = replicasOf(state, master);
  const chosen = replicas.find(({ id }) => id === failover.promoted);
  const best = chosen === undefined ? undefined : newsOf(heard, placeOf(chosen), failover.phaseAt);
  if (best === undefined || best.askedAt <= freshFrom || best.role !== 'slave') return undefined;
  for (const other of replicas) {
    if (other === chosen || failover.excluded.includes(other.id) || !isThere(life, other, failover)) continue;
    const place = placeOf(other);
    const news = newsOf(heard, place, failover.phaseAt);
    if (news === undefined || news.askedAt < freshFrom) {
      if (!isAsked(life, heard, other, freshFrom) && !isUnclear(heard, place, failover.phaseAt))
        return `${place} was not asked`;
      continue;
    }
    const silentMs = failover.phaseAt - (okAt(place) ?? Number.NEGATIVE_INFINITY);
    const lostMs = 10 * master.options.downAfterMs;
    const mayBe =
      news.askedAt > freshFrom &&
      news.role === 'slave' &&
      news.priority !== 0 &&
      silentMs < 5 * state.tunables.pingPeriodMs - MARGIN_MS &&
      news.linkDownMs < lostMs - MARGIN_MS;
    if (mayBe && isBetter(news, best))
      return `${place} has priority ${news.priority}, offset ${news.offset}; chosen are ${best.priority}, ${best.offset}`;
  }
  return undefined;
}

/** What was known of a node when the choice was made. */
function newsOf({ infos }: Heard, place: string, chosenAt: Ms): Info | undefined {
  return infos.get(place)?.find(({ at }) => at < chosenAt);
}

/** It answered by an error, or in the very millisecond of the choice. */
function isUnclear({ infos, refused }: Heard, place: string, chosenAt: Ms): boolean {
  return refused.has(place) || infos.get(place)?.some(({ at }) => at === chosenAt) === true;
}

/** Connected and not down since before the choice, and known for long enough to have been asked. */
function isThere({ state }: Life, replica: Replica, { phaseAt }: Failover): boolean {
  const { command } = linkOf(state, replica);
  if (command?.status !== 'open' || command.since >= phaseAt) return false;
  return replica.sdownAt === undefined && (replica.upSince ?? 0) < phaseAt && replica.infoAt !== undefined;
}

/** Is an INFO under way that was asked for after the loss? */
function isAsked({ state }: Life, { owed }: Heard, replica: Replica, freshFrom: Ms): boolean {
  const { command } = linkOf(state, replica);
  const requests = command === undefined ? [] : (owed.get(command.id) ?? []);
  return requests.some(({ args, at }) => args[0] === 'INFO' && at >= freshFrom);
}

function isBetter(a: Info, b: Info): boolean {
  if (a.priority !== b.priority) return a.priority < b.priority;
  const [more, less] = [a.offset ?? 0n, b.offset ?? 0n];
  return more !== less ? more > less : (a.runId ?? '') < (b.runId ?? '');
}
