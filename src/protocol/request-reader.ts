// Bytes to requests. Limits, inline requests and every error text are ours; the arguments of a frame, each once it is
// known to be complete and within the limits, are read by redis-parser. The only importer of redis-parser.
import RedisParser from 'redis-parser';
import { type ByteQueue, createByteQueue } from './byte-queue.ts';
import { splitInline } from './inline.ts';

export interface ReaderLimits {
  /** `proto-max-bulk-len`: the longest argument. */
  readonly maxBulkBytes: number;
  /** `client-query-buffer-limit`: the most that may wait to be read. */
  readonly maxQueryBytes: number;
}

export type ReadOutcome =
  /** Arguments as byte strings: one character, one byte. There is at least one. */
  | { readonly kind: 'request'; readonly args: readonly string[] }
  /** The text of the error reply; the connection is to be closed behind it. */
  | { readonly kind: 'protocol-error'; readonly text: string }
  /** More is waiting than allowed: close without a word. */
  | { readonly kind: 'overflow' };

export interface RequestReader {
  feed(chunk: Buffer): void;
  /**
   * The next complete request. `undefined`: more bytes are needed, or an error was told before. `authenticated` counts
   * for this request only, since the one before it may have logged in.
   */
  next(authenticated: boolean): ReadOutcome | undefined;
  /**
   * Take copies of the request that was handed out last, as far as they stand directly behind it, `max` at most, and
   * return how many. Not all need be found: what is left is handed out by `next`.
   */
  takeRepeats(max: number): number;
  /** What was received and not yet handed out, the arguments of an unfinished request included. */
  bufferedBytes(): number;
}

/** A line may be this long, as for the genuine server. */
const LINE_MAX = 64 * 1024;
const ARGUMENTS_MAX = 2_147_483_647;
/** Before a password was given, requests are small (spec/commands.md §1.2). */
const UNAUTHENTICATED_ARGUMENTS_MAX = 10;
const UNAUTHENTICATED_BULK_MAX = 16_384;
/**
 * One request's weight, whatever the configuration allows: below the longest string V8 knows (2^29 - 24 characters), by
 * enough for the words of a reply around an argument that it repeats.
 */
const REQUEST_WEIGHT_MAX = 511 * 1024 * 1024;
/** What an argument weighs besides its bytes: its place in memory, and the words around it where a reply names each. */
const ARGUMENT_WEIGHT = 64;

const CR = 13;
const LF = 10;
const STAR = 42;
const DOLLAR = 36;

/** A multibulk request of which some arguments are missing. */
interface Frame {
  readonly args: string[];
  missing: number;
  /** Bytes of the next argument, header and line end included; `undefined` until its header was read. */
  awaited: number | undefined;
  /** Bytes of it that were taken from the queue. */
  taken: number;
  /** Its first bytes as they stood in the queue; all of it, if it came in one piece. */
  readonly front: Buffer;
}

/** The last short request, for clients that say the same again and again: it is compared, and not read. */
interface Remembered {
  readonly bytes: Buffer;
  readonly outcome: ReadOutcome;
  /** What is within the limits before a password was given is so behind it; the other way round, it may not be. */
  readonly authenticated: boolean;
}
/** Longer requests are rare, and remembering one costs memory for each client. */
const SHORT_MAX = 256;

/** What reading a part says: go on, wait for more bytes, or something to hand out. */
type Step = 'again' | undefined | ReadOutcome;

/**
 * Read one connection's requests. What is announced costs nothing; what was sent is kept until it is complete. Unless
 * too much waits at once, the outcome does not depend on how the bytes were cut into chunks.
 */
export function createRequestReader(limits: ReaderLimits): RequestReader {
  const queue = createByteQueue();
  const parse = createParser();
  let frame: Frame | undefined;
  let failed = false;
  let remembered: Remembered | undefined;
  /** The last request that was handed out is the remembered one. */
  let fresh = false;

  const fail = (outcome: ReadOutcome): ReadOutcome => {
    failed = true;
    queue.clear();
    frame = undefined;
    return outcome;
  };
  const protocolError = (text: string) => fail({ kind: 'protocol-error', text: `ERR Protocol error: ${text}` });
  const bufferedBytes = () => queue.length() + (frame?.taken ?? 0);

  function next(authenticated: boolean): ReadOutcome | undefined {
    let step: Step = 'again';
    fresh = false;
    while (step === 'again') {
      if (failed) return undefined;
      if (isTooMuch()) return fail({ kind: 'overflow' });
      if (frame !== undefined) step = readArgument(frame, authenticated);
      else if (remembered !== undefined && isRepeated(remembered, authenticated)) {
        queue.drop(remembered.bytes.length);
        fresh = true;
        step = remembered.outcome;
      } else if (queue.length() === 0) return undefined;
      else if (queue.at(0) !== STAR) step = readLine();
      else step = readShort(authenticated) ?? readCount(authenticated);
    }
    if (step === undefined) queue.settle();
    return step;
  }

  function isRepeated(last: Remembered, authenticated: boolean): boolean {
    return (authenticated || !last.authenticated) && queue.startsWith(last.bytes);
  }

  // Differs: the arguments of an unfinished request count together; redis-sentinel 7.0.15 counts what it has not cut out.
  // Differs: a request that weighs more than 511 MiB ends the connection (redis-sentinel 7.0.15 answers a PING of
  // 512 MiB). An argument or a reply longer than a string can be would throw, and end the process instead.
  function isTooMuch(): boolean {
    const bytes = bufferedBytes();
    const weight = bytes + ARGUMENT_WEIGHT * (frame?.args.length ?? 0);
    return bytes > limits.maxQueryBytes || weight > REQUEST_WEIGHT_MAX;
  }

  function readLine(): Step {
    // Differs: the genuine server lets a longer line pass when its end comes in the same packet; here it never does.
    const end = queue.find(LF, LINE_MAX + 1);
    if (end < 0) return queue.length() > LINE_MAX ? protocolError('too big inline request') : undefined;
    // Differs: the genuine server waits for ever behind a NUL byte; here it is a byte like any other.
    const line = queue.take(end + 1).toString('latin1', 0, end);
    const words = splitInline(line.endsWith('\r') ? line.slice(0, -1) : line);
    if (words === undefined) return protocolError('unbalanced quotes in request');
    return words.length === 0 ? 'again' : { kind: 'request', args: words };
  }

  /** A short request that is there as a whole, as nearly all are. What is unusual in any way is read step by step. */
  function readShort(authenticated: boolean): ReadOutcome | undefined {
    const front = queue.front();
    const length = shortFrame(front, limits.maxBulkBytes);
    if (length === undefined) return undefined;
    const bytes = front.subarray(0, length);
    queue.drop(length);
    return remember({ kind: 'request', args: parse(bytes) }, bytes, authenticated);
  }

  function remember(outcome: ReadOutcome, bytes: Buffer, authenticated: boolean): ReadOutcome {
    remembered = { bytes: Buffer.from(bytes), outcome, authenticated };
    fresh = true;
    return outcome;
  }

  function readCount(authenticated: boolean): Step {
    const end = endOfHeader();
    if (end === undefined) return undefined;
    if (end === 'too-long') return protocolError('too big mbulk count string');
    const count = integerAt(queue, 1, end - 2);
    const front = queue.front();
    queue.drop(end);
    if (count === undefined || count > ARGUMENTS_MAX) return protocolError('invalid multibulk length');
    if (!authenticated && count > UNAUTHENTICATED_ARGUMENTS_MAX)
      return protocolError('unauthenticated multibulk length');
    if (count > 0) frame = { args: [], missing: count, awaited: undefined, taken: end, front };
    return 'again';
  }

  function readArgument(open: Frame, authenticated: boolean): Step {
    if (open.awaited === undefined) {
      const awaited = readArgumentHeader(authenticated);
      if (typeof awaited !== 'number') return awaited;
      open.awaited = awaited;
    }
    if (queue.length() < open.awaited) return undefined;
    open.args.push(...parse(queue.take(open.awaited)));
    open.taken += open.awaited;
    open.awaited = undefined;
    open.missing -= 1;
    if (open.missing > 0) return 'again';
    frame = undefined;
    const outcome = { kind: 'request', args: open.args } as const;
    const isShort = open.taken <= Math.min(open.front.length, SHORT_MAX);
    return isShort ? remember(outcome, open.front.subarray(0, open.taken), authenticated) : outcome;
  }

  /** How many bytes the argument at the front has, all in all. The header stays where it is, for redis-parser. */
  function readArgumentHeader(authenticated: boolean): number | ReadOutcome | undefined {
    const end = endOfHeader();
    if (end === undefined) return undefined;
    if (end === 'too-long') return protocolError('too big bulk count string');
    // Looked at only now: redis-sentinel 7.0.15 waits for the line's end before it complains of how the line begins.
    const type = queue.at(0) ?? 0;
    if (type !== DOLLAR) return protocolError(`expected '$', got '${String.fromCharCode(type)}'`);
    const length = integerAt(queue, 1, end - 2);
    if (length === undefined || length < 0 || length > limits.maxBulkBytes) return protocolError('invalid bulk length');
    if (!authenticated && length > UNAUTHENTICATED_BULK_MAX) return protocolError('unauthenticated bulk length');
    return end + length + 2;
  }

  /** Bytes of the header line at the front, its end included; `undefined` while it is incomplete. */
  function endOfHeader(): number | 'too-long' | undefined {
    const end = queue.find(CR, LINE_MAX + 1);
    if (end < 0) return queue.length() > LINE_MAX ? 'too-long' : undefined;
    // The line feed has to be there as well; what it is, is not looked at, as with the genuine server.
    return end + 1 < queue.length() ? end + 2 : undefined;
  }

  return {
    feed(chunk) {
      if (!failed) queue.push(chunk);
    },
    next,
    takeRepeats(max) {
      if (!fresh || remembered === undefined) return 0;
      const times = queue.timesAtFront(remembered.bytes, max);
      if (times > 0) queue.drop(times * remembered.bytes.length);
      return times;
    },
    bufferedBytes,
  };
}

/**
 * The length of the request at the front of `bytes`, if it is a short one in the usual form and there as a whole: fewer
 * than ten arguments, plain lengths within the limit. So many are allowed to everybody.
 */
function shortFrame(bytes: Buffer, maxBulkBytes: number): number | undefined {
  const count = digit(bytes[1]);
  if (count === undefined || bytes[2] !== CR) return undefined;
  let at = 4;
  for (let left = count; left > 0; left -= 1) {
    if (bytes[at] !== DOLLAR) return undefined;
    let length = digit(bytes[at + 1]);
    for (at += 2; length !== undefined && bytes[at] !== CR; at += 1) {
      const next = digit(bytes[at]);
      length = next === undefined || length === 0 || length > SHORT_MAX ? undefined : 10 * length + next;
    }
    if (length === undefined || length > maxBulkBytes) return undefined;
    at += 2 + length + 2;
    if (at > bytes.length || at > SHORT_MAX) return undefined;
  }
  return count === 0 ? undefined : at;
}

function digit(byte = 0): number | undefined {
  return byte >= ZERO && byte < ZERO + 10 ? byte - ZERO : undefined;
}

/**
 * What reads one argument, a RESP2 bulk string, or a whole request; all of it is there. Given in parts, redis-parser
 * would keep them in a pool shared by all connections and start a timer to shrink it; given whole, it cuts the arguments
 * out of the bytes it got.
 */
function createParser(): (frame: Buffer) => string[] {
  let args: string[] = [];
  const parser = new RedisParser({
    returnBuffers: true,
    returnReply: (read: Buffer | readonly Buffer[]) => {
      args = Array.isArray(read) ? read.map(textOf) : [textOf(read as Buffer)];
    },
    returnError: (error: Error) => {
      throw error;
    },
  });
  return (frame) => {
    parser.execute(frame);
    return args;
  };
}

const textOf = (bytes: Buffer): string => bytes.toString('latin1');

/** The longest decimal integer of 64 bits, sign included. */
const INTEGER_LENGTH_MAX = 20;
/** So few digits are exact in a number and within 64 bits whatever they are. */
const SAFE_DIGITS = 15;
const ZERO = 48;

/**
 * The decimal integer of 64 bits from `start` up to `end`, not exact beyond 2^53; `undefined` for anything else: a plus
 * sign, leading zeros, blanks, nothing.
 */
function integerAt(queue: ByteQueue, start: number, end: number): number | undefined {
  const length = end - start;
  if (length === 0 || length > INTEGER_LENGTH_MAX) return undefined;
  const leads = (queue.at(start) ?? 0) - ZERO;
  // The usual header: plain digits. Read without making a text of them, since every argument has one.
  if (leads >= 1 && leads <= 9 && length <= SAFE_DIGITS) return digitsAt(queue, start, end);
  const text = String.fromCharCode(...Array.from({ length }, (_, index) => queue.at(start + index) ?? 0));
  if (!/^(0|-?[1-9]\d*)$/.test(text)) return undefined;
  const value = BigInt(text);
  return value === BigInt.asIntN(64, value) ? Number(value) : undefined;
}

function digitsAt(queue: ByteQueue, start: number, end: number): number | undefined {
  let value = 0;
  for (let index = start; index < end; index += 1) {
    const digit = (queue.at(index) ?? 0) - ZERO;
    if (digit < 0 || digit > 9) return undefined;
    value = value * 10 + digit;
  }
  return value;
}
