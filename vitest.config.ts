// How the tests are run: `quick` needs no processes, `real` starts redis-server and ts-sentinel processes.
import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    projects: [
      {
        test: {
          name: 'quick',
          include: ['test/**/*.test.ts'],
          exclude: ['test/integration/**', 'test/differential/**'],
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
    ],
  },
});
