// Chance from a seed, so that a soak can be told to do the same again (mulberry32).

export interface Chance {
  /** A whole number from 0 on, below `limit`. */
  below(limit: number): number;
  of<T>(choices: readonly T[]): T;
  /** The same choices in an order of its own. */
  shuffled<T>(choices: readonly T[]): T[];
}

/** Create a source of chance. */
export function createChance(seed: number): Chance {
  let state = seed | 0;
  const next = () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
  const below = (limit: number) => Math.floor(next() * limit);
  return {
    below,
    of: <T>(choices: readonly T[]) => choices[below(choices.length)] as T,
    shuffled: (choices) => {
      const left = [...choices];
      return choices.map(() => left.splice(below(left.length), 1)[0] as (typeof choices)[number]);
    },
  };
}
