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
  /** What comes later, as a heap. */
  readonly coming: Coming[];
  /** What comes at this very instant, in order, from `first` up to `end`: most things are planned for then. */
  readonly atOnce: Coming[];
  first: number;
  end: number;
  planned: number;
}

/** Something that is put off again and again: it happens only at the last instant that was set. */
export interface Timer {
  /** What it is set to. */
  at: Ms;
  order: number;
  happen: () => void;
  /** What will look at the timer next: never later than it is set to. */
  waiting: Coming | undefined;
}

export function createTime(): FakeTime {
  return { now: 0, coming: [], atOnce: [], first: 0, end: 0, planned: 0 };
}

const isBefore = (a: Coming, b: Coming) => a.at < b.at || (a.at === b.at && a.order < b.order);

/** Let something happen at `at`, or now if that has passed. */
export function plan(time: FakeTime, at: Ms, happen: () => void): void {
  enqueue(time, { at: Math.max(at, time.now), order: time.planned++, happen });
}

export function createTimer(): Timer {
  return { at: 0, order: 0, happen: () => undefined, waiting: undefined };
}

/** Let something happen at `at` instead of what the timer was set to. Returns the timer's `order` until it is set again. */
export function setTimer(time: FakeTime, timer: Timer, at: Ms, happen: () => void): number {
  timer.at = Math.max(at, time.now);
  timer.order = time.planned++;
  timer.happen = happen;
  if (timer.waiting === undefined || timer.waiting.at >= timer.at) awaitTimer(time, timer);
  return timer.order;
}

function awaitTimer(time: FakeTime, timer: Timer): void {
  const { at, order } = timer;
  const waiting: Coming = {
    at,
    order,
    happen: () => {
      if (timer.waiting !== waiting) return;
      timer.waiting = undefined;
      if (timer.order === order) timer.happen();
      else awaitTimer(time, timer);
    },
  };
  timer.waiting = waiting;
  enqueue(time, waiting);
}

function enqueue(time: FakeTime, entry: Coming): void {
  if (entry.at > time.now) rise(time.coming, entry);
  else time.atOnce[time.end++] = entry;
}

function rise(heap: Coming[], entry: Coming): void {
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
  if (time.first < time.end) return time.now;
  return time.coming[0]?.at ?? Number.POSITIVE_INFINITY;
}

/** Take the next thing out and let it happen. */
export function happenNext(time: FakeTime): void {
  const next = time.first < time.end ? time.atOnce[time.first] : undefined;
  const later = time.coming[0];
  if (next !== undefined && (later === undefined || isBefore(next, later))) {
    time.first += 1;
    if (time.first === time.end) time.first = time.end = 0;
    next.happen();
  } else if (later !== undefined) {
    takeFirst(time.coming);
    time.now = later.at;
    later.happen();
  }
}

function takeFirst(heap: Coming[]): void {
  const last = heap.pop();
  if (last !== undefined && heap.length > 0) sink(heap, last);
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
