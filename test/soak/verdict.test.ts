// The arithmetic that the verdict of a soak rests on.
import { describe, expect, test } from 'vitest';
import type { Sample } from './sample.ts';
import { judge, LIMITS, rise, SAMPLES_MIN } from './verdict.ts';

const still: Sample = {
  minute: 0,
  heapKb: 9000,
  externalKb: 3000,
  residentKb: 70_000,
  sockets: 12,
  otherFiles: 20,
  handles: 18,
  confBytes: 1500,
  names: 3,
  delayP99Ms: 12,
  delayMaxMs: 30,
};
const samples = (count: number, of: (index: number) => Partial<Sample>): Sample[] =>
  Array.from({ length: count }, (_, index) => ({ ...still, minute: index / 4, ...of(index) }));
const growing = (all: readonly Sample[]) =>
  judge(all)
    .filter(({ grows }) => grows)
    .map(({ figure }) => figure);

describe('the rise of a line', () => {
  test.each([
    { why: 'nothing at all', points: [], expected: 0 },
    { why: 'one point', points: [[3, 7]], expected: 0 },
    {
      why: 'several at one time',
      points: [
        [1, 2],
        [1, 8],
      ],
      expected: 0,
    },
    {
      why: 'a line',
      points: [
        [0, 1],
        [1, 3],
        [4, 9],
      ],
      expected: 8,
    },
    {
      why: 'one that falls',
      points: [
        [0, 4],
        [2, 0],
      ],
      expected: -4,
    },
    {
      why: 'up and down around a level',
      points: [
        [0, 1],
        [1, 3],
        [2, 3],
        [3, 1],
      ],
      expected: 0,
    },
  ] satisfies { why: string; points: [number, number][]; expected: number }[])('$why', ({ points, expected }) => {
    expect(rise(points)).toBeCloseTo(expected);
  });
});

describe('the verdict', () => {
  test('stillness is no growth', () => {
    expect(growing(samples(100, () => ({})))).toEqual([]);
  });

  test('what grew in the first half only was warming up', () => {
    expect(growing(samples(100, (index) => ({ heapKb: 9000 + Math.min(index, 50) * 100 })))).toEqual([]);
  });

  test('one large value among many is no growth', () => {
    expect(growing(samples(100, (index) => ({ heapKb: index === 75 ? 19_000 : 9000 })))).toEqual([]);
  });

  test.each(Object.keys(LIMITS) as (keyof typeof LIMITS)[])('%s that rises above its limit is growth', (figure) => {
    const by = (LIMITS[figure].limit * 2.5) / 100;
    expect(growing(samples(100, (index) => ({ [figure]: still[figure] + by * index })))).toEqual([figure]);
  });

  test('with too few samples there is none', () => {
    expect(judge(samples(SAMPLES_MIN - 2, (index) => ({ heapKb: index * 1e6 })))).toEqual([]);
  });
});
