// What subscribers are told, in which order and in which words, by redis-sentinel and by us when the same happens to
// both: to one that listens to all by a pattern in RESP2, and to one that names the channels in RESP3.
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { LEVEL } from '../../src/core/events.ts';
import { until } from '../../src/demo/until.ts';
import { genuineIsInstalled } from '../integration/support.ts';
import { knownEvents } from './known.ts';
import { type Listener, listenTo } from './listen.ts';
import { type Pair, SIDES, type Side, startPair } from './pair.ts';

const HEX = 'a1b2c3d4e5'.repeat(4);
const OTHER_HEX = '0f'.repeat(20);
const hello = (ip: string, id: string) =>
  ['PUBLISH', '__sentinel__:hello', `${ip},{deadport},${id},0,other,127.0.0.1,{deadport},0`] as const;

const CHANNELS = Object.keys(LEVEL);

if (!genuineIsInstalled) process.stdout.write('differential/events: skipped, redis-sentinel is not installed\n');

describe.skipIf(!genuineIsInstalled)('events', () => {
  let pair: Pair;
  const listeners = {} as Record<Side, { readonly byPattern: Listener; readonly byName: Listener }>;
  beforeAll(async () => {
    pair = await startPair('one-master');
    // One sentinel decides alone, and looks often enough for a test.
    await pair.ask([
      ['SENTINEL', 'SET', 'mymaster', 'quorum', '1'],
      ['SENTINEL', 'DEBUG', 'info-period', '500', 'publish-period', '500'],
    ]);
    for (const side of SIDES) {
      const world = pair.worlds[side];
      const byPattern = await listenTo(world, [['PSUBSCRIBE', '*']], 1);
      const named = [
        ['HELLO', '3'],
        ['SUBSCRIBE', ...CHANNELS],
        ['PSUBSCRIBE', '[+-]*', '-*'],
      ];
      listeners[side] = { byPattern, byName: await listenTo(world, named, 1 + CHANNELS.length + 2) };
    }
  });
  afterAll(async () => {
    for (const { byPattern, byName } of Object.values(listeners)) {
      byPattern.close();
      byName.close();
    }
    await pair?.stop();
  });

  /** What both listeners of both servers hear from `cause` on until the last line was told to each of them. */
  async function told(cause: () => Promise<unknown>, last: string | Readonly<Record<Side, string>>) {
    const all = SIDES.flatMap((side) =>
      Object.values(listeners[side]).map((listener) => ({
        listener,
        begin: listener.heard().length,
        last: typeof last === 'string' ? last : last[side],
      })),
    );
    await cause();
    const since = () => all.map(({ listener, begin }) => listener.heard().slice(begin));
    const isOver = () => since().every((heard, at) => heard.some((line) => line.includes(all[at]?.last ?? '')));
    await until('the last event to be told to all', isOver, {
      withinMs: 40_000,
      describe: () => JSON.stringify(since(), undefined, 1),
    });
    const [genuinePattern = [], genuineName = [], ourPattern = [], ourName = []] = since();
    return {
      genuine: { byPattern: genuinePattern, byName: genuineName },
      ours: { byPattern: ourPattern, byName: ourName },
    };
  }

  const both = (...requests: (readonly string[])[]) => pair.ask(requests);

  test.each([
    {
      what: 'MONITOR',
      requests: [['SENTINEL', 'MONITOR', 'other', '127.0.0.1', '{deadport}', '2']],
      last: '$+monitor',
    },
    {
      what: 'SET',
      requests: [
        ['SENTINEL', 'SET', 'other', 'quorum', '3', 'auth-pass', 'secret', 'AUTH-USER', 'u', 'auth-pass', ''],
        ['SENTINEL', 'SET', 'other', 'rename-command', 'PING', 'PONG', 'failover-timeout', '0'],
        ['SENTINEL', 'SET', 'other', 'down-after-milliseconds', '600000', 'rename-command', 'PING', 'ping'],
      ],
      last: 'rename-command PING ping',
    },
    {
      what: 'votes',
      requests: [
        ['SENTINEL', 'IS-MASTER-DOWN-BY-ADDR', '127.0.0.1', '{deadport}', '1', HEX],
        ['SENTINEL', 'IS-MASTER-DOWN-BY-ADDR', '127.0.0.1', '{deadport}', '1', OTHER_HEX],
        ['SENTINEL', 'IS-MASTER-DOWN-BY-ADDR', '127.0.0.1', '{deadport}', '3', OTHER_HEX],
      ],
      last: '{runid} 3',
    },
    {
      what: 'hellos: a new peer, one that moved, one that took the place of another',
      requests: [
        hello('127.0.0.2', HEX),
        hello('127.0.0.2', HEX),
        hello('127.0.0.3', HEX),
        hello('127.0.0.3', OTHER_HEX),
        ['SENTINEL', 'SET', 'other', 'quorum', '2'],
      ],
      last: 'quorum 2',
    },
    { what: 'RESET', requests: [['SENTINEL', 'RESET', 'oth*']], last: '$+reset-master' },
    {
      what: 'a master that does not answer',
      requests: [['SENTINEL', 'SET', 'other', 'down-after-milliseconds', '100']],
      last: '$+sdown',
    },
    { what: 'REMOVE', requests: [['SENTINEL', 'REMOVE', 'other']], last: '$-monitor' },
  ])('$what', async ({ requests, last }) => {
    const { genuine, ours } = await told(() => both(...requests), last);
    expect(ours.byPattern).toEqual(genuine.byPattern);
    expect(ours.byName).toEqual(genuine.byName);
    expect(genuine.byPattern.length).toBeGreaterThan(0);
  });

  const nodes = (run: (data: Pair['worlds'][Side]['data']['nodes']) => Promise<unknown>) => () =>
    Promise.all(SIDES.map((side) => run(pair.worlds[side].data.nodes)));

  /** Until the INFO of every replica has been read: who was never asked cannot be seen to be another one. */
  const allKnown = () =>
    until('the replicas to be known', async () => {
      const { genuine, ours } = await both(['SENTINEL', 'REPLICAS', 'mymaster']);
      return [genuine, ours].every(({ replies }) => !JSON.stringify(replies).includes('"$runid","$"'));
    });

  test.each([
    { what: 'a replica appears', cause: nodes(({ r1 }) => r1.start()), last: '$+slave' },
    { what: 'another replica appears', cause: nodes(({ r2 }) => r2.start()), last: '$+slave' },
    { what: 'a replica is restarted', cause: nodes(({ r2 }) => r2.restart()), last: '$+reboot' },
  ])('$what', async ({ cause, last }) => {
    await allKnown();
    const { genuine, ours } = await told(cause, last);
    expect(ours.byPattern).toEqual(genuine.byPattern);
    expect(ours.byName).toEqual(genuine.byName);
  });

  /** What one of the two tells elsewhere, or not at all, and why (known-differences.json). */
  const withoutKnown = (side: Side, heard: readonly string[], seen: Set<string>): string[] =>
    heard.filter((line) => {
      const known = Object.entries(knownEvents).find(([, entry]) => new RegExp(entry[side]).test(line));
      if (known !== undefined) seen.add(`${known[0]} ${side}`);
      return known === undefined;
    });

  test('a forced failover, and the way back of the old master', async () => {
    const old = 'slave 127.0.0.1:{mport} 127.0.0.1 {mport} @ mymaster 127.0.0.1 {r1port}';
    const { genuine, ours } = await told(() => both(['SENTINEL', 'FAILOVER', 'mymaster']), {
      genuine: `${old} new reported role is slave`,
      ours: `"$+slave","$${old}`,
    });
    const seen = new Set<string>();
    for (const listener of ['byPattern', 'byName'] as const)
      expect(withoutKnown('ours', ours[listener], seen)).toEqual(withoutKnown('genuine', genuine[listener], seen));
    const listed = Object.keys(knownEvents).flatMap((name) => SIDES.map((side) => `${name} ${side}`));
    expect([...seen].sort(), 'take it off known-differences.json').toEqual(listed.sort());
  });

  test('a killed master', async () => {
    // Both are to choose the same replica: otherwise chance decides between two that are alike.
    // Asked again where the failover has just closed the connections of clients.
    const prefer = nodes(({ r2 }) =>
      until('r2 to be preferred', async () => (await r2.command('CONFIG', 'SET', 'replica-priority', '10')) === 'OK'),
    );
    await prefer();
    await until('the priority to be known', async () => {
      const { genuine, ours } = await both(['SENTINEL', 'REPLICAS', 'mymaster']);
      return [genuine, ours].every(({ replies }) => JSON.stringify(replies).includes('"$slave-priority","$10"'));
    });
    const last = '"$+slave","$slave 127.0.0.1:{r1port} 127.0.0.1 {r1port} @ mymaster 127.0.0.1 {r2port}"';
    const { genuine, ours } = await told(
      nodes(({ r1 }) => r1.kill()),
      last,
    );
    const upTo = (heard: readonly string[]) => heard.slice(0, 1 + heard.findIndex((line) => line.includes(last)));
    expect(upTo(ours.byPattern)).toEqual(upTo(genuine.byPattern));
    expect(upTo(ours.byName)).toEqual(upTo(genuine.byName));
  });
});
