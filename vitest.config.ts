// How the tests are run: `quick` needs no processes, `real` starts redis-server and ts-sentinel processes, `clients`
// runs client libraries of other languages as well.
import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    projects: [
      {
        test: {
          name: 'quick',
          // Generated cases take a second on an idle machine, and several on one that has other things to do.
          testTimeout: 30_000,
          include: ['test/**/*.test.ts'],
          exclude: ['test/integration/**', 'test/differential/**', 'test/clients/clients.test.ts'],
        },
      },
      {
        test: {
          name: 'real',
          include: ['test/integration/**/*.test.ts', 'test/differential/**/*.test.ts'],
          // Real clusters on two cores: one file at a time, so that one test's load is not another one's outage.
          fileParallelism: false,
          testTimeout: 120_000,
          hookTimeout: 120_000,
        },
      },
      // By test/clients/run.js alone: it builds programs in other languages.
      { test: { name: 'clients', include: ['test/clients/clients.test.ts'] } },
    ],
  },
});
