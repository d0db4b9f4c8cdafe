// Links on real loopback sockets: from which address of ours they come, what goes out, and how replies are put together.
import { createServer, type Server, type Socket } from 'node:net';
import { platform } from 'node:os';
import { afterEach, expect, test, vi } from 'vitest';
import { freePorts } from '../../src/demo/ports.ts';
import { until } from '../../src/demo/until.ts';
import { createLinks, type LinkEvents, type Links } from '../../src/shell/links.ts';

let links: Links | undefined;
let server: Server | undefined;
afterEach(() => {
  process.setUncaughtExceptionCaptureCallback(null);
  links?.closeAll();
  server?.close();
});

/** Connect to a server of our own; who it sees, what it reads, and what the link tells. */
async function connect(from: string | undefined, answer = '+PONG\r\n') {
  const seen: (string | undefined)[] = [];
  const sockets: Socket[] = [];
  const packets: string[] = [];
  const [port = 0] = await freePorts(1);
  const listening = createServer((socket) => {
    seen.push(socket.remoteAddress);
    sockets.push(socket.setNoDelay());
    socket.on('error', () => undefined);
    socket.on('data', (bytes) => {
      packets.push(bytes.toString('latin1'));
      socket.write(answer, 'latin1');
    });
  });
  server = listening;
  await new Promise<void>((resolve) => listening.listen(port, '127.0.0.1', resolve));
  const events = { connected: vi.fn(), closed: vi.fn(), reply: vi.fn(), message: vi.fn() } satisfies LinkEvents;
  links = createLinks(events, () => undefined, from);
  links.connect(1, '127.0.0.1', port);
  await until('the end of connecting', () => events.connected.mock.calls.length + events.closed.mock.calls.length > 0);
  return { seen, sockets, packets, port, events, links };
}

// Elsewhere than on Linux 127.0.0.1 is the only loopback address.
test.runIf(platform() === 'linux')(
  'bind-source-addr: from the address we are told, and requests go through',
  async () => {
    const { seen, events, links: open } = await connect('127.0.0.3');
    expect(seen).toEqual(['127.0.0.3']);
    expect(events.connected).toHaveBeenCalledWith(1, '127.0.0.3');
    open.send(1, ['PING']);
    await until('the reply', () => events.reply.mock.calls.length > 0);
    expect(events.reply).toHaveBeenCalledWith(1, { kind: 'text', text: 'PONG' });
  },
);

test('without it, from whichever the system takes', async () => {
  expect((await connect(undefined)).seen).toEqual(['127.0.0.1']);
});

test('an address that is not ours closes the link with the reason', async () => {
  const { seen, events } = await connect('198.51.100.99');
  expect(seen).toEqual([]);
  expect(events.closed).toHaveBeenCalledWith(1, expect.stringContaining('EADDRNOTAVAIL'));
});

test('what one turn has for a node leaves in one packet, byte by byte; its replies come in order', async () => {
  const { packets, events, links: open } = await connect(undefined, '+PONG\r\n-NOPERM no\r\n:9007199254740993\r\n');
  open.send(1, ['PING']);
  open.send(1, ['INFO']);
  open.send(1, ['PUBLISH', 'c', 'gr\xfc\xdfe \xff\0']);
  await until('the replies', () => events.reply.mock.calls.length === 3);
  expect(packets).toEqual([
    '*1\r\n$4\r\nPING\r\n*1\r\n$4\r\nINFO\r\n*3\r\n$7\r\nPUBLISH\r\n$1\r\nc\r\n$8\r\ngr\xfc\xdfe \xff\0\r\n',
  ]);
  expect(events.reply.mock.calls).toEqual([
    [1, { kind: 'text', text: 'PONG' }],
    [1, { kind: 'error', text: 'NOPERM no' }],
    [1, { kind: 'integer', value: 9007199254740993n }],
  ]);
});

test('a reply that comes in pieces stays whole while other links read', async () => {
  const { sockets, port, events, links: open } = await connect(undefined, '');
  open.connect(2, '127.0.0.1', port);
  await until('both connections', () => sockets.length === 2 && events.connected.mock.calls.length === 2);
  open.send(1, ['INFO']);
  open.send(2, ['PING']);
  for (const piece of ['$1', '0\r\n01', '234', '56789', '\r\n']) {
    const heard = events.reply.mock.calls.length;
    sockets[0]?.write(piece);
    sockets[1]?.write('+PONG\r\n');
    open.send(2, ['PING']);
    await until('the other link', () => events.reply.mock.calls.slice(heard).some(([connection]) => connection === 2));
  }
  await until('the reply', () => events.reply.mock.calls.some(([connection]) => connection === 1));
  expect(events.reply.mock.calls.filter(([connection]) => connection === 1)).toEqual([
    [1, { kind: 'text', text: '0123456789' }],
  ]);
});

test('behind a login a subscription is acknowledged, and its messages come as bytes', async () => {
  const subscribed = '*3\r\n$9\r\nsubscribe\r\n$1\r\nc\r\n:1\r\n';
  const { sockets, events, links: open } = await connect(undefined, '');
  await until('the connection', () => sockets.length > 0);
  open.send(1, ['AUTH', 'secret']);
  open.send(1, ['SUBSCRIBE', 'c']);
  sockets[0]?.write(`+OK\r\n${subscribed}*3\r\n$7\r\nmessage\r\n$1\r\nc\r\n$2\r\n\xfc!\r\n`, 'latin1');
  await until('the message', () => events.message.mock.calls.length > 0);
  expect(events.reply.mock.calls).toEqual([
    [1, { kind: 'text', text: 'OK' }],
    [1, { kind: 'integer', value: 1n }],
  ]);
  expect(events.message).toHaveBeenCalledWith(1, '\xfc!');
});

test('requests that a lost connection leaves unanswered are not answered', async () => {
  const { sockets, events, links: open } = await connect(undefined, '');
  await until('the connection', () => sockets.length > 0);
  open.send(1, ['PING']);
  open.send(1, ['INFO']);
  sockets[0]?.destroy();
  await until('the end', () => events.closed.mock.calls.length > 0);
  open.send(1, ['PING']);
  expect(events.reply).not.toHaveBeenCalled();
});

const SUBSCRIBED = '*3\r\n$9\r\nsubscribe\r\n$1\r\nc\r\n:1\r\n';

test.each([
  { why: 'a push that says nothing of what it is', ask: ['PING'], bytes: '>1\r\n_\r\n' },
  { why: 'a push without a channel', ask: ['PING'], bytes: '>1\r\n$9\r\nsubscribe\r\n' },
  { why: 'a null in the place of a subscription', ask: ['SUBSCRIBE', 'c'], bytes: '*-1\r\n' },
  { why: 'a subscription to no channel', ask: ['SUBSCRIBE', 'c'], bytes: '*1\r\n$9\r\nsubscribe\r\n' },
  { why: 'an empty array among messages', ask: ['SUBSCRIBE', 'c'], bytes: `${SUBSCRIBED}*0\r\n` },
  {
    why: 'a message without a text',
    ask: ['SUBSCRIBE', 'c'],
    bytes: `${SUBSCRIBED}*2\r\n$7\r\nmessage\r\n$1\r\nc\r\n`,
  },
  { why: 'no reply at all', ask: ['PING'], bytes: 'HTTP/1.1 400 Bad Request\r\n\r\n' },
  { why: 'more arrays in one another than anybody can read', ask: ['PING'], bytes: `${'*1\r\n'.repeat(1e5)}+x\r\n` },
  { why: 'more parts than there is memory for', ask: ['PING'], bytes: '*30000000\r\n'.repeat(100) },
])('$why ends its connection at once, and nothing else', async ({ ask, bytes }) => {
  const thrown: Error[] = [];
  process.setUncaughtExceptionCaptureCallback((error) => void thrown.push(error));
  const { sockets, port, events, links: open } = await connect(undefined, '');
  open.connect(2, '127.0.0.1', port);
  await until('both connections', () => sockets.length === 2 && events.connected.mock.calls.length === 2);
  open.send(1, ask);
  const heard = events.reply.mock.calls.length + events.message.mock.calls.length;
  const rest = `${SUBSCRIBED}*3\r\n$7\r\nmessage\r\n$1\r\nc\r\n$1\r\nx\r\n+PONG\r\n`;
  // The server does not hang up, and goes on as if nothing had happened.
  sockets[0]?.write(bytes + rest);
  await until('the end', () => events.closed.mock.calls.length > 0, { withinMs: 5000 });
  expect(events.closed.mock.calls).toEqual([[1, expect.stringMatching(/^[ -~]{1,200}$/)]]);
  expect(events.message).not.toHaveBeenCalled();
  expect(events.reply.mock.calls.length - heard).toBe(bytes.startsWith(SUBSCRIBED) ? 1 : 0);
  open.send(2, ['PING']);
  sockets[1]?.write('+PONG\r\n');
  await until('the other link', () => events.reply.mock.calls.some(([connection]) => connection === 2));
  expect(thrown).toEqual([]);
});

test('what the core throws at a reply or a message is a bug of ours: nobody catches it, and the link stays', async () => {
  const thrown: Error[] = [];
  process.setUncaughtExceptionCaptureCallback((error) => void thrown.push(error));
  const { sockets, events, links: open } = await connect(undefined, '');
  const [ofReply, ofMessage] = [new Error('reply'), new Error('message')];
  events.reply.mockImplementationOnce(() => {
    throw ofReply;
  });
  events.message.mockImplementationOnce(() => {
    throw ofMessage;
  });
  await until('the connection', () => sockets.length > 0);
  open.send(1, ['SUBSCRIBE', 'c']);
  sockets[0]?.write(`${SUBSCRIBED}*3\r\n$7\r\nmessage\r\n$1\r\nc\r\n$1\r\nx\r\n`);
  await until('both errors', () => thrown.length === 2);
  expect(thrown).toEqual([ofReply, ofMessage]);
  expect(events.closed).not.toHaveBeenCalled();
});
