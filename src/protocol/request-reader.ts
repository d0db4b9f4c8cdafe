// Bytes to requests. Limits, inline requests and every error text are ours; the frames themselves, once they are known
// to be complete and within the limits, are read by redis-parser. The only importer of redis-parser.
import RedisParser from 'redis-parser';
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
  /** What was received and not yet read. */
  bufferedBytes(): number;
}

/** A line may be this long, as for the genuine server. */
const LINE_MAX = 64 * 1024;
const ARGUMENTS_MAX = 2_147_483_647;
/** Before a password was given, requests are small (spec/commands.md §1.2). */
const UNAUTHENTICATED_ARGUMENTS_MAX = 10;
const UNAUTHENTICATED_BULK_MAX = 16_384;

const CR = 13;
const LF = 10;
const STAR = 42;
const DOLLAR = 36;

/** How far the headers of a frame were checked: what is behind `at` was not looked at yet. */
interface Frame {
  /** Arguments whose header has not been seen; `undefined` before the count was read. */
  missing: number | undefined;
  at: number;
}

/** Read one connection's requests. What is announced costs nothing; what was sent is kept until it is complete. */
export function createRequestReader(limits: ReaderLimits): RequestReader {
  const chunks: Buffer[] = [];
  let buffer: Buffer = Buffer.alloc(0);
  let waiting = 0;
  let frame: Frame = { missing: undefined, at: 0 };
  let failed = false;
  /** No use in looking before so many bytes are there: spares joining a large argument at each of its chunks. */
  let needed = 0;

  let args: string[] = [];
  const parser = new RedisParser({
    returnBuffers: true,
    returnReply: (reply: Buffer[]) => {
      args = reply.map((argument) => argument.toString('latin1'));
    },
    returnError: (error: Error) => {
      throw error;
    },
  });

  const fail = (outcome: ReadOutcome): ReadOutcome => {
    failed = true;
    chunks.length = 0;
    buffer = Buffer.alloc(0);
    waiting = 0;
    return outcome;
  };
  const protocolError = (text: string) => fail({ kind: 'protocol-error', text: `ERR Protocol error: ${text}` });

  const join = () => {
    if (chunks.length === 0) return;
    buffer = buffer.length === 0 && chunks.length === 1 ? (chunks[0] as Buffer) : Buffer.concat([buffer, ...chunks]);
    chunks.length = 0;
    waiting = 0;
  };
  const consume = (bytes: number) => {
    buffer = buffer.subarray(bytes);
    frame = { missing: undefined, at: 0 };
    needed = 0;
  };

  function next(authenticated: boolean): ReadOutcome | undefined {
    for (;;) {
      if (failed) return undefined;
      if (buffer.length + waiting > limits.maxQueryBytes) return fail({ kind: 'overflow' });
      if (buffer.length + waiting < Math.max(1, needed)) return undefined;
      join();
      const outcome = buffer[0] === STAR ? readFrame(authenticated) : readLine();
      if (outcome !== 'again') return outcome;
    }
  }

  function readLine(): ReadOutcome | 'again' | undefined {
    const end = buffer.indexOf(LF);
    if (end < 0) {
      if (buffer.length > LINE_MAX) return protocolError('too big inline request');
      return undefined;
    }
    if (end > LINE_MAX) return protocolError('too big inline request');
    // Differs: the genuine server waits for ever behind a NUL byte; here it is a byte like any other.
    const line = buffer.toString('latin1', 0, buffer[end - 1] === CR ? end - 1 : end);
    const words = splitInline(line);
    if (words === undefined) return protocolError('unbalanced quotes in request');
    consume(end + 1);
    return words.length === 0 ? 'again' : { kind: 'request', args: words };
  }

  function readFrame(authenticated: boolean): ReadOutcome | 'again' | undefined {
    if (frame.missing === undefined) {
      const header = readHeader(0, 'too big mbulk count string');
      if (header === undefined || 'kind' in header) return header;
      const count = header.value;
      if (count === undefined || count > ARGUMENTS_MAX) return protocolError('invalid multibulk length');
      if (!authenticated && count > UNAUTHENTICATED_ARGUMENTS_MAX)
        return protocolError('unauthenticated multibulk length');
      if (count <= 0) {
        consume(header.end);
        return 'again';
      }
      frame = { missing: count, at: header.end };
    }
    return readArguments(authenticated);
  }

  function readArguments(authenticated: boolean): ReadOutcome | undefined {
    let { missing = 0, at } = frame;
    while (missing > 0) {
      if (at >= buffer.length) break;
      const type = buffer[at] ?? 0;
      if (type !== DOLLAR) return protocolError(`expected '$', got '${String.fromCharCode(type)}'`);
      const header = readHeader(at, 'too big bulk count string');
      if (header === undefined) break;
      if ('kind' in header) return header;
      const length = header.value;
      if (length === undefined || length < 0 || length > limits.maxBulkBytes)
        return protocolError('invalid bulk length');
      if (!authenticated && length > UNAUTHENTICATED_BULK_MAX) return protocolError('unauthenticated bulk length');
      at = header.end + length + 2;
      missing -= 1;
      frame = { missing, at };
    }
    // Behind the last header seen lies its argument, whole or not.
    needed = missing > 0 && at < buffer.length ? 0 : at + (missing > 0 ? 1 : 0);
    if (missing > 0 || buffer.length < at) return undefined;
    parser.execute(buffer.subarray(0, at));
    consume(at);
    return { kind: 'request', args };
  }

  /** A `*N` or `$N` line at `start`; `value` is `undefined` for anything but a plain number. */
  function readHeader(
    start: number,
    tooBig: string,
  ): { value: number | undefined; end: number } | ReadOutcome | undefined {
    const end = buffer.indexOf(CR, start);
    if (end < 0) return buffer.length - start > LINE_MAX ? protocolError(tooBig) : undefined;
    if (end - start > LINE_MAX) return protocolError(tooBig);
    // The line feed has to be there as well; what it is, is not looked at, as with the genuine server.
    if (end + 1 >= buffer.length) return undefined;
    return { value: strictInteger(buffer.toString('latin1', start + 1, end)), end: end + 2 };
  }

  return {
    feed(chunk) {
      if (failed || chunk.length === 0) return;
      chunks.push(chunk);
      waiting += chunk.length;
    },
    next,
    bufferedBytes: () => buffer.length + waiting,
  };
}

/** A decimal integer without plus sign, leading zeros or blanks. */
function strictInteger(text: string): number | undefined {
  if (!/^(0|-?[1-9]\d{0,18})$/.test(text)) return undefined;
  return Number(text);
}
