import { defineConfig } from 'vitest/config';

// npm run test:arm: bundles for ARM, run under emulation. One file after the other: an emulated start takes a core for itself.
export default defineConfig({
  test: {
    include: ['test/arm/**/*.test.ts'],
    globalSetup: ['test/support/build-product.ts', 'test/arm/global-setup.ts'],
    testTimeout: 600_000,
    hookTimeout: 900_000,
    reporters: ['verbose'],
    pool: 'forks',
    maxWorkers: 1,
    fileParallelism: false,
  },
});
