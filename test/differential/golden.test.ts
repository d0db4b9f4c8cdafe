// The recorded replies of redis-sentinel 7.0.15, asked of the server built from here (GOLDEN_SERVER=genuine: of the
// genuine one, which proves the harness). What is meant to differ is listed with its reason.
import { readFileSync } from 'node:fs';
import { afterAll, describe, expect, test } from 'vitest';
import { genuineIsInstalled } from '../integration/support.ts';
import { type GoldenCase, runCase } from './golden/run-case.ts';
import { type DataNodes, isGenuine, type SetupName, startDataNodes, startWorld, type World } from './golden/setups.ts';

const read = (name: string) => JSON.parse(readFileSync(new URL(`./golden/${name}`, import.meta.url), 'utf8'));

/** A case as it is to go with us: in its JSON text, each first text stands for what was recorded. */
interface Difference {
  readonly why: string;
  readonly replace: readonly (readonly [recorded: string, ours: string])[];
}
const [, ...cases] = read('golden-commands.json') as readonly [unknown, ...GoldenCase[]];
const knownDifferences = read('../known-differences.json').golden as Readonly<Record<string, Difference>>;

const shared = new Map<SetupName, Promise<World>>();
const sharedData = new Map<SetupName, Promise<DataNodes>>();

function once<K, V>(known: Map<K, Promise<V>>, key: K, make: () => Promise<V>): Promise<V> {
  const existing = known.get(key) ?? make();
  known.set(key, existing);
  return existing;
}

const dataOf = (setup: SetupName) => once(sharedData, setup, () => startDataNodes(setup));

/** Run `golden` in the world it asks for: the shared one, or its own, which ends with it. */
async function runInItsWorld(golden: GoldenCase): Promise<void> {
  const { setup, isolated, conf = [] } = golden;
  if (isolated === undefined) {
    const data = await dataOf(setup);
    return runCase(golden, await once(shared, setup, () => startWorld(setup, data, [])));
  }
  // Its own data nodes as well: sentinels that watch the same node find each other there.
  const data = await startDataNodes(setup);
  try {
    const world = await startWorld(setup, data, conf);
    await runCase(golden, world).finally(() => world.stop());
  } finally {
    await data.stop();
  }
}

/** The case with our known differences in it: all the rest of it still has to be as recorded. */
function asOurs(golden: GoldenCase): GoldenCase {
  const { replace = [] } = isGenuine ? {} : (knownDifferences[golden.id] ?? {});
  let text = JSON.stringify(golden);
  for (const [recorded, ours] of replace) {
    expect(text, `known-differences.json, ${golden.id}`).toContain(recorded);
    text = text.replaceAll(recorded, ours);
  }
  return JSON.parse(text) as GoldenCase;
}

const counts = { asRecorded: 0, different: 0 };

afterAll(async () => {
  for (const world of shared.values()) await world.then((each) => each.stop()).catch(() => undefined);
  for (const data of sharedData.values()) await data.then((each) => each.stop()).catch(() => undefined);
  const { asRecorded, different } = counts;
  process.stdout.write(
    `golden: of ${cases.length} cases ${asRecorded} pass as recorded, ${different} with a known difference\n`,
  );
});

describe.skipIf(isGenuine && !genuineIsInstalled)('golden', () => {
  test.each(cases)('$id', async (golden) => {
    await runInItsWorld(asOurs(golden));
    counts[!isGenuine && golden.id in knownDifferences ? 'different' : 'asRecorded'] += 1;
  });
});

test('the list names only cases that exist', () => {
  const known = new Set(cases.map(({ id }) => id));
  expect(Object.keys(knownDifferences).filter((id) => !known.has(id))).toEqual([]);
});
