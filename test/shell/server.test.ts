// The server on real loopback sockets over a fake engine: order of replies, turns and saves, limits, ends of connections.
import { connect, type Socket } from 'node:net';
import { expect, onTestFinished, test, vi } from 'vitest';
import type { Outcome } from '../../src/commands/outcome.ts';
import { type Delivery, deliveries } from '../../src/commands/pubsub.ts';
import { createSessions, type Sessions } from '../../src/commands/session.ts';
import { payload } from '../../src/core/events.ts';
import { freePorts } from '../../src/demo/ports.ts';
import { until } from '../../src/demo/until.ts';
import type { Engine } from '../../src/shell/engine.ts';
import { createSentinelServer, type SentinelServer, type ServerOptions } from '../../src/shell/server.ts';
import { createBench } from '../commands/bench.ts';

type Turn = { before(): void; deliver(saved: boolean): void; after(): void };

/** An engine without a core: turns end by setImmediate, or while a save is held, when the test releases it. */
function createFakeEngine(sessions: Sessions, publish: (messages: readonly Delivery[]) => void) {
  let turn: Turn[] = [];
  let late: (() => void)[] = [];
  let saving = false;
  let saves = true;
  const turnSizes: number[] = [];
  const endTurn = (saved: boolean) => {
    const ended = turn;
    turn = [];
    turnSizes.push(ended.length);
    for (const { before, after, deliver } of ended) {
      before();
      deliver(saved);
      after();
    }
  };
  /** What tells the events among `effects` to those who listen now. */
  const telling = (effects: Outcome['effects'] = []) => {
    const messages = effects.flatMap((effect) =>
      effect.kind === 'announce' ? deliveries(sessions, effect.event.name, payload(effect.event)) : [],
    );
    return () => publish(messages);
  };
  const engine: Engine = {
    input: () => undefined,
    start: () => undefined,
    request(run, deliver) {
      const work = () => {
        const outcome = run({ now: Math.trunc(performance.now()), wallMs: 0 });
        const [before, after] = [telling(outcome.effects), telling(outcome.after)];
        turn.push({ before, deliver: (saved) => deliver(outcome, saved), after });
        if (turn.length === 1) setImmediate(() => endTurn(saves));
      };
      if (saving) late.push(work);
      else work();
      return !saving;
    },
  };
  return {
    engine,
    turnSizes,
    failSaves() {
      saves = false;
    },
    holdSave() {
      saving = true;
    },
    release() {
      saving = false;
      const works = late;
      late = [];
      for (const work of works) work();
    },
    waiting: () => late.length,
  };
}

const MiB = 1024 * 1024;
const unlimited = { hardBytes: 0, softBytes: 0, softSeconds: 0 };

async function serve(options: Partial<ServerOptions> & { password?: string } = {}) {
  const { password, ...rest } = options;
  const bench = createBench(password === undefined ? {} : { password });
  const world = { ...bench.world, sessions: createSessions() };
  const [port = 0] = await freePorts(1);
  const log = vi.fn();
  const onShutdown = vi.fn();
  let server: SentinelServer | undefined;
  const fake = createFakeEngine(world.sessions, (messages) => server?.publish(messages));
  server = createSentinelServer({
    engine: fake.engine,
    world,
    places: { bind: ['127.0.0.1'], port, tlsPort: 0, backlog: 511 },
    tls: undefined,
    limits: { maxBulkBytes: 512 * MiB, maxQueryBytes: 1024 * MiB },
    maxClients: 100,
    idleSeconds: 0,
    keepAliveSeconds: 300,
    protectedMode: false,
    outputLimits: { normal: unlimited, pubsub: { hardBytes: 32 * MiB, softBytes: 8 * MiB, softSeconds: 60 } },
    log,
    onShutdown,
    ...rest,
  });
  await server.listen();
  onTestFinished(() => server.close());
  return {
    ...fake,
    server,
    world,
    state: bench.state,
    log,
    onShutdown,
    port,
    open: () => open(port),
    openFrom: open.bind(undefined, port),
  };
}

interface TestClient {
  readonly socket: Socket;
  readonly heard: { text: string; chunks: number; ended: boolean; closed: boolean };
  say(text: string): void;
  hears(what: string): Promise<unknown>;
}

/** Connect; half-open, so that what the server says to a client that said everything is seen. */
async function open(port: number, localAddress?: string): Promise<TestClient> {
  const address = localAddress === undefined ? {} : { localAddress };
  const socket = connect({ port, host: '127.0.0.1', allowHalfOpen: true, ...address });
  const heard = { text: '', chunks: 0, ended: false, closed: false };
  socket.on('data', (data) => {
    heard.text += data.toString('latin1');
    heard.chunks += 1;
  });
  socket.on('end', () => {
    heard.ended = true;
    socket.end();
  });
  socket.on('error', () => undefined);
  socket.on('close', () => {
    heard.closed = true;
  });
  onTestFinished(() => void socket.destroy());
  await new Promise<void>((resolve) => socket.once('connect', resolve));
  return {
    socket,
    heard,
    say: (text) => void socket.write(Buffer.from(text, 'latin1')),
    hears: (what) =>
      until(`the client to hear ${what}`, () => heard.text.includes(what), { everyMs: 2, withinMs: 5000 }),
  };
}

test('replies come in the order of the requests, those of one turn in one piece', async () => {
  const { open } = await serve();
  const client = await open();
  client.say('PING a\r\n*2\r\n$4\r\nPING\r\n$1\r\nb\r\nFOO\r\nPING c\r\n');
  await client.hears('$1\r\nc\r\n');
  expect(client.heard.text).toBe(
    "$1\r\na\r\n$1\r\nb\r\n-ERR unknown command 'FOO', with args beginning with: \r\n$1\r\nc\r\n",
  );
  expect(client.heard.chunks).toBe(1);
});

test('each reply of a pipeline is in the protocol that was chosen when its request ran', async () => {
  const { open } = await serve();
  const client = await open();
  const ask = 'sentinel get-master-addr-by-name nobody\r\n';
  client.say(`${ask}HELLO 3\r\n${ask}HELLO 2\r\n${ask}PING end\r\n`);
  await client.hears('end\r\n');
  expect(client.heard.text).toMatch(/^\*-1\r\n%6\r\n[^_]*\*0\r\n_\r\n\*12\r\n[^_]*\*0\r\n\*-1\r\n\$3\r\nend\r\n$/);
});

test('while a request waits for a save, those behind it wait as well, since it may log the client in', async () => {
  const { open, holdSave, release, waiting } = await serve({ password: 'sesame' });
  const client = await open();
  holdSave();
  client.say('AUTH sesame\r\nPING\r\n');
  await until('the first request to wait', () => waiting() === 1, { everyMs: 2 });
  client.say('PING 2\r\n');
  release();
  await client.hears('$1\r\n2\r\n');
  expect(client.heard.text).toBe('+OK\r\n+PONG\r\n$1\r\n2\r\n');
});

test.each([
  { why: 'the client is told so', reply: 'on', hears: '-ERR Failed to save config file. Check server logs.\r\n' },
  { why: 'unless it wants no replies', reply: 'OFF', hears: '' },
])('where the save failed, $why', async ({ reply, hears }) => {
  const { open, failSaves } = await serve();
  const client = await open();
  client.say(`CLIENT REPLY ${reply}\r\n`);
  if (reply === 'on') await client.hears('+OK\r\n');
  client.heard.text = '';
  failSaves();
  client.say('SENTINEL FLUSHCONFIG\r\nCLIENT REPLY ON\r\n');
  await client.hears('+OK\r\n');
  expect(client.heard.text).toBe(`${hears}+OK\r\n`);
});

test('a client that has said everything still hears everything, also behind a save; then the connection ends', async () => {
  const { open, holdSave, release, waiting } = await serve();
  const client = await open();
  holdSave();
  client.socket.end('PING 1\r\nPING 2\r\n');
  await until('the request to wait', () => waiting() === 1, { everyMs: 2 });
  release();
  await until('the end', () => client.heard.closed, { everyMs: 2 });
  expect(client.heard.text).toBe('$1\r\n1\r\n$1\r\n2\r\n');
});

test.each([
  { why: 'POST', says: 'PING\r\nPOST / HTTP/1.1\r\nPING\r\n', hears: '' },
  { why: 'Host:', says: 'Host: here\r\n', hears: '' },
  {
    why: 'a protocol error, behind the replies before it',
    says: 'PING\r\n*1\r\n!\r\nPING\r\n',
    hears: "+PONG\r\n-ERR Protocol error: expected '$', got '!'\r\n",
  },
  { why: 'its own CLIENT KILL', says: 'CLIENT KILL SKIPME no TYPE normal\r\nPING\r\n', hears: ':1\r\n' },
])('the connection is closed after $why; what follows is not heard', async ({ says, hears }) => {
  const { open, server, world } = await serve();
  const client = await open();
  client.say(says);
  await until('the end', () => client.heard.closed, { everyMs: 2 });
  expect(client.heard.text).toBe(hears);
  await until('the client to be forgotten', () => server.connectedClients === 0, { everyMs: 2 });
  expect(world.sessions.byId.size).toBe(0);
});

test('who was killed is gone at once: not listed, not counted again, told nothing', async () => {
  const { open } = await serve();
  const [victim, killer] = [await open(), await open()];
  victim.say('SUBSCRIBE +monitor\r\n');
  await victim.hears(':1\r\n');
  const before = victim.heard.text;
  killer.say('CLIENT KILL TYPE pubsub\r\nCLIENT KILL TYPE pubsub\r\nSENTINEL MONITOR m2 10.0.0.3 1 1\r\n');
  await killer.hears('+OK');
  expect(killer.heard.text).toBe(':1\r\n:0\r\n+OK\r\n');
  await until('the victim to notice', () => victim.heard.closed, { everyMs: 2 });
  expect(victim.heard.text).toBe(before);
});

test('a request of somebody who went away during a save leaves no listener behind', async () => {
  const { open, world, holdSave, release, waiting, server } = await serve();
  const client = await open();
  holdSave();
  client.say('SUBSCRIBE +sdown\r\n');
  await until('the request to wait', () => waiting() === 1, { everyMs: 2 });
  client.socket.resetAndDestroy();
  await until('the server to notice', () => server.connectedClients === 0, { everyMs: 2 });
  release();
  await new Promise((resolve) => setImmediate(resolve));
  expect(world.sessions.byChannel.size).toBe(0);
});

test('within one turn, who subscribes hears what happens later, who leaves what happened before', async () => {
  const { open } = await serve();
  const client = await open();
  const set = (quorum: number) => `SENTINEL SET mymaster quorum ${quorum}\r\n`;
  client.say(`HELLO 3\r\n${set(3)}SUBSCRIBE +set\r\n${set(4)}UNSUBSCRIBE +set\r\n${set(5)}PING\r\n`);
  await client.hears('+PONG');
  const heard = client.heard.text.match(/quorum \d|\+OK|(un)?subscribe(?=\r)/g);
  expect(heard).toEqual(['+OK', 'subscribe', 'quorum 4', '+OK', 'unsubscribe', '+OK']);
});

test('one RESP3 connection hears of its own SENTINEL SET before the reply, of its MONITOR behind it', async () => {
  const { open } = await serve();
  const client = await open();
  client.say('HELLO 3\r\nPSUBSCRIBE *\r\n');
  await client.hears('psubscribe');
  client.heard.text = '';
  client.say('SENTINEL SET mymaster quorum 3\r\n');
  await client.hears('+OK');
  expect(client.heard.text).toMatch(/^>4\r\n[\s\S]*quorum 3\r\n\+OK\r\n$/);
  client.heard.text = '';
  client.say('SENTINEL MONITOR m2 10.0.0.3 1 1\r\n');
  await client.hears('quorum 1');
  expect(client.heard.text).toMatch(/^\+OK\r\n>4\r\n/);
});

test('CLIENT REPLY OFF keeps replies back, and lets through what was subscribed to', async () => {
  const { open, server, world } = await serve();
  const client = await open();
  client.say('CLIENT REPLY OFF\r\nPING\r\nSUBSCRIBE +sdown\r\n');
  await client.hears('subscribe');
  server.publish(deliveries(world.sessions, '+sdown', 'master m'));
  await client.hears('master m');
  expect(client.heard.text).not.toContain('PONG');
});

test('CLIENT PAUSE holds requests of everybody back, answers them in order when it is over, and loses none', async () => {
  const { open } = await serve();
  const [first, second, third] = [await open(), await open(), await open()];
  first.say('CLIENT PAUSE 1500\r\nPING a\r\nPING b\r\n');
  await first.hears('+OK\r\n');
  second.say('PING c\r\nCLIENT UNPAUSE\r\nPING d\r\n');
  // What is wrong before it is run is told at once.
  third.say('FOO\r\n');
  await third.hears('-ERR unknown command');
  expect([first.heard.text, second.heard.text]).toEqual(['+OK\r\n', '']);
  await first.hears('+OK\r\n$1\r\na\r\n$1\r\nb\r\n');
  await second.hears('$1\r\nc\r\n+OK\r\n$1\r\nd\r\n');
});

test('CLIENT UNPAUSE lets go of what a pause of writes held back; who went away meanwhile is no matter', async () => {
  const { open, server } = await serve();
  const [peer, gone, operator] = [await open(), await open(), await open()];
  operator.say('CLIENT PAUSE 100000 WRITE\r\n');
  await operator.hears('+OK\r\n');
  for (const client of [peer, gone]) client.say('PUBLISH x y\r\nPING\r\n');
  operator.say('PING\r\n');
  await operator.hears('+OK\r\n+PONG\r\n');
  gone.socket.destroy();
  expect(peer.heard.text).toBe('');
  operator.say('CLIENT UNPAUSE\r\n');
  await peer.hears('-ERR Only HELLO messages are accepted by Sentinel instances.\r\n+PONG\r\n');
  await until('the other one to be gone', () => server.connectedClients === 2);
});

test('over maxclients: one line, and the end', async () => {
  const { open, server } = await serve({ maxClients: 1 });
  const first = await open();
  const refused = await open();
  await until('the end', () => refused.heard.closed, { everyMs: 2 });
  expect(refused.heard.text).toBe('-ERR max number of clients reached\r\n');
  expect([server.connectedClients, server.traffic.connectionsRejected]).toEqual([1, 1]);
  first.say('PING\r\n');
  await first.hears('+PONG');
});

test('who was not let in keeps no socket of ours, though it goes on talking and never reads', async () => {
  const { open, port } = await serve({ maxClients: 1 });
  await open();
  const refused = connect(port, '127.0.0.1').on('error', () => undefined);
  onTestFinished(() => void refused.destroy());
  // Our end is gone when what is sent to it breaks the connection.
  await until('our end to be gone', () => refused.destroyed || !refused.write('PING\r\n'), { withinMs: 3000 });
});

test.each([
  { why: 'another address, no password', from: '127.0.0.2', password: undefined, refused: true },
  { why: 'the loopback address', from: '127.0.0.1', password: undefined, refused: false },
  { why: 'a password is asked for', from: '127.0.0.2', password: 'sesame', refused: false },
])('protected mode: $why', async ({ from, password, refused }) => {
  const { openFrom } = await serve({ protectedMode: true, ...(password === undefined ? {} : { password }) });
  const client = await openFrom(from);
  client.say('PING\r\n');
  await client.hears('\r\n');
  expect(client.heard.text.startsWith('-DENIED Redis is running in protected mode')).toBe(refused);
  if (refused) await until('the end', () => client.heard.closed, { everyMs: 2 });
});

test('copies of one request are all answered and all counted, whatever stands between them', async () => {
  const { open, server, turnSizes } = await serve();
  const client = await open();
  const ping = '*1\r\n$4\r\nPING\r\n';
  const skip = '*3\r\n$6\r\nCLIENT\r\n$5\r\nREPLY\r\n$4\r\nSKIP\r\n';
  client.say(`${ping.repeat(600)}${skip}${ping.repeat(3)}HELLO 3\r\n${ping.repeat(2)}PING end\r\n`);
  await client.hears('end\r\n');
  const pongs = client.heard.text.split('\r\n').filter((line) => line === '+PONG');
  expect(pongs).toHaveLength(600 + 2 + 2);
  expect(server.traffic.commandsProcessed).toBe(600 + 1 + 3 + 1 + 2 + 1);
  expect(server.traffic.bytesOut).toBe(client.heard.text.length);
  // Not more than a turn has room for: 600 are more than two turns, and a handful of requests that were run.
  expect(turnSizes.length).toBeGreaterThanOrEqual(3);
  expect(turnSizes.reduce((sum, size) => sum + size, 0)).toBeLessThan(20);
});

test('a flood of requests is spread over turns, so that others are answered in between', async () => {
  const { open, turnSizes } = await serve();
  const [flooder, other] = [await open(), await open()];
  flooder.say('PING\r\n'.repeat(5000));
  other.say('PING between\r\n');
  await other.hears('between');
  expect(flooder.heard.text.length).toBeLessThan(5000 * '+PONG\r\n'.length);
  await until('all replies', () => flooder.heard.text.length === 5000 * '+PONG\r\n'.length, { everyMs: 2 });
  expect(Math.max(...turnSizes)).toBeLessThanOrEqual(257);
});

test('whoever does not read its replies is not read from; once it reads, it gets all of them', async () => {
  const { open, server } = await serve();
  const client = await open();
  client.socket.pause();
  const count = 7000;
  client.say(`${'COMMAND\r\n'.repeat(count)}PING end\r\n`);
  let before = -1;
  await until(
    'the server to stop',
    () => {
      const stopped = server.traffic.commandsProcessed > 0 && server.traffic.commandsProcessed === before;
      before = server.traffic.commandsProcessed;
      return stopped;
    },
    { everyMs: 200 },
  );
  // What the kernel holds for both ends comes on top of the megabyte.
  expect(server.traffic.commandsProcessed).toBeLessThan(count);
  expect(server.traffic.bytesOut).toBeLessThan(32 * MiB);
  client.socket.on('data', () => {
    if (client.heard.text.length > MiB) client.heard.text = client.heard.text.slice(-1000);
  });
  client.socket.resume();
  await until('the last reply', () => client.heard.text.endsWith('end\r\n'), { withinMs: 30_000 });
  expect(server.traffic.commandsProcessed).toBe(count + 1);
});

test.each([
  { why: 'more than the hard limit', limit: { hardBytes: 256 * 1024, softBytes: 0, softSeconds: 0 } },
  { why: 'more than the soft limit for too long', limit: { hardBytes: 0, softBytes: 64 * 1024, softSeconds: 0 } },
])('a subscriber that does not read is closed: $why; the others go on', async ({ limit }) => {
  const { open, server, world, log } = await serve({ outputLimits: { normal: unlimited, pubsub: limit } });
  const [slow, good] = [await open(), await open()];
  for (const client of [slow, good]) {
    client.say('SUBSCRIBE +sdown\r\n');
    await client.hears('subscribe');
  }
  slow.socket.pause();
  let told = 0;
  await until(
    'the slow one to be closed',
    () => {
      for (let at = 0; at < 20; at += 1) server.publish(deliveries(world.sessions, '+sdown', 'x'.repeat(64 * 1024)));
      told += 20;
      return server.connectedClients === 1;
    },
    { everyMs: 2 },
  );
  expect(log).toHaveBeenCalledWith('warning', expect.stringContaining('overcoming of output buffer limits'));
  server.publish(deliveries(world.sessions, '+sdown', 'the last one'));
  await good.hears('the last one');
  expect(good.heard.text.length).toBeGreaterThan(told * 64 * 1024);
});

test('who is idle for too long is closed, unless it listens', async () => {
  const { open, server, world } = await serve({ idleSeconds: 1 });
  const [idle, listener] = [await open(), await open()];
  listener.say('SUBSCRIBE +sdown\r\n');
  await listener.hears('subscribe');
  await until('the idle one to be closed', () => idle.heard.closed);
  expect(server.connectedClients).toBe(1);
  server.publish(deliveries(world.sessions, '+sdown', 'still here'));
  await listener.hears('still here');
});

test('SHUTDOWN ends the process, without a reply', async () => {
  const { open, onShutdown } = await serve();
  const client = await open();
  client.say('SHUTDOWN NOSAVE\r\n');
  await until('the order', () => onShutdown.mock.calls.length === 1, { everyMs: 2 });
  expect(client.heard.text).toBe('');
});
