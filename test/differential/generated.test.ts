// Requests that a program thought of, to redis-sentinel and to us in the same state: whatever differs is a bug of ours
// or stands, with its reason, in known-differences.json.
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { genuineIsInstalled } from '../integration/support.ts';
import { everyArity } from './commands.ts';
import { type Conversation, knownDifferences, unlistedDifference } from './known.ts';
import { type Pair, startPair } from './pair.ts';

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

  test.each(Object.entries(knownDifferences))('the known difference %s still is one', async (name, { example }) => {
    const seen = new Set<string>();
    expect(unlistedDifference(example, await pair.ask(example), seen)).toBeUndefined();
    expect([...seen], 'take it off known-differences.json').toContain(name);
  });
});
