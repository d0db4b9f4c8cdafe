// Did anything grow? A straight line through the second half of the samples says so, against a limit for each figure.
import type { Sample } from './sample.ts';

/** What may not grow, and by how much the line may rise over the second half all the same. */
export const LIMITS = {
  heapKb: {
    limit: 768,
    why: 'code that was compiled and what it learned; a leak of 10 KB a round is three times this',
  },
  externalKb: { limit: 512, why: 'buffers of sockets come and go' },
  residentKb: { limit: 12 * 1024, why: 'the allocator keeps pages and gives them back late' },
  sockets: { limit: 2, why: 'a link may be between two connections when we look' },
  otherFiles: { limit: 1, why: 'a save or a script may be under way when we look' },
  handles: { limit: 3, why: 'as sockets, and a timer of each' },
  confBytes: { limit: 128, why: 'epochs get longer' },
  names: { limit: 0.5, why: 'a temporary file that stays is one too many' },
} as const satisfies Partial<Record<keyof Sample, { limit: number; why: string }>>;

export type Figure = keyof typeof LIMITS;

export interface Growth {
  readonly figure: Figure;
  /** Over the second half, by the line. */
  readonly growth: number;
  readonly limit: number;
  readonly grows: boolean;
}

/** Fewer samples than this say nothing about a trend. */
export const SAMPLES_MIN = 8;

/** Judge the samples of one process, in the order in which they were taken; the first half is for warming up. */
export function judge(samples: readonly Sample[], figures = Object.keys(LIMITS) as Figure[]): Growth[] {
  const half = samples.slice(Math.floor(samples.length / 2));
  if (half.length < SAMPLES_MIN / 2) return [];
  return figures.map((figure) => {
    const growth = rise(half.map((sample) => [sample.minute, sample[figure]]));
    const { limit } = LIMITS[figure];
    return { figure, growth, limit, grows: growth > limit };
  });
}

/** By how much the least-squares line through the points rises from the first to the last. */
export function rise(points: readonly (readonly [x: number, y: number])[]): number {
  const [first, last] = [points.at(0), points.at(-1)];
  if (first === undefined || last === undefined) return 0;
  const mean = (axis: 0 | 1) => points.reduce((sum, point) => sum + point[axis], 0) / points.length;
  const [x, y] = [mean(0), mean(1)];
  const spread = points.reduce((sum, point) => sum + (point[0] - x) ** 2, 0);
  if (spread === 0) return 0;
  const slope = points.reduce((sum, point) => sum + (point[0] - x) * (point[1] - y), 0) / spread;
  return slope * (last[0] - first[0]);
}
