// A short down-after-milliseconds: each kill leads to one promotion, of a node whose master was down. The genuine
// server makes 64 promotions of 10 kills here (spec: it takes the new master for dead while it connects to it).
import { expect, onTestFinished, test } from 'vitest';
import { killAndReplace, promotions, start, watchStalls } from './support.ts';

const DOWN_AFTER_MS = 200;
/** So many rounds may be spoilt by a machine that stands still. */
const SPOILT_MAX = 5;

test('with down-after-milliseconds 200, ten kills give exactly ten promotions', { timeout: 300_000 }, async () => {
  const topology = await start({ downAfterMs: DOWN_AFTER_MS, failoverTimeoutMs: 20_000 });
  const stalls = watchStalls(topology);
  onTestFinished(() => stalls.stop());
  let master = topology.master;
  let spoilt = 0;
  for (let kills = 1; kills <= 10 + spoilt; kills++) {
    const before = promotions(topology).length;
    master = await killAndReplace(topology, master);
    const made = promotions(topology).length - before;
    const stallMs = stalls.longestMs();
    // Who was not heard for so long was down, as far as anybody can tell: such a round proves nothing.
    if (made > 1 && stallMs > DOWN_AFTER_MS / 2 && spoilt < SPOILT_MAX) spoilt++;
    else expect(made, `promotions after kill ${kills}; the longest stall was ${stallMs} ms`).toBe(1);
  }
});
