import { defineConfig } from 'vitest/config';

// npm run test:soak: what needs minutes, and rates that a busy machine would spoil. SOAK_SECONDS: how long each case runs.
export default defineConfig({
  test: {
    include: ['test/soak/**/*.test.ts'],
    globalSetup: ['test/support/build-product.ts'],
    testTimeout: 600_000,
    hookTimeout: 60_000,
    maxConcurrency: 6,
    pool: 'forks',
    maxWorkers: 1,
  },
});
