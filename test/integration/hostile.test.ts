// Requests that were meant to end the process, or the group's failovers. They are asked of the server built from here
// and, where it is installed, of redis-sentinel, which has to answer the same.
import { afterEach, describe, expect, test } from 'vitest';
import { askOnce, textOf } from '../differential/golden/connection.ts';
import { type DataNodes, startDataNodes, startWorld, type World } from '../differential/golden/setups.ts';
import { genuineIsInstalled } from './support.ts';

let worlds: { readonly data: DataNodes; readonly world: World }[] = [];
afterEach(async () => {
  const ended = worlds;
  worlds = [];
  await Promise.all(ended.map(({ world, data }) => world.stop().then(() => data.stop())));
});

/** A sentinel that watches nobody yet. */
async function start(server: string): Promise<World> {
  const data = await startDataNodes('fresh');
  const world = await startWorld('fresh', data, [], server);
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
