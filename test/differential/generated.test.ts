// Requests that a program thought of, to redis-sentinel and to us in the same state: whatever differs is a bug of ours
// or stands, with its reason, in known-differences.json.
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { genuineIsInstalled } from '../integration/support.ts';
import { clientsSay } from './clients-say.ts';
import { everyArity } from './commands.ts';
import { type Conversation, knownDifferences, unlistedDifference } from './known.ts';
import { type Pair, startPair } from './pair.ts';
import { changesState, conversation, snapshot, undo } from './requests.ts';

/** `DIFFERENTIAL_SEED=n npm run test:differential` runs other conversations, or those of a failure again. */
const seed = Number(process.env.DIFFERENTIAL_SEED ?? 7015);
const RUNS = Number(process.env.DIFFERENTIAL_RUNS ?? 600);

if (!genuineIsInstalled) process.stdout.write('differential/generated: skipped, redis-sentinel is not installed\n');

describe.skipIf(!genuineIsInstalled)('generated', () => {
  let pair: Pair;
  beforeAll(async () => {
    pair = await startPair('replicas');
  });
  afterAll(() => pair?.stop());

  async function compare(conversations: readonly Conversation[]): Promise<string[]> {
    const found: string[] = [];
    for (const conversation of conversations) {
      const difference = unlistedDifference(conversation, await pair.ask(conversation));
      if (difference !== undefined) found.push(difference);
    }
    return found;
  }

  test('every command with every number of arguments', async () => {
    const { genuine } = await pair.ask([['COMMAND', 'LIST']]);
    const [list = []] = genuine.replies;
    const names = (list as readonly string[]).slice(1).map((name) => name.slice(1));
    expect(names.length).toBe(72);
    const conversations = everyArity(names);
    const found = await compare(conversations);
    await pair.ask([['ACL', 'DELUSER', 'mymaster']]);
    process.stdout.write(`differential: ${conversations.length} requests with every number of arguments\n`);
    expect(found.length, found.slice(0, 400).join('\n')).toBe(0);
  });

  /** Where the servers part in or after a conversation; they are in the same state before it and behind it. */
  async function differenceOf(requests: Conversation): Promise<string | undefined> {
    const said = unlistedDifference(requests, await pair.ask(requests));
    if (!changesState(requests)) return said;
    const after = unlistedDifference(snapshot, await pair.ask(snapshot));
    await pair.ask(undo);
    return said ?? (after === undefined ? undefined : `after ${JSON.stringify(requests)}\n${after}`);
  }

  test('requests that nobody thought of', async () => {
    await pair.ask(undo);
    let count = 0;
    const property = fc.asyncProperty(conversation, async (requests) => {
      count += requests.length;
      expect(await differenceOf(requests)).toBeUndefined();
    });
    // The smallest conversation that still shows the difference is what a failure tells.
    await fc.assert(property, { seed, numRuns: RUNS, endOnFailure: false });
    process.stdout.write(`differential: ${count} random requests, DIFFERENTIAL_SEED=${seed}\n`);
  });

  test.each([
    {
      what: 'RESP3: what a request causes is told before its reply, but for MONITOR',
      requests: [
        ['HELLO', '3'],
        ['PSUBSCRIBE', '*'],
        ['SENTINEL', 'SET', 'scratch', 'quorum', '3', 'PARALLEL-SYNCS', '2', 'quorum', '0', 'quorum', '9'],
        ['SENTINEL', 'RESET', 's*'],
        ['SENTINEL', 'REMOVE', 'scratch'],
        ['SENTINEL', 'MONITOR', 'scratch', '127.0.0.1', '{deadport}', '2'],
        ['SENTINEL', 'IS-MASTER-DOWN-BY-ADDR', '127.0.0.1', '{deadport}', '200', '{s2id}'],
        ['PING', 'end'],
      ],
    },
    {
      what: 'RESP3: a channel and each matching pattern tell it once',
      requests: [
        ['HELLO', '3'],
        ['PSUBSCRIBE', '+*', '*set'],
        ['SUBSCRIBE', '+set', '+set'],
        ['SENTINEL', 'SET', 'scratch', 'quorum', '3'],
        ['PUNSUBSCRIBE', '*set'],
        ['SENTINEL', 'SET', 'scratch', 'quorum', '4'],
        ['UNSUBSCRIBE'],
        ['SENTINEL', 'SET', 'scratch', 'quorum', '5'],
        ['PING'],
      ],
    },
    {
      what: 'RESP3: no replies wanted, pushes come all the same',
      requests: [
        ['HELLO', '3'],
        ['SUBSCRIBE', '+set'],
        ['CLIENT', 'REPLY', 'OFF'],
        ['SENTINEL', 'SET', 'scratch', 'quorum', '3'],
        ['SUBSCRIBE', '-odown'],
        ['CLIENT', 'REPLY', 'ON'],
        ['CLIENT', 'REPLY', 'SKIP'],
        ['SENTINEL', 'SET', 'scratch', 'quorum', '4'],
        ['PING'],
      ],
    },
    {
      what: 'RESP2: a subscriber may only talk about subscriptions, and may again do all without any',
      requests: [
        ['SUBSCRIBE', 'a', 'b'],
        ['PSUBSCRIBE', 'c*'],
        ['SENTINEL', 'MYID'],
        ['HELLO', '3'],
        ['AUTH', 'x'],
        ['nosuch'],
        ['sentinel', 'nosuch'],
        ['sentinel', 'master'],
        ['CLIENT', 'REPLY', 'OFF'],
        ['PING'],
        ['PING', 'x'],
        ['PING', 'x', 'y'],
        ['UNSUBSCRIBE', 'b', 'never', 'b'],
        ['PUNSUBSCRIBE'],
        ['PING'],
        ['UNSUBSCRIBE', 'a'],
        ['PING'],
        ['SENTINEL', 'MYID'],
        ['UNSUBSCRIBE'],
        ['PUNSUBSCRIBE'],
      ],
    },
    {
      what: 'RESP3 and back while subscribed',
      requests: [
        ['HELLO', '3'],
        ['SUBSCRIBE', '+set'],
        ['HELLO', '2'],
        ['PING'],
        ['HELLO', '3'],
        ['SENTINEL', 'SET', 'scratch', 'quorum', '3'],
        ['UNSUBSCRIBE'],
        ['HELLO', '3'],
      ],
    },
  ])('$what', async ({ requests }) => {
    await pair.ask(undo);
    expect(await differenceOf(requests)).toBeUndefined();
  });

  test.each(Object.entries(clientsSay))('what %s says, in both protocols', async (_, requests) => {
    expect(await differenceOf(requests)).toBeUndefined();
    expect(await differenceOf([['HELLO', '3'], ...requests])).toBeUndefined();
  });

  test.each(Object.entries(knownDifferences))('the known difference %s still is one', async (name, { example }) => {
    await pair.ask(undo);
    const seen = new Set<string>();
    expect(unlistedDifference(example, await pair.ask(example), seen)).toBeUndefined();
    await pair.ask(undo);
    expect([...seen], 'take it off known-differences.json').toContain(name);
  });
});
