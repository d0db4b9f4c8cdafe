// The heap of deadlines: always the earliest first, nothing before its time.
import { expect, test } from 'vitest';
import { type DeadlineHeap, popDue, pushDeadline } from '../../src/core/deadlines.ts';

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
