// Thousands of listeners, hundreds of whom never read: the others hear everything, a failover goes its way, those who do
// not read are closed at the limit, and what they cost is bounded and comes back.
import { readFileSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { join } from 'node:path';
import { afterEach, expect, test } from 'vitest';
import type { SentinelNode } from '../../src/demo/nodes.ts';
import { until } from '../../src/demo/until.ts';
import { event, start } from './support.ts';

const IDLE = 5000;
const SLOW = 500;
/** Who read everything that is told. */
const GOOD = 10;
/** Those who ask, the links, files, and the other end of every connection of ours. */
const BESIDE = 500;

const LIMIT_BYTES = 1024 * 1024;
/**
 * What 500 clients that do not read may cost: the limit would allow 500 MB. All wait for the same buffers, and each needs
 * a few words to remember each of them.
 */
const COST_MAX_KB = 250_000;

const open: Socket[] = [];
afterEach(() => {
  for (const socket of open.splice(0)) socket.destroy();
});

/** How many descriptors a process may have, ours and the sentinel's: both have as many. */
function descriptors(): number {
  return Number(/^Max open files\s+(\d+)/m.exec(readFileSync('/proc/self/limits', 'latin1'))?.[1]);
}

/** Subscribe; resolves when that is answered, and reads on only where `reads`. */
function listen(to: { port: number; host: string } | { path: string }, channels: string, reads: boolean) {
  return new Promise<Socket>((resolve, reject) => {
    const socket = connect(to, () => socket.write(`SUBSCRIBE ${channels} +switch-master\r\n`));
    open.push(socket);
    let told = '';
    const read = (data: Buffer) => {
      told += data.toString('latin1');
      if (!told.includes('+switch-master')) return;
      socket.removeListener('data', read);
      if (reads) socket.resume();
      else socket.pause();
      resolve(socket);
    };
    socket.on('data', read);
    socket.on('error', reject);
  });
}

/** In groups, so that nobody waits in the backlog for longer than it takes. */
async function listeners(count: number, one: () => Promise<Socket>): Promise<Socket[]> {
  const found: Socket[] = [];
  while (found.length < count)
    found.push(...(await Promise.all(Array.from({ length: Math.min(200, count - found.length) }, one))));
  return found;
}

const residentKb = ({ pid }: SentinelNode) =>
  Number(/^VmRSS:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]);

const clientsOf = async (sentinel: SentinelNode) => Number((await sentinel.info('clients')).connected_clients);

const closedForLimit = (sentinel: SentinelNode) =>
  sentinel.log().match(/closed for overcoming of output buffer limits/g)?.length ?? 0;

const FLOOD = Array.from({ length: 20 }, () => ['auth-user', 'u'.repeat(8000)]).flat();

/** Tell so many bytes to everybody who listens, a bit more at each turn. */
async function tell(sentinel: SentinelNode, bytes: number): Promise<void> {
  for (let told = 0; told < bytes; told += 20 * 8000) await sentinel.command('SENTINEL', 'SET', 'flood', ...FLOOD);
}

test('5,000 who listen and 500 who do not read', { timeout: 240_000 }, async (context) => {
  const fits = descriptors() - BESIDE >= IDLE + SLOW;
  const [idle, slow] = fits ? [IDLE, SLOW] : [Math.floor((descriptors() - BESIDE) * 0.8), 50];
  if (idle < 100) context.skip();
  const config = [`client-output-buffer-limit pubsub ${LIMIT_BYTES} 0 0`, 'unixsocket s.sock'];
  // A link whose PING is not answered for half of down-after is made anew, which must not happen while links are counted.
  const topology = await start({ sentinels: [{ config }, {}, {}], downAfterMs: 5000 });
  const [sentinel] = topology.sentinels as [SentinelNode];
  await sentinel.command('SENTINEL', 'MONITOR', 'flood', '127.0.0.1', '1', '2');
  await sentinel.command('SENTINEL', 'SET', 'flood', 'down-after-milliseconds', '10000000');
  const before = await clientsOf(sentinel);
  const tcp = { port: sentinel.port, host: '127.0.0.1' };
  const idlers = await listeners(idle, () => listen(tcp, '+reset-master', true));
  const nothingYet = idlers[0]?.bytesRead ?? 0;
  const good = await listeners(GOOD, () => listen(tcp, '+set', true));
  const others = before + idle + GOOD;
  const alone = residentKb(sentinel);

  // Over a Unix socket, since the kernel keeps less for it: what a client does not read stays with the sentinel.
  for (let wave = 1; wave <= 2; wave++) {
    const sluggards = await listeners(slow, () => listen({ path: join(sentinel.dir, 's.sock') }, '+set', false));
    await until('all to be counted', async () => (await clientsOf(sentinel)) === others + slow);
    await tell(sentinel, LIMIT_BYTES / 2);
    if (wave === 1) {
      const from = performance.timeOrigin + performance.now();
      await topology.master.kill();
      await topology.agreedMaster({ not: topology.master });
      await event(sentinel, '+switch-master', { text: 'mymaster', from });
    }
    await until(
      'those who do not read to be closed',
      async () => {
        await tell(sentinel, 400_000);
        expect(residentKb(sentinel) - alone).toBeLessThan(COST_MAX_KB);
        return (await clientsOf(sentinel)) <= others && closedForLimit(sentinel) >= wave * slow;
      },
      { withinMs: 90_000 },
    );
    expect(closedForLimit(sentinel)).toBe(wave * slow);
    for (const socket of sluggards) socket.destroy();
  }

  // Nobody else was closed, and all of them have heard it.
  await until('the others to be all there are', async () => (await clientsOf(sentinel)) === others);
  expect(closedForLimit(sentinel)).toBe(2 * slow);
  await until('everybody to have heard of the switch', () => idlers.every((socket) => socket.bytesRead > nothingYet));
  expect([...idlers, ...good].every((socket) => !socket.destroyed)).toBe(true);
  expect(good.every((socket) => socket.bytesRead > 2 * LIMIT_BYTES)).toBe(true);
  for (const socket of [...idlers, ...good]) socket.destroy();
  await until('everybody to be gone', async () => (await clientsOf(sentinel)) === before);
  await topology.settled();
});
