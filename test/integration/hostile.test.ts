// Requests that were meant to end the process, or the group's failovers. They are asked of the server built from here
// and, where it is installed, of redis-sentinel, which has to answer the same.
import { readFileSync } from 'node:fs';
import { createServer, type Server } from 'node:net';
import { afterEach, describe, expect, test } from 'vitest';
import { until } from '../../src/demo/until.ts';
import { askOnce, textOf } from '../differential/golden/connection.ts';
import {
  type DataNodes,
  type SetupName,
  startDataNodes,
  startWorld,
  type World,
} from '../differential/golden/setups.ts';
import { genuineIsInstalled } from './support.ts';

const servers: Server[] = [];
let worlds: { readonly data: DataNodes; readonly world: World }[] = [];
afterEach(async () => {
  for (const server of servers.splice(0)) server.close();
  const ended = worlds;
  worlds = [];
  await Promise.all(ended.map(({ world, data }) => world.stop().then(() => data.stop())));
});

/** A sentinel that watches nobody yet, or `mymaster`. */
async function start(server: string, setup: SetupName = 'fresh'): Promise<World> {
  const data = await startDataNodes(setup);
  const world = await startWorld(setup, data, [], server);
  worlds.push({ data, world });
  return world;
}

describe.each(genuineIsInstalled ? ['ts', 'genuine'] : ['ts'])('%s', (server) => {
  test('words that every JavaScript object knows are unknown words', async () => {
    const { target, data } = await start(server);
    const say = async (...words: string[]) => textOf(await askOnce(target.port, ...words));
    await say('SENTINEL', 'MONITOR', 'mymaster', '127.0.0.1', String(data.deadPort), '1');
    for (const name of ['constructor', '__proto__', 'toString']) {
      const unknown = `ERR Unknown option or number of arguments for SENTINEL`;
      expect(await say('SENTINEL', 'SET', 'mymaster', name, 'x')).toBe(`${unknown} SET '${name}'`);
      expect(await say('SENTINEL', 'DEBUG', name, '5')).toBe(`${unknown} DEBUG '${name}'`);
      const invalid = `ERR Invalid argument '${name}' to SENTINEL CONFIG SET`;
      expect(await say('SENTINEL', 'CONFIG', 'SET', name, 'x')).toBe(invalid);
      expect(await say('CLIENT', 'LIST', 'TYPE', name)).toBe(`ERR Unknown client type '${name}'`);
      expect(await say('CLIENT', 'KILL', 'TYPE', name)).toBe(`ERR Unknown client type '${name}'`);
    }
    expect(target.child.exit).toBeUndefined();
  });
});

test.each([
  { why: 'a push without a channel', bytes: '>1\r\n$9\r\nsubscribe\r\n' },
  { why: 'a push that says nothing of what it is', bytes: '>1\r\n_\r\n' },
  { why: 'nulls that nobody asked for', bytes: '*-1\r\n'.repeat(20) },
  { why: 'more than there is memory for', bytes: '*30000000\r\n'.repeat(40) },
])('a peer that a PUBLISH has made up is a connection that breaks: $why', async ({ bytes }) => {
  const { target, data } = await start('ts', 'one-master');
  const master = data.nodes.master.port;
  let connections = 0;
  const listening = createServer((socket) => {
    connections += 1;
    socket.on('error', () => undefined);
    socket.once('data', () => socket.write(bytes));
  });
  servers.push(listening);
  await new Promise<void>((resolve) => listening.listen(0, '127.0.0.1', resolve));
  const { port } = listening.address() as { port: number };
  const hello = `127.0.0.1,${port},${'f'.repeat(40)},0,mymaster,127.0.0.1,${master},0`;
  await askOnce(master, 'PUBLISH', '__sentinel__:hello', hello);
  await until('the sentinel to come back to its peer', () => connections >= 3 || target.child.exit !== undefined);
  expect(target.child.exit).toBeUndefined();
  expect(textOf(await askOnce(target.port, 'PING'))).toBe('PONG');
});

test('an epoch out of all reach is neither taken nor saved, whether it is asked in or published', async () => {
  const { target, data } = await start('ts', 'one-master');
  const master = data.nodes.master.port;
  const epoch = '9223372036854775807';
  const ask = ['SENTINEL', 'IS-MASTER-DOWN-BY-ADDR', '127.0.0.1', String(master)];
  const vote = (inEpoch: string) => askOnce(target.port, ...ask, inEpoch, 'f'.repeat(40));
  const replyOf = (leader: string, inEpoch: string) => ({
    type: '*',
    value: [
      { type: ':', value: '0' },
      { type: '$', value: leader },
      { type: ':', value: inEpoch },
    ],
  });
  expect(await vote(epoch)).toEqual(replyOf('*', '0'));
  const hello = `127.0.0.1,${data.deadPort},${'f'.repeat(40)},${epoch},mymaster,127.0.0.1,${master},0`;
  await askOnce(master, 'PUBLISH', '__sentinel__:hello', hello);
  await askOnce(target.port, 'PUBLISH', '__sentinel__:hello', hello);
  expect(await vote('1')).toEqual(replyOf('f'.repeat(40), '1'));
  expect(readFileSync(target.confFile, 'utf8')).toContain('sentinel current-epoch 1\n');
});
