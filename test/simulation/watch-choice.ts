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
  /** By place: the process that said last that it is a replica. */
  readonly followers: Map<string, string | undefined>;
  /** The places that answered their last INFO by an error. */
  readonly refused: Set<string>;
  /** By connection: what was not answered yet. */
  readonly owed: Map<ConnectionId, Owed[]>;
}

/** What was told during a save is known only later: so many INFOs are kept to find the one that was known. */
const INFOS_KEPT = 8;
/** A node that is about to be left out, for its silence or its lost link, may be left out or not. */
const MARGIN_MS: Ms = 1000;

export const heardNothing = (): Heard => ({
  infos: new Map(),
  followers: new Map(),
  refused: new Set(),
  owed: new Map(),
});

/** An INFO was answered. `priorityOf` tells what its priority is when it does not say. */
export function noteInfo(
  { infos, followers, refused }: Heard,
  place: string,
  { at, askedAt, text }: { at: Ms; askedAt: Ms; text: string },
  priorityOf: (last: Info | undefined, runId: string | undefined) => number | undefined,
): void {
  const before = infos.get(place) ?? [];
  const { role, runId, offset, linkDownMs, priority: told } = parseInfo(text);
  const priority = told ?? priorityOf(before[0], runId) ?? 100;
  refused.delete(place);
  if (role === 'slave') followers.set(place, runId);
  infos.set(place, [{ at, askedAt, runId, role, offset, linkDownMs, priority }, ...before.slice(0, INFOS_KEPT - 1)]);
}

/** When a place was last well, and where a replica is. */
interface Places {
  okAt(place: string): Ms | undefined;
  placeOf(replica: Replica): string;
}

/** A replica is about to be chosen. Returns who has not been asked since the loss of the master, though it could have been. */
export function unasked(
  life: Life,
  heard: Heard,
  master: Master,
  odownAt: Ms | undefined,
  { okAt, placeOf }: Places,
): string | undefined {
  const { failover } = master;
  if (failover === undefined) return undefined;
  const freshFrom = odownAt ?? failover.startedAt;
  // Lost and to be replaced in one instant, at the end of TILT: the questions come behind in the same turn.
  if (failover.phaseAt <= freshFrom) return undefined;
  for (const replica of replicasOf(life.state, master)) {
    const place = placeOf(replica);
    if (!isThere(life, replica, okAt(place) ?? Number.NEGATIVE_INFINITY, failover)) continue;
    // An answer may have come meanwhile, behind a save.
    const answers = heard.infos.get(place) ?? [];
    if (answers.some(({ askedAt }) => askedAt >= freshFrom) || heard.refused.has(place)) continue;
    if (!isAsked(life, heard, replica, freshFrom)) return `${place} was not asked`;
  }
  return undefined;
}

/** A replica was chosen. Returns what is wrong with that: another one told something better. */
export function wrongChoice(
  life: Life,
  heard: Heard,
  master: Master,
  odownAt: Ms | undefined,
  { okAt, placeOf }: Places,
): string | undefined {
  const { failover } = master;
  // The turn went on meanwhile.
  if (failover === undefined || !('promoted' in failover) || failover.phase === 'reconf-replicas') return undefined;
  const { state } = life;
  const freshFrom = odownAt ?? failover.startedAt;
  const replicas = replicasOf(state, master);
  const chosen = replicas.find(({ id }) => id === failover.promoted);
  const known = chosen === undefined ? [] : newsOf(heard, placeOf(chosen), failover.phaseAt);
  const best = known.filter(({ askedAt }) => askedAt > freshFrom);
  const isLast = chosen !== undefined && best.every((info) => mayBeEmpty(heard, placeOf(chosen), info));
  if (best.length === 0 || (best.some(({ role }) => role !== 'slave') && !isLast)) return undefined;
  for (const other of replicas) {
    const place = placeOf(other);
    const ok = okAt(place) ?? Number.NEGATIVE_INFINITY;
    if (other === chosen || failover.excluded.includes(other.id) || !isThere(life, other, ok, failover)) continue;
    const news = newsOf(heard, place, failover.phaseAt);
    if (news.every(({ askedAt }) => askedAt < freshFrom)) continue;
    const lostMs = 10 * master.options.downAfterMs;
    const isBest = (info: Info) =>
      info.askedAt > freshFrom &&
      info.role === 'slave' &&
      info.linkDownMs >= 0 &&
      info.priority !== 0 &&
      info.linkDownMs < lostMs - MARGIN_MS &&
      (isLast || best.every((chosenInfo) => isBetter(info, chosenInfo)));
    if (failover.phaseAt - ok < 5 * state.tunables.pingPeriodMs - MARGIN_MS && news.every(isBest))
      return `${place} says ${news.map(inShort).join(' or ')}, the chosen one ${best.map(inShort).join(' or ')}`;
  }
  return undefined;
}

/** A master that nobody promoted: this process never said anything else. Or a replica without a link since its start. */
function mayBeEmpty({ followers }: Heard, place: string, { role, runId, linkDownMs }: Info): boolean {
  return role === 'master' ? followers.get(place) !== runId : linkDownMs < 0;
}

/** What was known of a node when the choice was made; what came in that very millisecond was known, or not yet. */
function newsOf({ infos }: Heard, place: string, chosenAt: Ms): readonly Info[] {
  const known = infos.get(place) ?? [];
  const late = known.find(({ at }) => at === chosenAt);
  const before = known.find(({ at }) => at < chosenAt);
  return [late, before].filter((info) => info !== undefined);
}

const inShort = ({ priority, offset, runId }: Info) => `priority ${priority} offset ${offset} run id ${runId}`;

/** Not down, and well over this very connection, since before the choice; heard, and known for long enough to be asked. */
function isThere({ state }: Life, replica: Replica, okAt: Ms, { phaseAt }: Failover): boolean {
  const { command, subscription } = linkOf(state, replica);
  if (command?.status !== 'open' || subscription?.status !== 'open') return false;
  if (okAt <= command.since || okAt >= phaseAt) return false;
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
