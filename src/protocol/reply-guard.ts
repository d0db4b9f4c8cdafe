// What nodes and peers may answer, checked before anybody makes room for it: frames of RESP2, in sizes that a sentinel
// has a use for. It looks at the frames only, and leaves to others what they mean.
// Differs: the genuine server reads what it gets, of any size, and pushes of RESP3 that it never asked for.

/** Where, in the bytes that were fed last, the last whole reply ends, and what is wrong with what follows it. */
export interface Fault {
  readonly goodBytes: number;
  readonly reason: string;
}

export interface ReplyGuard {
  /** The next bytes of a connection. After a fault there is no going on. */
  feed(chunk: Uint8Array): Fault | undefined;
}

/** An EXEC has five replies, everything else fewer; a reader makes room for the items of an array when it reads their number. */
const ITEMS_MAX = 1024;
/** Far above the INFO of a node with ten thousand replicas, which has less than 2 MB. */
const BYTES_MAX = 64 * 1024 * 1024;

const [CR, LF, MINUS, ZERO, NINE] = [0x0d, 0x0a, 0x2d, 0x30, 0x39];
const [BULK, ARRAY] = [0x24, 0x2a];
/** Of simple strings, errors and integers only the line is of interest, and that it ends as it should. */
const LINES: readonly number[] = [0x2b, 0x2d, 0x3a];

/** Create the guard of one connection. */
export function createReplyGuard(): ReplyGuard {
  /** What is still missing of the reply at hand: frames, and bytes of a bulk string with the CRLF behind it. */
  let frames = 0;
  let bulkBytes = 0;
  /** What it has had. */
  let items = 0;
  let bytes = 0;
  /** The frame whose line is being read. */
  let type: number | undefined;
  let size = '';
  let cr = false;

  /** A byte of a line, or of what comes before one. Returns what is wrong with it. */
  function take(byte: number): string | undefined {
    if (type === undefined) {
      if (byte !== BULK && byte !== ARRAY && !LINES.includes(byte)) return 'a reply that is not RESP2';
      type = byte;
      size = '';
      if (frames === 0) frames = 1;
    } else if (cr) {
      if (byte !== LF) return 'a line that does not end in CRLF';
      cr = false;
      return endLine(type);
    } else if (byte === CR) cr = true;
    else if (type === BULK || type === ARRAY) {
      const fits = (byte >= ZERO && byte <= NINE) || (byte === MINUS && size === '');
      if (!fits || size.length > 9) return 'a size that is none';
      size += String.fromCharCode(byte);
    }
    return undefined;
  }

  function endLine(of: number): string | undefined {
    type = undefined;
    frames -= 1;
    if (LINES.includes(of) || size === '-1') return undefined;
    if (size === '' || size.startsWith('-')) return 'a size that is none';
    const count = Number(size);
    if (of === BULK) {
      if (count > BYTES_MAX) return 'a reply that is too large';
      // Its end, and it is the end of the reply when its bytes are there.
      bulkBytes = count + 2;
      frames += 1;
      return undefined;
    }
    items += count;
    frames += count;
    return items > ITEMS_MAX ? 'a reply of too many parts' : undefined;
  }

  return {
    feed(chunk) {
      let goodBytes = 0;
      for (let at = 0; at < chunk.length; ) {
        const length = bulkBytes === 0 ? 1 : Math.min(bulkBytes, chunk.length - at);
        bytes += length;
        if (bytes > BYTES_MAX) return { goodBytes, reason: 'a reply that is too large' };
        if (bulkBytes === 0) {
          const reason = take(chunk[at] ?? 0);
          if (reason !== undefined) return { goodBytes, reason };
        } else {
          bulkBytes -= length;
          if (bulkBytes === 0) frames -= 1;
        }
        at += length;
        if (frames > 0 || type !== undefined) continue;
        goodBytes = at;
        items = 0;
        bytes = 0;
      }
      return undefined;
    },
  };
}
