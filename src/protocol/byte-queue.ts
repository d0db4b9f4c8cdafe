// Bytes in the order they came, in whatever pieces they came: searched once, joined once, and only as far as needed.
// So a large request in many small pieces costs no more than the same bytes in one.

export interface ByteQueue {
  push(chunk: Buffer): void;
  /** Bytes that wait. */
  length(): number;
  /** The byte at `index` from the front; `undefined` when it is not there yet. */
  at(index: number): number | undefined;
  /** Where `byte` stands first among the first `within` bytes, or -1. Asked again, it looks at new bytes only. */
  find(byte: number, within: number): number;
  /** The first bytes that stand in one piece; valid until the next change. */
  front(): Buffer;
  /** Do these bytes stand at the front, in one piece? They may stand there in pieces where the answer is no. */
  startsWith(bytes: Buffer): boolean;
  /** How often they stand there, one behind the other: as far as one piece shows it, and `max` at most. */
  timesAtFront(bytes: Buffer, max: number): number;
  /** Remove the first `count` bytes, which must be there, and return them as one piece. */
  take(count: number): Buffer;
  /** The same for bytes that nobody needs. */
  drop(count: number): void;
  /** Nothing will be taken for now: let go of memory of which only a small part still waits. */
  settle(): void;
  clear(): void;
}

/**
 * Pieces that wait are joined up to this size: a piece of one byte costs hundreds of bytes to keep, and whoever sends
 * byte by byte must not cost more memory than he sends.
 */
const BLOCK = 64 * 1024;
/** Above the size of Node's own pool of small buffers (8 KiB), which is shared and not ours to free. */
const WORTH_FREEING = 16 * 1024;

/** Create an empty queue. */
export function createByteQueue(): ByteQueue {
  let chunks: Buffer[] = [];
  /** Chunks before this one were taken. Moving the others forward each time would be quadratic in their number. */
  let head = 0;
  /** Bytes of the chunk at `head` that were taken. */
  let offset = 0;
  let length = 0;
  /** The first `searchedTo` bytes are known not to hold `searchedFor`. */
  let searchedFor = -1;
  let searchedTo = 0;

  function push(chunk: Buffer): void {
    if (chunk.length === 0) return;
    length += chunk.length;
    let whole = chunk;
    // A piece joins its neighbour only when that one is no longer: each byte is copied a logarithmic number of times.
    while (chunks.length > head) {
      const last = chunks.length - 1 === head ? trimmedHead() : (chunks.at(-1) as Buffer);
      if (last.length > whole.length || last.length + whole.length > BLOCK) break;
      whole = Buffer.concat([last, whole]);
      chunks.pop();
    }
    chunks.push(whole);
  }

  /** The chunk at `head` without what was taken of it. */
  function trimmedHead(): Buffer {
    const chunk = chunks[head] as Buffer;
    if (offset === 0) return chunk;
    const rest = chunk.subarray(offset);
    chunks[head] = rest;
    offset = 0;
    return rest;
  }

  function find(byte: number, within: number): number {
    const end = Math.min(within, length);
    const from = searchedFor === byte ? searchedTo : 0;
    let start = -offset;
    for (let next = head; next < chunks.length && start < end; next += 1) {
      const chunk = chunks[next] as Buffer;
      const found = start + chunk.length > from ? findIn(chunk, byte, Math.max(0, from - start), end - start) : -1;
      if (found >= 0) return start + found;
      start += chunk.length;
    }
    searchedFor = byte;
    searchedTo = Math.max(from, end);
    return -1;
  }

  function at(index: number): number | undefined {
    let place = offset + index;
    for (let next = head; next < chunks.length; next += 1) {
      const chunk = chunks[next] as Buffer;
      if (place < chunk.length) return chunk[place];
      place -= chunk.length;
    }
    return undefined;
  }

  function joined(count: number): Buffer {
    const first = chunks[head];
    if (first !== undefined && first.length - offset >= count) return first.subarray(offset, offset + count);
    const parts: Buffer[] = [];
    let missing = count;
    for (let next = head; missing > 0; next += 1) {
      const chunk = next === head ? trimmedHead() : (chunks[next] as Buffer);
      parts.push(chunk.length > missing ? chunk.subarray(0, missing) : chunk);
      missing -= Math.min(missing, chunk.length);
    }
    return Buffer.concat(parts, count);
  }

  function drop(count: number): void {
    length -= count;
    searchedFor = -1;
    offset += count;
    for (let chunk = chunks[head]; chunk !== undefined && offset >= chunk.length; chunk = chunks[head]) {
      offset -= chunk.length;
      chunks[head] = NOTHING;
      head += 1;
    }
    if (head === 0 || head * 2 < chunks.length) return;
    chunks = chunks.slice(head);
    head = 0;
  }

  function startsWith(bytes: Buffer): boolean {
    const first = chunks[head];
    const end = offset + bytes.length;
    return first !== undefined && end <= first.length && first.compare(bytes, 0, bytes.length, offset, end) === 0;
  }

  function timesAtFront(bytes: Buffer, max: number): number {
    const chunk = chunks[head];
    if (max < 1 || chunk === undefined || !startsWith(bytes)) return 0;
    const size = bytes.length;
    const most = Math.min(max, Math.floor((chunk.length - offset) / size));
    const end = offset + most * size;
    // What begins with them, and is equal to itself one of them further on, is nothing but them: one comparison for all.
    if (chunk.compare(chunk, offset + size, end, offset, end - size) === 0) return most;
    let times = 1;
    for (let at = offset + size; chunk.compare(bytes, 0, size, at, at + size) === 0; at += size) times += 1;
    return times;
  }

  function settle(): void {
    if (length === 0) return;
    const rest = trimmedHead();
    const held = rest.buffer.byteLength;
    if (held > WORTH_FREEING && rest.length * 4 < held) chunks[head] = Buffer.from(rest);
  }

  return {
    push,
    length: () => length,
    at,
    find,
    front: () => (head < chunks.length ? (chunks[head] as Buffer).subarray(offset) : NOTHING),
    startsWith,
    timesAtFront,
    take(count) {
      const bytes = joined(count);
      drop(count);
      return bytes;
    },
    drop,
    settle,
    clear() {
      chunks = [];
      head = 0;
      offset = 0;
      length = 0;
      searchedFor = -1;
    },
  };
}

/** Stands where a taken chunk stood, so that its memory is free before its place is. */
const NOTHING = Buffer.alloc(0);
/** Nearly every line is this short, and for so few bytes a loop beats the call into native code. */
const NEAR = 16;

/** Where `byte` stands in `chunk`, from `from` on and before `end`, or -1. */
function findIn(chunk: Buffer, byte: number, from: number, end: number): number {
  const stop = Math.min(end, chunk.length);
  const near = Math.min(from + NEAR, stop);
  for (let at = from; at < near; at += 1) if (chunk[at] === byte) return at;
  // Only as far as asked: behind a short line there may wait megabytes without the byte.
  const found = near < stop ? chunk.subarray(near, stop).indexOf(byte) : -1;
  return found < 0 ? -1 : near + found;
}
