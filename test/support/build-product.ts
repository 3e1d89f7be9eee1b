import { execFileSync } from 'node:child_process';

/** Tests that start the `delmonicos` process start what is in the checkout, not an older build; REUSE_BUILD=1 keeps that one. */
export function setup(): void {
  if (process.env['REUSE_BUILD'] === '1') return;
  execFileSync(process.execPath, ['esbuild.config.js', '--quiet'], { stdio: 'inherit' });
}
