// A failing trial made smaller: fewer faults, plainer settings, less time, as long as the same rule is broken.
import { runTrial } from './run.ts';
import type { Fault, Trial } from './trial.ts';

/** The smallest trial found that breaks `rule` as `trial` does. Takes a few hundred runs at most. */
export async function shrink(trial: Trial, rule: string): Promise<Trial> {
  let best = trial;
  const tryOut = async (candidate: Trial): Promise<boolean> => {
    const { violation } = await runTrial(candidate);
    if (violation?.rule !== rule) return false;
    best = candidate;
    return true;
  };
  await dropFaults(() => best, tryOut);
  for (const simpler of SIMPLER) await tryOut({ ...best, ...simpler(best) });
  await shortenFaults(() => best, tryOut);
  await dropFaults(() => best, tryOut);
  return best;
}

type TryOut = (candidate: Trial) => Promise<boolean>;

/** Half of the faults at once, then a quarter, down to each one alone. */
async function dropFaults(best: () => Trial, tryOut: TryOut): Promise<void> {
  for (let size = Math.ceil(best().faults.length / 2); size >= 1; size = size === 1 ? 0 : Math.ceil(size / 2))
    for (let at = 0; at < best().faults.length; ) {
      const faults = best().faults.filter((_, index) => index < at || index >= at + size);
      if (!(await tryOut({ ...best(), faults }))) at += size;
    }
}

async function shortenFaults(best: () => Trial, tryOut: TryOut): Promise<void> {
  for (let at = 0; at < best().faults.length; at += 1)
    for (const divisor of [8, 2]) {
      const shorter = (fault: Fault): Fault => ({ ...fault, for: Math.ceil(fault.for / divisor) });
      const faults = best().faults.map((fault, index) => (index === at ? shorter(fault) : fault));
      if (await tryOut({ ...best(), faults })) break;
    }
}

const everybody = (trial: Trial, facts: Partial<Trial['sentinels'][number]>) => ({
  sentinels: trial.sentinels.map((each) => ({ ...each, ...facts })),
});

const SIMPLER: readonly ((trial: Trial) => Partial<Trial>)[] = [
  () => ({ lateOneIn: 0 }),
  () => ({ wholeFiles: false }),
  ({ announces }) => (announces ? {} : { names: false }),
  () => ({ scripts: 'none' }),
  () => ({ unwanted: undefined }),
  () => ({ preferred: undefined }),
  (trial) => everybody(trial, { ticks: false }),
  (trial) => everybody(trial, { clockRate: 1 }),
  (trial) => everybody(trial, { saveMs: 0 }),
  (trial) => everybody(trial, trial.sentinels[0] ?? {}),
  ({ masters, faults }) =>
    faults.some((fault) => JSON.stringify(fault).includes('m2')) ? { masters } : { masters: 1 },
  ({ faults, endMs, ending }) =>
    ending === 'repair' ? { endMs } : { endMs: 1 + Math.max(0, ...faults.map(({ at }) => at)) },
  () => ({ latencyMs: 1 }),
];
