// The request reader against input that is meant to break it. `npm run fuzz -- --inputs 1000000 --seed 1` is the long
// form of this; here it runs for a few seconds.
import { expect, test } from 'vitest';
import { createRequestReader, type ReadOutcome } from '../../src/protocol/request-reader.ts';
import { type Draw, drawFrom, type FuzzInput, fuzzInput } from './inputs.ts';

const INPUTS = Number(process.env.FUZZ_INPUTS ?? 40_000);
const SEED = Number(process.env.FUZZ_SEED ?? 7);
/** Far above what any input here weighs, far below what a leak of some bytes for each of a million inputs would. */
const HEAP_MAX = 400_000_000;

const limits = { maxBulkBytes: 536_870_912, maxQueryBytes: 1_073_741_824 };

/** Feed the pieces one by one, and read all there is after each. Nothing that is kept may exceed what was sent. */
function readAll(pieces: readonly Buffer[], authenticated: boolean): ReadOutcome[] {
  const reader = createRequestReader(limits);
  const found: ReadOutcome[] = [];
  let sent = 0;
  for (const piece of pieces) {
    reader.feed(piece);
    sent += piece.length;
    for (let next = reader.next(authenticated); next !== undefined; next = reader.next(authenticated)) found.push(next);
    if (reader.bufferedBytes() > sent) throw new Error(`${reader.bufferedBytes()} bytes kept of ${sent}`);
  }
  if (found.at(-1)?.kind === 'protocol-error' && reader.bufferedBytes() > 0)
    throw new Error('bytes kept after an error');
  return found;
}

/** Every way to cut an input that is tried: all places for a short one, chance and single bytes for others. */
function* cuttings(draw: Draw, bytes: Buffer): Generator<readonly Buffer[]> {
  if (bytes.length <= 2000) yield Array.from(bytes, (_, at) => bytes.subarray(at, at + 1));
  if (bytes.length <= 48)
    for (let cut = 1; cut < bytes.length; cut += 1) yield [bytes.subarray(0, cut), bytes.subarray(cut)];
  const pieces: Buffer[] = [];
  const longest = 1 + draw(bytes.length > 2000 ? 20_000 : 40);
  for (let at = 0; at < bytes.length; ) {
    const length = 1 + draw(longest);
    pieces.push(bytes.subarray(at, at + length));
    at += length;
  }
  yield pieces;
}

/** What is wrong with how an input is read; `undefined`: nothing. */
function fault({ valid, bytes, authenticated }: FuzzInput, draw: Draw): string | undefined {
  const whole = readAll([bytes], authenticated);
  for (const [at, args] of valid.entries()) {
    const read = whole[at];
    if (read?.kind !== 'request' || !same(read.args, args)) return `request ${at + 1} was not read`;
  }
  const expected = JSON.stringify(whole);
  for (const pieces of cuttings(draw, bytes)) {
    if (JSON.stringify(readAll(pieces, authenticated)) !== expected)
      return `cut in pieces of ${pieces.map(({ length }) => length)} it means something else`;
  }
  return undefined;
}

const same = (a: readonly string[], b: readonly string[]) =>
  a.length === b.length && a.every((arg, at) => arg === b[at]);

const heap = () => {
  const { heapUsed, external, arrayBuffers } = process.memoryUsage();
  return heapUsed + external + arrayBuffers;
};

test(
  'hostile input never throws, costs what it weighs, and means the same however it is cut',
  () => {
    const begunAt = performance.now();
    let peak = 0;
    for (let index = 0; index < INPUTS; index += 1) {
      const draw = drawFrom(SEED * 1_000_003 + index);
      const input = fuzzInput(draw);
      const shown = () =>
        `FUZZ_SEED=${SEED}, input ${index}: ${JSON.stringify(input.bytes.toString('latin1')).slice(0, 500)}`;
      let wrong: string | undefined;
      try {
        wrong = fault(input, draw);
      } catch (error) {
        throw new Error(shown(), { cause: error });
      }
      if (wrong !== undefined) expect.fail(`${shown()}\n${wrong}`);
      if (index % 1000 === 0) peak = Math.max(peak, heap());
    }
    const seconds = (performance.now() - begunAt) / 1000;
    const megabytes = Math.round(peak / 1_000_000);
    process.stdout.write(`fuzz: ${INPUTS} inputs, seed ${SEED}, ${seconds.toFixed(1)} s, heap peak ${megabytes} MB\n`);
    expect(peak).toBeLessThan(HEAP_MAX);
  },
  24 * 3_600_000,
);
