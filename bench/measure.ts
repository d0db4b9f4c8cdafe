// What a measurement is, how its rounds alternate between the two kinds of sentinel, and how figures are summed up.
import type { SentinelKind } from '../src/demo/programs.ts';

/** The samples of one series, summed up; `undefined` where nothing was measured. */
export interface Summary {
  readonly count: number;
  readonly min: number;
  readonly median: number;
  readonly p99: number;
  readonly max: number;
}

/** One line of the table. */
export interface Row {
  readonly name: string;
  readonly unit: string;
  /** In words, for people. */
  readonly target: string;
  readonly met: (ours: Summary, genuine: Summary | undefined) => boolean;
}

/** Samples by the name of the row. */
export type Samples = Record<string, number[]>;

export interface Measurement {
  readonly name: string;
  readonly rows: readonly Row[];
  /** Rounds of each kind; they alternate. The genuine server may have fewer: it is slow where it falls into TILT. */
  readonly rounds: { readonly ts: number; readonly genuine: number };
  /** One round. Throws when there was nothing to measure, with the reason. */
  run(kind: SentinelKind): Promise<Samples>;
}

export interface Result {
  readonly row: Row;
  readonly ours: Summary | undefined;
  readonly genuine: Summary | undefined;
  readonly problems: readonly string[];
}

/** Run a measurement, both kinds in turn, and sum up. A round that fails is told and does not count. */
export async function measure(measurement: Measurement, say: (text: string) => void): Promise<Result[]> {
  const samples: Record<SentinelKind, Samples> = { ts: {}, genuine: {} };
  const problems: string[] = [];
  const { rounds } = measurement;
  for (let round = 0; round < Math.max(rounds.ts, rounds.genuine); round++)
    for (const kind of ['genuine', 'ts'] as const) {
      if (round >= rounds[kind]) continue;
      say(`${measurement.name}, ${kind}, round ${round + 1} of ${rounds[kind]}`);
      try {
        for (const [name, values] of Object.entries(await measurement.run(kind)))
          samples[kind][name] = [...(samples[kind][name] ?? []), ...values];
      } catch (error) {
        problems.push(`${kind}: ${error instanceof Error ? error.message.split('\n')[0] : String(error)}`);
        say(`failed: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`);
      }
    }
  return measurement.rows.map((row) => ({
    row,
    ours: summarize(samples.ts[row.name]),
    genuine: summarize(samples.genuine[row.name]),
    problems,
  }));
}

export function summarize(values: readonly number[] = []): Summary | undefined {
  const sorted = [...values].sort((a, b) => a - b);
  const at = (share: number) => sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? Number.NaN;
  if (sorted.length === 0) return undefined;
  return { count: sorted.length, min: at(0), median: at(0.5), p99: at(0.99), max: at(1) };
}

/** Our median is at most `share` of the genuine one. Without a genuine figure nothing is known to be met. */
export const atMostShare = (share: number) => (ours: Summary, genuine: Summary | undefined) =>
  genuine !== undefined && ours.median <= share * genuine.median;
export const atLeastShare = (share: number) => (ours: Summary, genuine: Summary | undefined) =>
  genuine !== undefined && ours.median >= share * genuine.median;
export const medianAtMost = (limit: number) => (ours: Summary) => ours.median <= limit;
export const maxAtMost = (limit: number) => (ours: Summary) => ours.max <= limit;
