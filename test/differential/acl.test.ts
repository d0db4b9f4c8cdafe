// Users made by rules that a program thought of, in redis-sentinel and in ours: what is said of them, what they may do,
// and the files that either writes and the other reads.
import { copyFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { anyRules } from '../config/acl/any-rules.ts';
import { genuineIsInstalled } from '../integration/support.ts';
import { exchange } from './exchange.ts';
import type { Reply } from './golden/replies.ts';
import { startDataNodes, startWorld, type World } from './golden/setups.ts';
import { type Pair, SIDES, type Side, startPair } from './pair.ts';

if (!genuineIsInstalled) process.stdout.write('differential/acl: skipped, redis-sentinel is not installed\n');

/** One run is like the other: a seed that finds something is worth a line in rules.test.ts. */
const sample = <T>(arbitrary: fc.Arbitrary<T>, count: number) => fc.sample(arbitrary, { seed: 7, numRuns: count });

const good = sample(anyRules, 300);
/** Half of what people type is wrong. */
const bad = sample(
  fc.array(
    fc.constantFrom(
      ...['on', 'ON', 'x', '(', ')', '(+ping', '~a)', '()', '(on)', '(~a', '((x)', '+', '-', '+@', '-@all', '+@x'],
      ...['+ping|', '+client|', '+client|x', '-ping|x', '+client|list|x', '+ping|a', '+get', '%', '%R', '%~a', '%RW~b'],
      ...['%RR~c', '~', '~*', '~a b', '&', '&*', '&a b', '&x', '>', '<pw', '>pw', '#abc', '!abc', 'reset', '', ' '],
    ),
    { minLength: 1, maxLength: 5 },
  ),
  300,
);

const requests = [
  ...['PING', 'ROLE', 'INFO', 'INFO server', 'HELLO', 'AUTH x', 'PING Y', 'SHUTDOWN', 'COMMAND', 'COMMAND COUNT'],
  ...['SENTINEL masters', 'SENTINEL reset x', 'SENTINEL help', 'CLIENT list', 'CLIENT id', 'ACL whoami', 'ACL list'],
  ...['SUBSCRIBE a', 'SUBSCRIBE a bx', 'SUBSCRIBE bx zz +switch-master', 'PSUBSCRIBE b*', 'PSUBSCRIBE a b*'],
  ...['PUBLISH __sentinel__:hello x', 'PUBLISH zz x', 'UNSUBSCRIBE zz', 'PUNSUBSCRIBE', 'client', 'client x', 'get x'],
].map((text) => text.split(' '));

/** Single commands come in hash order there, in table order here. */
function inOneOrder(text: string): string {
  return text.replaceAll(/[+-]@all[^()"]*/g, (rules) => {
    const words = rules.trim().split(' ');
    const singles = words.filter((word) => !word.includes('@')).sort();
    return [...words.filter((word) => word.includes('@')), ...singles, rules.endsWith(' ') ? '' : undefined]
      .filter((word) => word !== undefined)
      .join(' ');
  });
}

const textOf = (reply: Reply) => inOneOrder(JSON.stringify(reply));

async function say(world: World, asked: readonly (readonly string[])[]): Promise<string[]> {
  return (await exchange(world.target.port, asked)).replies.map(textOf);
}

describe.skipIf(!genuineIsInstalled)('users', () => {
  let pair: Pair;
  const folder = mkdtempSync(join(tmpdir(), 'ts-sentinel-acl-'));
  const aclFile = { genuine: join(folder, 'genuine.acl'), ours: join(folder, 'ours.acl') };
  const started: World[] = [];

  beforeAll(async () => {
    pair = await startPair('fresh');
  });
  afterAll(async () => {
    await pair?.stop();
    await Promise.all(started.map((world) => world.stop()));
    rmSync(folder, { recursive: true, force: true });
  });

  async function startWith(side: Side, lines: readonly string[]): Promise<World> {
    const data = await startDataNodes('fresh');
    const world = await startWorld('fresh', data, lines, side === 'ours' ? 'ts' : 'genuine');
    started.push(world);
    return world;
  }

  async function compare(asked: readonly (readonly string[])[]): Promise<void> {
    const [genuine, ours] = await Promise.all(SIDES.map((side) => say(pair.worlds[side], asked)));
    const told = asked.map((words, at) => `${words.join(' ')}: `.slice(0, 300) + (genuine?.[at] ?? 'nothing'));
    expect(asked.map((words, at) => `${words.join(' ')}: `.slice(0, 300) + (ours?.[at] ?? 'nothing'))).toEqual(told);
  }

  test('the same commands: rights are worked out from all there are', async () => {
    const lists = await Promise.all(SIDES.map((side) => say(pair.worlds[side], [['COMMAND', 'LIST']])));
    const names = lists.map(([list = '']) => [...list.matchAll(/"([a-z|-]+)"/g)].map(([, name]) => name).sort());
    expect(names[1]).toEqual(names[0]);
  });

  test('what SETUSER says, and the users it makes', async () => {
    await compare(good.map((rules, at) => ['ACL', 'SETUSER', `good${at}`, ...rules]));
    await compare(bad.map((rules, at) => ['ACL', 'SETUSER', `bad${at}`, ...rules]));
    await compare([
      ['ACL', 'LIST'],
      ['ACL', 'USERS'],
    ]);
    const names = [...good.keys()].map((at) => `good${at}`);
    await compare(names.map((name) => ['ACL', 'GETUSER', name]));
  });

  test('what DRYRUN says they may do', async () => {
    const names = [...good.keys()].map((at) => `good${at}`);
    for (const request of requests) await compare(names.map((name) => ['ACL', 'DRYRUN', name, ...request]));
  });

  test('the file that one wrote is read by the other', async () => {
    for (const [writer, reader] of [SIDES, [...SIDES].reverse()] as const) {
      const { target } = pair.worlds[writer ?? 'ours'];
      await exchange(target.port, [['SENTINEL', 'FLUSHCONFIG']]);
      const lines = readFileSync(target.confFile, 'latin1').split('\n');
      const users = lines.filter((line) => line.startsWith('user ') && !line.startsWith('user default '));
      expect(users.length).toBeGreaterThan(good.length);
      const world = await startWith(reader ?? 'ours', users);
      const [read] = await say(world, [['ACL', 'LIST']]);
      const [written] = await say(pair.worlds[writer ?? 'ours'], [['ACL', 'LIST']]);
      expect(read).toBe(written);
    }
  });

  test('so is the ACL file', async () => {
    for (const file of Object.values(aclFile)) writeFileSync(file, 'user first on >pw +@all\n');
    const genuine = await startWith('genuine', [`aclfile ${aclFile.genuine}`]);
    const ours = await startWith('ours', [`aclfile ${aclFile.ours}`]);
    const makeAll = good.map((rules, at) => ['ACL', 'SETUSER', `u${at}`, ...rules]);
    for (const world of [genuine, ours]) await say(world, [...makeAll, ['ACL', 'SAVE']]);
    const [before] = await say(genuine, [['ACL', 'LIST']]);
    const theirs = readFileSync(aclFile.genuine, 'latin1');
    copyFileSync(aclFile.ours, aclFile.genuine);
    writeFileSync(aclFile.ours, theirs, 'latin1');
    for (const world of [genuine, ours]) {
      expect(
        await say(world, [
          ['ACL', 'LOAD'],
          ['ACL', 'LIST'],
        ]),
      ).toEqual(['{"type":"+","value":"OK"}', before]);
    }
  });

  test('a file that is wrong is told of in the same words', async () => {
    const lines = [
      ...[
        'user b nonsense +x',
        'user b',
        'foo',
        'user  c d',
        'user c\tx on',
        'user default on >pw',
        ' # x',
        'USER z on',
      ],
      ...['user x &* &a -@nosuch +@nosuch', 'user "q on', 'user e ( +ping ) (+role\t) \tnopass '],
    ];
    const [genuine, ours] = started.slice(-2);
    for (const text of [
      lines.join('\n'),
      lines.slice(0, 1).join('\n'),
      'user a on\r\n\r\nuser b (+ping) +@fast\r\n',
      '',
    ]) {
      for (const file of Object.values(aclFile)) writeFileSync(file, text);
      const answers: string[][] = [];
      for (const world of [genuine, ours])
        if (world !== undefined)
          answers.push(
            await say(world, [
              ['ACL', 'LOAD'],
              ['ACL', 'LIST'],
            ]),
          );
      const withoutName = answers.map((said) => said.map((each) => each.replaceAll(/[^" ]*(genuine|ours)\.acl/g, 'f')));
      expect(withoutName[1]).toEqual(withoutName[0]);
    }
  });
});
