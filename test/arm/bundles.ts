// The bundles under test.
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { CACHE } from '../../build/fetch-package.js';
import type { EmulatedTarget } from './emulated-target.ts';

export const ROOT = path.resolve(import.meta.dirname, '../..');

export const VERSION = (
  JSON.parse(readFileSync(path.join(ROOT, 'package.json'), 'utf8')) as { version: string }
).version;

/** `npm run build -- --arch`, into a folder of the tests' own. Returns the bundle's folder. */
export function builtBundle({ arch, nodeMajor }: EmulatedTarget): string {
  const output = path.join(CACHE, 'emulated', `bundle-${arch}-${nodeMajor}`);
  const options = ['--arch', arch, '--node-version', nodeMajor, '--output', output, '--quiet'];
  execFileSync(process.execPath, ['esbuild.config.js', ...options], { cwd: ROOT, stdio: 'inherit' });
  return output;
}
