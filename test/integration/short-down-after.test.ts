// A short down-after-milliseconds: each kill leads to one promotion, of a node whose master was down. The genuine
// server makes 64 promotions of 10 kills here (spec: it takes the new master for dead while it connects to it).
import { test } from 'vitest';
import { killInTurn, start } from './support.ts';

test('with down-after-milliseconds 200, ten kills give exactly ten promotions', { timeout: 300_000 }, async () => {
  const topology = await start({ downAfterMs: 200, failoverTimeoutMs: 20_000 });
  await killInTurn(topology, 10);
});
