import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';

/** A file system of its own of that size; to be removed again. */
export function mountSmallFileSystem(size: string): { readonly directory: string; remove(): void } {
  const directory = mkdtempSync(path.join(tmpdir(), 'small-'));
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${size}`, 'tmpfs', directory], { stdio: 'pipe' });
  } catch (error) {
    rmdirSync(directory);
    throw error;
  }
  const remove = (): void => {
    execFileSync('umount', ['--lazy', directory]);
    rmdirSync(directory);
  };
  return { directory, remove };
}

/** Why there is none on this machine, or undefined where there is. */
export const WHY_NO_SMALL_FILE_SYSTEM: string | undefined = whyNot();

/** For the name of a test that needs one. */
export const SMALL_FILE_SYSTEM_NOTE =
  WHY_NO_SMALL_FILE_SYSTEM === undefined ? '' : ` (skipped: ${WHY_NO_SMALL_FILE_SYSTEM})`;

function whyNot(): string | undefined {
  if (process.getuid?.() !== 0) return 'mounting a small file system needs root';
  try {
    mountSmallFileSystem('64k').remove();
    return undefined;
  } catch {
    return 'this machine does not let us mount';
  }
}
