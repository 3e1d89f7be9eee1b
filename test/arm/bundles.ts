// The bundles under test, built when the first test asks for them.
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import type { EmulatedTarget } from './emulated-target.ts';

export const ROOT = path.resolve(import.meta.dirname, '../..');

export const VERSION = (
  JSON.parse(readFileSync(path.join(ROOT, 'package.json'), 'utf8')) as { version: string }
).version;

/** `npm run build -- --arch`; for the Node that the bundle's addon is bound to. Returns the bundle's folder. */
export function builtBundle({ arch }: EmulatedTarget): string {
  execFileSync(process.execPath, ['esbuild.config.js', '--arch', arch, '--quiet'], {
    cwd: ROOT,
    stdio: 'inherit',
  });
  return path.join(ROOT, `dist-${arch}`);
}
