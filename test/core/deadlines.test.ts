// The heap of deadlines: always the earliest first, nothing before its time.
import { expect, test } from 'vitest';
import { type DeadlineHeap, keepDeadlines, popDue, pushDeadline } from '../../src/core/deadlines.ts';

test('whatever order they come in, they come out by time', () => {
  for (let seed = 1; seed <= 50; seed += 1) {
    const heap: DeadlineHeap = [];
    const times: number[] = [];
    for (let n = 0, random = seed; n < 200; n += 1) {
      random = (random * 48_271) % 2_147_483_647;
      times.push(random % 1000);
      pushDeadline(heap, { at: random % 1000, target: n });
    }
    const out: number[] = [];
    for (let next = popDue(heap, 2000); next !== undefined; next = popDue(heap, 2000)) out.push(next.at);
    expect(out).toEqual(times.sort((a, b) => a - b));
  }
});

test('nothing comes out before its time', () => {
  const heap: DeadlineHeap = [];
  expect(popDue(heap, 10)).toBeUndefined();
  pushDeadline(heap, { at: 5, target: 1 });
  expect(popDue(heap, 4)).toBeUndefined();
  expect(popDue(heap, 5)).toEqual({ at: 5, target: 1 });
  expect(heap).toEqual([]);
});

test('of two at one instant the older target comes first, whatever came in before', () => {
  const heap: DeadlineHeap = [];
  for (const target of [3, 1, 4, 2]) pushDeadline(heap, { at: 7, target });
  const out = [1, 2, 3, 4].map(() => popDue(heap, 7)?.target);
  expect(out).toEqual([1, 2, 3, 4]);
});

test('what no longer holds is forgotten, and what is there twice; the process may want several', () => {
  const heap: DeadlineHeap = [];
  for (const [at, target] of [
    [9, 1],
    [5, 1],
    [5, 1],
    [8, 2],
    [3, 0],
    [6, 0],
  ] as const)
    pushDeadline(heap, { at, target });
  keepDeadlines(heap, ({ at, target }) => target !== 1 || at === 5);
  const out: string[] = [];
  for (let next = popDue(heap, 10); next !== undefined; next = popDue(heap, 10))
    out.push(`${next.at} of ${next.target}`);
  expect(out).toEqual(['3 of 0', '5 of 1', '6 of 0', '8 of 2']);
});
