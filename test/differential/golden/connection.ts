// One client connection of a golden case: sends what the case says and hands its replies out one by one.
import { connect, type Socket } from 'node:net';
import { createReplyReader, type Reply, show } from './replies.ts';

export interface Connection {
  send(bytes: Buffer): void;
  /** The next reply; `closed` when the server hung up, `quiet` when nothing came within the time. */
  read(withinMs: number): Promise<Reply | 'closed' | 'quiet'>;
  close(): void;
}

/** A request as an array of bulk strings; one character of a text is one byte. */
export function encodeRequest(args: readonly string[]): Buffer {
  const words = args.map((arg) => `$${arg.length}\r\n${arg}\r\n`);
  return Buffer.from(`*${args.length}\r\n${words.join('')}`, 'latin1');
}

/** Connect from `localAddress`, if told, and wait until the connection stands. */
export async function openConnection(port: number, localAddress?: string): Promise<Connection> {
  const socket: Socket = connect({ port, host: '127.0.0.1', ...(localAddress === undefined ? {} : { localAddress }) });
  const reader = createReplyReader();
  let closed = false;
  let wake: () => void = () => undefined;
  const opened = new Promise<void>((resolve, reject) => {
    socket.once('connect', resolve);
    socket.once('error', reject);
  });
  socket.on('data', (chunk) => {
    reader.feed(chunk);
    wake();
  });
  // A connection that is reset is closed as well; `close` follows.
  socket.on('error', () => undefined);
  socket.on('close', () => {
    closed = true;
    wake();
  });
  socket.setNoDelay(true);
  await opened;
  return {
    send: (bytes) => void socket.write(bytes),
    async read(withinMs) {
      const deadline = performance.now() + withinMs;
      for (;;) {
        const reply = reader.next();
        if (reply !== undefined) return reply;
        if (closed) return 'closed';
        const leftMs = deadline - performance.now();
        if (leftMs <= 0) return 'quiet';
        await new Promise<void>((resolve) => {
          const timer = setTimeout(resolve, leftMs);
          wake = () => {
            clearTimeout(timer);
            resolve();
          };
        });
      }
    },
    close: () => socket.destroy(),
  };
}

/** Ask one question on a connection of its own, so that the server has no other client of ours afterwards. */
export async function askOnce(port: number, ...args: string[]): Promise<Reply> {
  const connection = await openConnection(port);
  try {
    connection.send(encodeRequest(args));
    const reply = await connection.read(5000);
    if (typeof reply === 'string') throw new Error(`${args.join(' ')}: ${reply}`);
    return reply;
  } finally {
    connection.close();
  }
}

/** The text of a reply that is one. */
export function textOf(reply: Reply): string {
  if (typeof reply.value !== 'string') throw new Error(`not a text: ${show(reply)}`);
  return reply.value;
}

/** A flat `[name, value, …]` reply as its fields. */
export function fieldsOf(reply: Reply): Record<string, string> {
  const items = (reply.value ?? []) as readonly Reply[];
  const fields: Record<string, string> = {};
  for (let at = 0; at + 1 < items.length; at += 2)
    fields[textOf(items[at] as Reply)] = String((items[at + 1] as Reply).value);
  return fields;
}
