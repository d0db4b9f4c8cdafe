// When the core next needs to be woken, as plain data: a binary heap of instants.
// Entries are never removed early; one that no longer matches its instance's `wakeAt` is skipped when it comes up.

export interface Deadline {
  readonly at: number;
  /** The instance to judge; 0 is the process itself. */
  readonly target: number;
}
export type DeadlineHeap = Deadline[];

/** Of two at one instant, the one of the older instance: what else is in the heap must make no difference. */
function isBefore(one: Deadline, other: Deadline): boolean {
  return one.at < other.at || (one.at === other.at && one.target < other.target);
}

/** Add a deadline: O(log n). */
export function pushDeadline(heap: DeadlineHeap, deadline: Deadline): void {
  let child = heap.length;
  heap.push(deadline);
  while (child > 0) {
    const parent = (child - 1) >> 1;
    const above = heap[parent];
    if (above === undefined || !isBefore(deadline, above)) break;
    heap[child] = above;
    child = parent;
  }
  heap[child] = deadline;
}

/** Take the earliest deadline out if it is due at `now`: O(log n). `undefined` when nothing is due. */
export function popDue(heap: DeadlineHeap, now: number): Deadline | undefined {
  const first = heap[0];
  if (first === undefined || first.at > now) return undefined;
  const last = heap.pop();
  if (last !== undefined && heap.length > 0) sink(heap, last);
  return first;
}

/** Forget all deadlines of instances but those that `holds` is true of, and of two equal ones the second: O(n log n). */
export function keepDeadlines(heap: DeadlineHeap, holds: (deadline: Deadline) => boolean): void {
  const seen = new Set<number>();
  for (const deadline of heap.splice(0).filter(holds)) {
    if (seen.has(deadline.target)) continue;
    if (deadline.target !== 0) seen.add(deadline.target);
    pushDeadline(heap, deadline);
  }
}

function sink(heap: DeadlineHeap, last: Deadline): void {
  let parent = 0;
  for (;;) {
    let child = 2 * parent + 1;
    let below = heap[child];
    const right = heap[child + 1];
    if (below !== undefined && right !== undefined && isBefore(right, below)) {
      child += 1;
      below = right;
    }
    if (below === undefined || !isBefore(below, last)) break;
    heap[parent] = below;
    parent = child;
  }
  heap[parent] = last;
}
