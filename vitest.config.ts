import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    exclude: ['test/soak/**', 'node_modules/**'],
    globalSetup: ['test/support/build-product.ts'],
    testTimeout: 30_000,
    hookTimeout: 60_000,
    pool: 'forks',
    maxWorkers: 2,
    // cbor-x, below the COSE library that checks our entries: without its addon (docs/dependencies.md).
    env: { CBOR_NATIVE_ACCELERATION_DISABLED: 'true' },
  },
});
