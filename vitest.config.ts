import { defineConfig } from 'vitest/config';

/** One PostgreSQL and one control plane for all integration tests; the other lanes start what they need themselves. */
const environment = { globalSetup: ['test/setup/environment.ts'] };

const setupFiles = ['test/setup/seed.ts'];

export default defineConfig({
  test: {
    pool: 'forks',
    maxWorkers: 2,
    testTimeout: 60_000,
    hookTimeout: 120_000,
    teardownTimeout: 30_000,
    projects: [
      { extends: true, test: { name: 'unit', setupFiles, include: ['src/**/*.test.ts', 'dev/**/*.test.ts'] } },
      {
        extends: true,
        test: { name: 'integration', setupFiles, include: ['test/integration/**/*.test.ts'], ...environment },
      },
      // Each file has a whole system of its own, so nothing is shared; one test plays several orders from the chat to their end.
      {
        extends: true,
        test: { name: 'faults', setupFiles, include: ['test/faults/**/*.test.ts'], testTimeout: 180_000 },
      },
      { extends: true, test: { name: 'e2e', setupFiles, include: ['test/e2e/**/*.test.ts'] } },
    ],
  },
});
