import { execFileSync } from 'node:child_process';
import path from 'node:path';
import type { TestProject } from 'vitest/node';
import { makeRootImage, type RootImage } from './root-image.ts';
import { findAcceleration, type Acceleration } from './virtual-machine.ts';

declare module 'vitest' {
  interface ProvidedContext {
    readonly boot: { readonly root: RootImage; readonly acceleration: Acceleration };
  }
}

/** Once for all tests: what the Debian packages lack, the bundle of this checkout, the root image, and how fast QEMU can be. */
export async function setup(project: TestProject): Promise<void> {
  execFileSync(path.resolve(import.meta.dirname, '../install-debian-packages.sh'), { stdio: 'inherit' });
  const root = makeRootImage();
  const acceleration = await findAcceleration(root);
  process.stdout.write(
    `Debian 12 with Linux ${root.kernelVersion} in QEMU, by ${acceleration.toUpperCase()}\n`,
  );
  project.provide('boot', { root, acceleration });
}
