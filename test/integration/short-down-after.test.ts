// A short down-after-milliseconds: each kill leads to one promotion, of a node whose master was down. The genuine
// server makes 64 promotions of 10 kills here (spec: it takes the new master for dead while it connects to it).
import { expect, test } from 'vitest';
import type { DataNode } from '../../src/demo/nodes.ts';
import { agreedEpoch, follows, promotions, start } from './support.ts';

const KILLS = 10;

test('with down-after-milliseconds 200, ten kills give exactly ten promotions', { timeout: 300_000 }, async () => {
  const topology = await start({ downAfterMs: 200, failoverTimeoutMs: 20_000 });
  let master: DataNode = topology.master;
  for (let kill = 1; kill <= KILLS; kill++) {
    const dead = master;
    await dead.kill();
    master = await topology.agreedMaster({ not: dead });
    // Who died comes back as a replica, so that there is somebody to promote next time.
    await dead.start();
    await dead.command('REPLICAOF', '127.0.0.1', String(master.port));
    for (const node of topology.nodes) if (node !== master) await follows(node, master);
    await topology.settled();
    await agreedEpoch(topology);
    expect(promotions(topology), `after kill ${kill}`).toHaveLength(kill);
  }
});
