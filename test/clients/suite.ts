// The tests: one for each client and variant. Clients of one batch go through their failovers together, and the batches
// of a variant share a cluster.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, test } from 'vitest';
import type { SentinelKind } from '../../src/demo/programs.ts';
import { startTopology, type Topology } from '../../src/demo/topology.ts';
import { type ClientSpec, versionOf } from './catalogue.ts';
import { type Build, built } from './runtimes.ts';
import { runTogether, type Verdict } from './scenario.ts';
import type { Settings, Variant } from './variants.ts';

declare module 'vitest' {
  interface TaskMeta {
    /** For the table at the end of `npm run test:clients`. */
    client?: { name: string; version: string; variant: string; verdict?: Verdict };
  }
}

export interface Suite {
  clients: readonly ClientSpec[];
  variants: readonly Variant[];
  /** The sentinels to test against. */
  kind: SentinelKind;
}

/** Builds with cold caches take minutes. */
const BUILDS_MS = 30 * 60_000;
const BATCH_MS = 8 * 60_000;

/** Declare a test for each client in each variant. */
export function runClients({ clients, variants, kind }: Suite): void {
  const builds = new Map<ClientSpec, Build>();
  beforeAll(async () => {
    for (const client of clients) builds.set(client, await built(client.runtime, client.folder));
  }, BUILDS_MS);

  for (const variant of variants)
    describe(variant.name, () => {
      let dir: string;
      let settings: Settings;
      let topology: Topology;
      beforeAll(async () => {
        dir = mkdtempSync(join(tmpdir(), 'ts-sentinel-clients-'));
        settings = variant.settings(dir);
        topology = await startTopology({ ...settings.topology, kind });
      });
      afterAll(async () => {
        await topology?.stop();
        rmSync(dir, { recursive: true, force: true });
      });

      const batches = new Set(clients.map(({ batch }) => batch));
      describe.each([...batches])('%s', (name) => {
        const members = clients.filter(({ batch }) => batch === name);
        let verdicts = new Map<string, Verdict>();
        beforeAll(async () => {
          const ready = members.flatMap((client) => {
            const build = builds.get(client);
            return build?.kind === 'built' ? [{ client, command: client.command(build.dir) }] : [];
          });
          if (ready.length > 0) verdicts = await runTogether(topology, ready, settings.orders);
        }, BATCH_MS);

        for (const client of members)
          test(client.name, ({ skip, task }) => {
            const verdict = verdicts.get(client.name);
            const about = { name: client.name, version: versionOf(client), variant: variant.name };
            task.meta.client = verdict === undefined ? about : { ...about, verdict };
            const build = builds.get(client);
            if (build?.kind === 'missing') skip(build.reason);
            if (build?.kind === 'broken') throw new Error(build.reason);
            if (verdict === undefined) throw new Error('it was never run');
            if (verdict.failure !== undefined) throw new Error(verdict.failure);
          });
      });
    });
}
