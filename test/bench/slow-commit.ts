import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

/** A disk whose commits take longer, for one child process: its environment. Or why there is none. */
export type SlowCommits =
  { readonly environment: NodeJS.ProcessEnv; remove(): void } | { readonly missing: string; remove(): void };

/** Flash takes 2 to 10 ms for a commit, the virtual disk of a build machine a fraction of one. */
export async function slowCommits(milliseconds: number): Promise<SlowCommits> {
  const directory = mkdtempSync(path.join(os.tmpdir(), 'bench-slow-commit-'));
  const remove = () => rmSync(directory, { recursive: true, force: true });
  const library = path.join(directory, 'slow-commit.so');
  const source = fileURLToPath(new URL('./slow-commit.c', import.meta.url));
  try {
    await promisify(execFile)('cc', ['-O2', '-shared', '-fPIC', '-o', library, source, '-ldl']);
    const delay = String(1_000 * milliseconds);
    return { environment: { LD_PRELOAD: library, COMMIT_DELAY_US: delay }, remove };
  } catch (error) {
    return { missing: (error as Error).message.split('\n')[0] ?? '', remove };
  }
}
