// What a client may cost: connections, idle time, unread replies, unfinished requests. Each limit is asked of the server
// built from here and, where it is installed, of redis-sentinel, which has to behave the same.
import { readFileSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { afterEach, describe, expect, test } from 'vitest';
import { until } from '../../src/demo/until.ts';
import { encodeRequest } from '../differential/golden/connection.ts';
import { type DataNodes, startDataNodes, startWorld, type World } from '../differential/golden/setups.ts';
import { genuineIsInstalled } from './support.ts';

interface Talk {
  readonly socket: Socket;
  /** All that came so far, as a byte string. */
  text(): string;
  say(...args: string[]): void;
  closed(): boolean;
}

const open: Socket[] = [];
let worlds: { readonly data: DataNodes; readonly world: World }[] = [];
afterEach(async () => {
  for (const socket of open.splice(0)) socket.destroy();
  const ended = worlds;
  worlds = [];
  await Promise.all(ended.map(({ world, data }) => world.stop().then(() => data.stop())));
});

async function start(server: string, ...conf: string[]): Promise<World> {
  const data = await startDataNodes('fresh');
  const world = await startWorld('fresh', data, conf, server);
  worlds.push({ data, world });
  return world;
}

/** A client that writes down what it hears, and reads nothing more once it is paused. */
function talkTo({ target }: World, localAddress = '127.0.0.1'): Talk {
  const socket = connect({ port: target.port, host: '127.0.0.1', localAddress });
  open.push(socket);
  const chunks: Buffer[] = [];
  let closed = false;
  socket.on('data', (chunk) => chunks.push(chunk));
  socket.on('error', () => undefined);
  socket.on('close', () => {
    closed = true;
  });
  return {
    socket,
    text: () => Buffer.concat(chunks).toString('latin1'),
    say: (...args) => void socket.write(encodeRequest(args)),
    closed: () => closed,
  };
}

const hears = (talk: Talk, text: string) =>
  until(`"${text}"`, () => talk.text().includes(text), { describe: talk.text });
const isClosed = (talk: Talk) => until('the end of the connection', talk.closed, { describe: talk.text });

async function pongs(talk: Talk): Promise<void> {
  const before = talk.text().length;
  talk.say('PING');
  await until(
    'PONG',
    () => talk.text().slice(before).includes('+PONG\r\n') || talk.text().slice(before).includes('pong'),
    {
      describe: talk.text,
    },
  );
}

const servers = genuineIsInstalled ? ['ts', 'genuine'] : ['ts'];

describe.each(servers)('%s', (server) => {
  test('maxclients: one more than allowed is told so and closed; a place that gets free is taken', async () => {
    const world = await start(server, 'maxclients 3');
    const inside = [talkTo(world), talkTo(world), talkTo(world)];
    for (const talk of inside) await pongs(talk);
    const outside = talkTo(world);
    await isClosed(outside);
    expect(outside.text()).toBe('-ERR max number of clients reached\r\n');
    inside[0]?.socket.end();
    await until('a free place', async () => {
      const next = talkTo(world);
      next.say('PING');
      await until('an answer', () => next.text() !== '', { withinMs: 5000, everyMs: 5 });
      next.socket.destroy();
      return next.text() === '+PONG\r\n';
    });
  });

  test('timeout: an idle client is closed without a word, a subscriber is not', async () => {
    const world = await start(server, 'timeout 1');
    const subscriber = talkTo(world);
    subscriber.say('SUBSCRIBE', '+sdown');
    await hears(subscriber, 'subscribe');
    const idle = talkTo(world);
    await isClosed(idle);
    expect(idle.text()).toBe('');
    await pongs(subscriber);
  });

  test('protected mode: only the loopback address itself is let in while there is no password', async () => {
    const world = await start(server, 'protected-mode yes');
    const near = talkTo(world);
    await pongs(near);
    const far = talkTo(world, '127.0.0.2');
    await isClosed(far);
    expect(far.text()).toMatch(/^-DENIED Redis is running in protected mode because [^\r]*from the outside\.\r\n$/);
  });

  test('protected mode: with a password everybody may come and log in', async () => {
    const world = await start(server, 'protected-mode yes', 'user default on >secret ~* &* +@all').catch(
      () => undefined,
    );
    if (world === undefined) return;
    const far = talkTo(world, '127.0.0.2');
    far.say('AUTH', 'secret');
    await hears(far, '+OK\r\n');
  });

  test('an argument above proto-max-bulk-len, and more unread input than client-query-buffer-limit', async () => {
    const world = await start(server, 'proto-max-bulk-len 2mb', 'client-query-buffer-limit 1mb');
    const large = talkTo(world);
    large.socket.write('*1\r\n$2097153\r\n');
    await isClosed(large);
    expect(large.text()).toBe('-ERR Protocol error: invalid bulk length\r\n');
    const allowed = talkTo(world);
    allowed.say('PING', 'x'.repeat(900_000));
    await hears(allowed, 'x\r\n');
    const unread = talkTo(world);
    unread.socket.write(`*2\r\n$4\r\nPING\r\n$2000000\r\n${'x'.repeat(1_500_000)}`);
    await isClosed(unread);
    expect(unread.text()).toBe('');
  });

  // So much that neither kernel's socket buffers take it in.
  const FLOOD = ['SENTINEL', 'SET', 'm', ...Array.from({ length: 400 }, () => ['auth-user', 'u'.repeat(900)]).flat()];

  /** A subscriber that stopped reading, while event after event is told. */
  async function slowSubscriber(world: World, limitBytes: number) {
    const admin = talkTo(world);
    admin.say('SENTINEL', 'MONITOR', 'm', '127.0.0.1', '1', '2');
    await hears(admin, '+OK\r\n');
    const slow = talkTo(world);
    slow.say('SUBSCRIBE', '+set');
    await hears(slow, 'subscribe');
    slow.socket.pause();
    const listed = async () => {
      const before = admin.text().length;
      admin.say('CLIENT', 'LIST', 'TYPE', 'pubsub');
      return until('CLIENT LIST', () => /\$\d+\r\n([^$]*)\r\n$/.exec(admin.text().slice(before))?.[1], { everyMs: 5 });
    };
    for (let told = 0; told < limitBytes; told += 400 * 1000) {
      const before = admin.text().length;
      admin.say(...FLOOD);
      await until('+OK', () => admin.text().slice(before).includes('+OK\r\n'), { everyMs: 5 });
    }
    return { slow, listed, admin };
  }

  test('a subscriber that reads nothing is closed at the hard limit, and others go on', async () => {
    const world = await start(server, 'client-output-buffer-limit pubsub 1mb 0 0');
    const { slow, listed, admin } = await slowSubscriber(world, 14_000_000);
    await until('the subscriber to be gone', async () => !(await listed()).includes('sub=1'));
    await pongs(admin);
    slow.socket.resume();
    await isClosed(slow);
    // What fitted before has come, in whole messages but for the last.
    expect(slow.text().length).toBeGreaterThan(100_000);
  });

  test('a subscriber above the soft limit is closed when its seconds are over, although nothing more is told', async () => {
    // The seconds begin while there is still more to tell, and must not be over before all is told.
    const world = await start(server, 'client-output-buffer-limit pubsub 0 64kb 20');
    const { listed } = await slowSubscriber(world, 14_000_000);
    expect(await listed()).toContain('sub=1');
    const isGone = async () => !(await listed()).includes('sub=1');
    await until('the subscriber to be gone', isGone, { withinMs: 60_000 });
  });

  test('requests that only announce great sizes cost next to nothing', async () => {
    const world = await start(server);
    const admin = talkTo(world);
    await pongs(admin);
    const before = residentBytes(world);
    const hostile = Array.from({ length: 200 }, () => talkTo(world));
    for (const talk of hostile) talk.socket.write('*2147483647\r\n$536870912\r\nx');
    const sessions = async () => {
      const from = admin.text().length;
      admin.say('INFO', 'clients');
      await until('INFO', () => admin.text().slice(from).includes('clients_in_timeout_table'), { everyMs: 5 });
      return Number(/connected_clients:(\d+)/.exec(admin.text().slice(from))?.[1]);
    };
    await until('all to be connected', async () => (await sessions()) > 200);
    await pongs(admin);
    expect(residentBytes(world) - before).toBeLessThan(60_000_000);
  });
});

/** Memory of the sentinel's process that is really there. */
function residentBytes({ target }: World): number {
  const status = readFileSync(`/proc/${target.child.pid}/status`, 'latin1');
  return Number(/VmRSS:\s+(\d+) kB/.exec(status)?.[1]) * 1024;
}
