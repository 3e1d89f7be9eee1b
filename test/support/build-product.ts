import { execFileSync } from 'node:child_process';

/** Tests that start the `delmonicos` process start what is in the checkout, not an older build. */
export function setup(): void {
  execFileSync(process.execPath, ['esbuild.config.js', '--quiet'], { stdio: 'inherit' });
}
