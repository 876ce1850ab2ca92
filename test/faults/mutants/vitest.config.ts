import { defineConfig } from 'vitest/config';

const setupFiles = ['test/setup/seed.ts'];

/** The tests that mutants are shown to, on servers that run already. */
export default defineConfig({
  test: {
    pool: 'forks',
    maxWorkers: 1,
    testTimeout: 30_000,
    hookTimeout: 60_000,
    bail: 1,
    projects: [
      { extends: true, test: { name: 'unit', setupFiles, include: ['src/**/*.test.ts'] } },
      {
        extends: true,
        test: {
          name: 'integration',
          setupFiles,
          include: ['test/integration/**/*.test.ts'],
          globalSetup: ['test/faults/mutants/environment.ts'],
        },
      },
    ],
  },
});
