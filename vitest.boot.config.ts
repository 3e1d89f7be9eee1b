import { defineConfig } from 'vitest/config';

// npm run test:boot: a station booted under systemd in QEMU. BOOT_CUTS: how often the power is cut. BOOT_ACCEL=kvm|tcg.
export default defineConfig({
  test: {
    include: ['test/boot/**/*.test.ts'],
    globalSetup: ['test/boot/rig/prepare.ts'],
    testTimeout: 900_000,
    hookTimeout: 600_000,
    // One machine at a time, and each file's steps in their order.
    pool: 'forks',
    maxWorkers: 1,
    reporters: ['verbose'],
  },
});
