// One conversation: requests go out on a connection of their own, our side ends, and all that comes back is read.
import { connect } from 'node:net';
import { encodeRequest } from './golden/connection.ts';
import { createReplyReader, type Reply } from './golden/replies.ts';

/** A server that does not hang up within this time after we did is taken for hung. */
const WITHIN_MS = 10_000;

export interface Exchange {
  /** Everything the server said, pushes included, in the order it came. */
  readonly replies: readonly Reply[];
  /** How it ended: `closed`, or `hung` when the server kept the connection although we had said everything. */
  readonly end: 'closed' | 'hung';
}

/** Say all of `requests` at once, and read until the server hangs up. */
export function exchange(port: number, requests: readonly (readonly string[])[]): Promise<Exchange> {
  return exchangeBytes(port, Buffer.concat(requests.map(encodeRequest)));
}

/** The same with bytes that need not be requests. */
export function exchangeBytes(port: number, bytes: Buffer): Promise<Exchange> {
  return new Promise((resolve, reject) => {
    const reader = createReplyReader();
    const socket = connect({ port, host: '127.0.0.1' });
    const settle = (end: Exchange['end']) => {
      clearTimeout(timer);
      socket.destroy();
      try {
        resolve({ replies: allOf(reader), end });
      } catch (error) {
        reject(error);
      }
    };
    const timer = setTimeout(() => settle('hung'), WITHIN_MS);
    socket.on('data', (chunk) => reader.feed(chunk));
    // A server that closes while we still talk resets the connection; what it said before has come.
    socket.on('error', (error: NodeJS.ErrnoException) => {
      if (error.code === 'ECONNREFUSED') reject(error);
      settle('closed');
    });
    socket.on('end', () => settle('closed'));
    socket.end(bytes);
  });
}

function allOf(reader: ReturnType<typeof createReplyReader>): Reply[] {
  const replies: Reply[] = [];
  for (let next = reader.next(); next !== undefined; next = reader.next()) replies.push(next);
  return replies;
}
