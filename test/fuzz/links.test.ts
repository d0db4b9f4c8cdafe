// Links against nodes and peers that answer what is meant to break them. `npm run fuzz` runs this as well, for one
// input in fifty of what it is told: each of them takes two real connections.
import { createServer, type Server } from 'node:net';
import { afterEach, expect, test, vi } from 'vitest';
import type { NodeReply } from '../../src/core/effects.ts';
import { createLinks, type Links } from '../../src/shell/links.ts';
import { type Draw, drawFrom } from './inputs.ts';
import { type FuzzAnswer, fuzzAnswer, fuzzSubscription } from './replies.ts';

const INPUTS = Math.ceil(Number(process.env.FUZZ_INPUTS ?? 40_000) / 50);
const SEED = Number(process.env.FUZZ_SEED ?? 7);

const REQUESTS = [['PING'], ['INFO'], ['EXEC'], ['PUBLISH', 'c', 'x']] as const;
const SUBSCRIPTION = [
  ['AUTH', 'secret'],
  ['SUBSCRIBE', 'c'],
] as const;

let server: Server | undefined;
let links: Links | undefined;
afterEach(() => {
  process.setUncaughtExceptionCaptureCallback(null);
  links?.closeAll();
  server?.close();
});

/** A server that gives `answers` in turn, one to each connection that asks, in up to two packets, and hangs up. */
async function listen(answers: FuzzAnswer[], draw: Draw): Promise<number> {
  const listening = createServer((socket) => {
    socket.setNoDelay().on('error', () => undefined);
    socket.once('data', () => {
      const { bytes } = answers.shift() ?? { bytes: Buffer.alloc(0) };
      const cut = draw(bytes.length + 1);
      socket.write(bytes.subarray(0, cut));
      setImmediate(() => socket.end(bytes.subarray(cut)));
    });
  });
  server = listening;
  await new Promise<void>((resolve) => listening.listen(0, '127.0.0.1', resolve));
  return (listening.address() as { port: number }).port;
}

test('whatever a node or peer answers ends its connection at worst, and what was right before is heard', async () => {
  const answers: FuzzAnswer[] = [];
  const port = await listen(answers, drawFrom(SEED));
  let shown = '';
  const thrown: string[] = [];
  process.setUncaughtExceptionCaptureCallback((error) => void thrown.push(`${shown}\n${error.stack}`));
  const heard: NodeReply[] = [];
  const closed = vi.fn();
  let ended: () => void = () => undefined;
  const made = createLinks({
    connected: (connection) => {
      for (const args of connection % 2 === 0 ? REQUESTS : SUBSCRIPTION) made.send(connection, args);
    },
    closed: (connection, reason) => {
      closed(connection, reason);
      ended();
    },
    reply: (connection, reply) => void (connection % 2 === 0 && heard.push(reply)),
    message: (connection, text) => void (connection % 2 === 1 && heard.push({ kind: 'text', text })),
  });
  links = made;
  for (let index = 0; index < 2 * INPUTS; index += 1) {
    const draw = drawFrom(SEED * 1_000_003 + index);
    const answer = index % 2 === 0 ? fuzzAnswer(draw, REQUESTS.length) : fuzzSubscription(draw);
    shown = `FUZZ_SEED=${SEED}, input ${index}: ${JSON.stringify(answer.bytes.toString('latin1')).slice(0, 500)}`;
    heard.length = 0;
    answers.push(answer);
    await new Promise<void>((resolve) => {
      ended = resolve;
      made.connect(index, '127.0.0.1', port);
    });
    expect(heard.slice(0, answer.heard.length), shown).toEqual(answer.heard);
    expect(thrown).toEqual([]);
  }
  expect(closed).toHaveBeenCalledTimes(2 * INPUTS);
  for (const [, reason] of closed.mock.calls) expect(reason).toMatch(/^[ -~]{1,200}$/);
}, 3_600_000);
