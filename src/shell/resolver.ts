// Host names are looked up here, by the system's resolver (hosts file, DNS and whatever else it knows), off the loop.
import { lookup } from 'node:dns/promises';
import { isSystemError } from './store.ts';

/** The IPs of a name, in the resolver's order; rejects when there are none. Tests bring their own. */
export type Lookup = (name: string) => Promise<readonly string[]>;

export interface ResolverEvents {
  resolved(name: string, ips: readonly string[]): void;
  failed(name: string, reason: string): void;
}

export interface Resolver {
  /** Look `name` up; one of the events tells how it ended, once for all who ask meanwhile. */
  resolve(name: string): void;
}

/**
 * The system's own lookup. It occupies a thread for as long as it takes, but of its four threads Node gives no more
 * than two to lookups, so that a slow DNS does not hold up saving.
 */
export const systemLookup: Lookup = async (name) => {
  // The core's texts are byte strings.
  const text = Buffer.from(name, 'latin1').toString('utf8');
  const found = await lookup(text, { all: true, verbatim: true });
  return found.map(({ address }) => address);
};

/** Create a resolver. A name is looked up once at a time, however often it is asked for. */
export function createResolver(events: ResolverEvents, lookUp: Lookup = systemLookup): Resolver {
  const underWay = new Set<string>();
  return {
    resolve(name) {
      if (underWay.has(name)) return;
      underWay.add(name);
      answerOf(lookUp, name).then((answer) => {
        underWay.delete(name);
        if (Array.isArray(answer)) events.resolved(name, answer);
        else events.failed(name, String(answer));
      });
    },
  };
}

/** Look names up together. Returns what is known after `withinMs`, at the latest; the rest is missing. */
export async function resolveAll(
  names: Iterable<string>,
  withinMs: number,
  lookUp: Lookup = systemLookup,
): Promise<ReadonlyMap<string, readonly string[]>> {
  const found = new Map<string, readonly string[]>();
  const all = Array.from(names, async (name) => {
    const answer = await answerOf(lookUp, name);
    if (Array.isArray(answer)) found.set(name, answer);
  });
  let timer: NodeJS.Timeout | undefined;
  const enough = new Promise((resolve) => {
    timer = setTimeout(resolve, withinMs);
  });
  await Promise.race([Promise.all(all), enough]);
  clearTimeout(timer);
  return new Map(found);
}

/** The IPs, or in words why there are none. */
async function answerOf(lookUp: Lookup, name: string): Promise<readonly string[] | string> {
  try {
    const ips = await lookUp(name);
    return ips.length > 0 ? ips : 'it has no address';
  } catch (error) {
    // Whatever a resolver does not like about a name is an answer about the name.
    if (isSystemError(error)) return error.code ?? error.message;
    throw error;
  }
}
