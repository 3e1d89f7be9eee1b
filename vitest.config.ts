import { defineConfig } from 'vitest/config';

// The gate looks at the same inputs each time; TEST_SEED=random npm test looks at others.
const GATE_SEED = '20261123';

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    // These have commands of their own (CONTRIBUTING.md).
    exclude: ['test/soak/**', 'test/arm/**', 'test/boot/**', 'node_modules/**'],
    globalSetup: ['test/support/build-product.ts'],
    setupFiles: ['test/support/property-seed.ts'],
    // What hangs is ended; what only takes long, on a machine that does other things too, has not failed.
    testTimeout: 120_000,
    hookTimeout: 120_000,
    pool: 'forks',
    maxWorkers: 2,
    // cbor-x, below the COSE library that checks our entries: without its addon (docs/dependencies.md).
    env: { CBOR_NATIVE_ACCELERATION_DISABLED: 'true', TEST_SEED: process.env['TEST_SEED'] ?? GATE_SEED },
  },
});
