// Links on real loopback sockets: from which address of ours they come.
import { createServer, type Server } from 'node:net';
import { platform } from 'node:os';
import { afterEach, expect, test, vi } from 'vitest';
import { freePorts } from '../../src/demo/ports.ts';
import { until } from '../../src/demo/until.ts';
import { createLinks, type LinkEvents, type Links } from '../../src/shell/links.ts';

let links: Links | undefined;
let server: Server | undefined;
afterEach(() => {
  links?.closeAll();
  server?.close();
});

/** Connect to a server of our own; who it sees, and what the link tells. */
async function connect(from: string | undefined) {
  const seen: (string | undefined)[] = [];
  const [port = 0] = await freePorts(1);
  const listening = createServer((socket) => {
    seen.push(socket.remoteAddress);
    socket.on('data', () => socket.write('+PONG\r\n')).on('error', () => undefined);
  });
  server = listening;
  await new Promise<void>((resolve) => listening.listen(port, '127.0.0.1', resolve));
  const events = { connected: vi.fn(), closed: vi.fn(), reply: vi.fn(), message: vi.fn() } satisfies LinkEvents;
  links = createLinks(events, () => undefined, from);
  links.connect(1, '127.0.0.1', port);
  await until('the end of connecting', () => events.connected.mock.calls.length + events.closed.mock.calls.length > 0);
  return { seen, events, links };
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
