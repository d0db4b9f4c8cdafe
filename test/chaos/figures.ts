// The figures of a run: for each episode how long no write lasted, how often a replica was promoted, what was lost.
import { type Line, type LineOf, only } from './history.ts';
import { LABELS, type Ms } from './plan.ts';

export interface EpisodeFigures {
  readonly seed: number;
  readonly index: number;
  readonly label: string;
  /** The longest time without an acknowledged write that lasted, from before the faults until order was back. */
  readonly unavailableMs: Ms;
  /** From the end of the faults until order was back; `undefined`: it was not in time. */
  readonly repairMs: Ms | undefined;
  /** Replicas that were promoted. */
  readonly failovers: number;
  readonly acknowledged: number;
  readonly lost: number;
}

/** A write that was acknowledged just before a fault is lost by it. */
const BEFORE_MS: Ms = 1000;

type Kept = ReadonlyMap<string, readonly (readonly [number, number])[]>;

/** What the last master holds of each writer. */
export function keptBy(lines: readonly Line[]): Kept {
  return new Map(only(lines, 'kept').map(({ writer, rows }) => [writer, rows]));
}

/** Acknowledged, and gone in the end. Before the end is known, nothing is. */
export function isLost(write: LineOf<'write'>, kept: Kept): boolean {
  const rows = kept.get(write.writer);
  if (rows === undefined || write.error !== undefined) return false;
  return !rows.some(([first, last]) => first <= write.n && write.n <= last);
}

/** All acknowledged writes that are gone. */
export function lostWrites(lines: readonly Line[]): LineOf<'write'>[] {
  const kept = keptBy(lines);
  return only(lines, 'write').filter((write) => isLost(write, kept));
}

/** The figures of each episode that has ended. */
export function figuresOf(lines: readonly Line[]): EpisodeFigures[] {
  const seed = only(lines, 'run')[0]?.seed ?? 0;
  const kept = keptBy(lines);
  const writes = only(lines, 'write').filter(({ error }) => error === undefined);
  const lasting = writes.filter((write) => !isLost(write, kept)).map(({ at }) => at);
  const promotions = only(lines, 'event').filter(({ via, channel }) => via === 'log' && channel === '+promoted-slave');
  const steps = only(lines, 'episode');
  return steps
    .filter(({ step }) => step === 'begins')
    .flatMap(({ at: from, index, label }) => {
      const of = (wanted: string) => steps.find((line) => line.index === index && line.step === wanted)?.at;
      const to = of('in-order') ?? of('disorder');
      if (to === undefined) return [];
      const during = writes.filter(({ at }) => at >= from - BEFORE_MS && at <= to);
      const inOrderAt = of('in-order');
      return {
        seed,
        index,
        label,
        unavailableMs: Math.round(longestGap(lasting, from, to)),
        repairMs: inOrderAt === undefined ? undefined : Math.round(inOrderAt - (of('faults-over') ?? from)),
        failovers: promotions.filter(({ at }) => at >= from && at <= to).length,
        acknowledged: during.length,
        lost: during.filter((write) => isLost(write, kept)).length,
      };
    });
}

/** The longest time between two of these instants that has a part between `from` and `to`. */
export function longestGap(instants: readonly Ms[], from: Ms, to: Ms): Ms {
  let last: Ms | undefined;
  let longest = 0;
  for (const at of instants) {
    if (at >= from) longest = Math.max(longest, at - (last ?? from));
    last = at;
    if (at > to) break;
  }
  return last === undefined || last < to ? Math.max(longest, to - (last ?? from)) : longest;
}

/** What `--json` writes. */
export interface Report {
  readonly seed: number;
  /** `ts`, `mixed` or `genuine` */
  readonly group: string;
  readonly minutes: number;
  readonly sentinels: Readonly<Record<string, string>>;
  readonly episodes: readonly EpisodeFigures[];
  readonly violations: readonly { readonly rule: string; readonly why: string; readonly ours: boolean }[];
}

const GROUPS: Readonly<Record<string, string>> = {
  ts: 'three ts-sentinels',
  mixed: 'mixed',
  genuine: 'three redis-sentinels',
};

/** The table of one run or, side by side, of several kinds of sentinel; with the episodes that all of them met. */
export function toTable(reports: readonly Report[]): string {
  const groups = Object.keys(GROUPS).filter((group) => reports.some((report) => report.group === group));
  const episodesOf = (group: string) => reports.filter((each) => each.group === group).flatMap((each) => each.episodes);
  const isMet = ({ seed, index }: EpisodeFigures) =>
    groups.every((group) => episodesOf(group).some((other) => other.seed === seed && other.index === index));
  const head = [
    'fault',
    'times',
    ...groups.flatMap((group) => [`${GROUPS[group]}: ms without a write`, 'failovers', 'lost']),
  ];
  const rows = [head, head.map((_, column) => (column === 0 ? ':--' : '--:'))];
  for (const label of [...LABELS, 'all']) {
    const cells = groups.map((group) =>
      episodesOf(group).filter((each) => isMet(each) && (label === 'all' || each.label === label)),
    );
    const times = cells[0]?.length ?? 0;
    if (times > 0) rows.push([label, String(times), ...cells.flatMap(toCells)]);
  }
  return rows.map((cells) => `| ${cells.join(' | ')} |`).join('\n');
}

function toCells(episodes: readonly EpisodeFigures[]): string[] {
  const times = episodes.map(({ unavailableMs }) => unavailableMs).sort((a, b) => a - b);
  const sum = (of: (each: EpisodeFigures) => number) => episodes.reduce((total, each) => total + of(each), 0);
  const middle = [times[Math.floor((times.length - 1) / 2)] ?? 0, times[Math.floor(times.length / 2)] ?? 0] as const;
  const median = Math.round((middle[0] + middle[1]) / 2);
  return [
    `${median} / ${times.at(-1) ?? 0}`,
    String(sum(({ failovers }) => failovers)),
    String(sum(({ lost }) => lost)),
  ];
}
