// The time of a fake cluster: a queue of things to come, taken out in order. Nothing here looks at a real clock.
import type { Ms } from '../../src/core/state.ts';

interface Coming {
  readonly at: Ms;
  /** Of two things at one instant the one that was planned first comes first. */
  readonly order: number;
  readonly happen: () => void;
}

export interface FakeTime {
  now: Ms;
  readonly coming: Coming[];
  planned: number;
}

export function createTime(): FakeTime {
  return { now: 0, coming: [], planned: 0 };
}

const isBefore = (a: Coming, b: Coming) => a.at < b.at || (a.at === b.at && a.order < b.order);

/** Let something happen at `at`, or now if that has passed. */
export function plan(time: FakeTime, at: Ms, happen: () => void): void {
  const heap = time.coming;
  const entry: Coming = { at: Math.max(at, time.now), order: time.planned++, happen };
  let child = heap.length;
  heap.push(entry);
  while (child > 0) {
    const parent = (child - 1) >> 1;
    const above = heap[parent];
    if (above === undefined || isBefore(above, entry)) break;
    heap[child] = above;
    child = parent;
  }
  heap[child] = entry;
}

/** When the next thing comes; `Infinity` when nothing does. */
export function nextComing(time: FakeTime): Ms {
  return time.coming[0]?.at ?? Number.POSITIVE_INFINITY;
}

/** Take the next thing out and let it happen. */
export function happenNext(time: FakeTime): void {
  const heap = time.coming;
  const first = heap[0];
  const last = heap.pop();
  if (first === undefined || last === undefined) return;
  if (heap.length > 0) sink(heap, last);
  time.now = Math.max(time.now, first.at);
  first.happen();
}

function sink(heap: Coming[], last: Coming): void {
  let parent = 0;
  for (;;) {
    let child = 2 * parent + 1;
    let below = heap[child];
    const right = heap[child + 1];
    if (below !== undefined && right !== undefined && isBefore(right, below)) {
      child += 1;
      below = right;
    }
    if (below === undefined || isBefore(last, below)) break;
    heap[parent] = below;
    parent = child;
  }
  heap[parent] = last;
}
