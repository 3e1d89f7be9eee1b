// File systems of a few megabytes, to be filled to the last byte. Mounting needs root.
import { execFileSync } from 'node:child_process';
import { closeSync, mkdtempSync, openSync, rmSync, truncateSync, writeFileSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';

export type FileSystemKind = 'tmpfs' | 'ext4';

export interface SmallFileSystem {
  readonly directory: string;
  /** Takes the last byte of it, as another process would, and tells how to give it back. */
  fillUp(name: string): () => void;
  unmount(): void;
}

export function mountSmall(kind: FileSystemKind, megabytes: number): SmallFileSystem {
  const base = mkdtempSync(path.join(tmpdir(), 'small-fs-'));
  const directory = path.join(base, 'mount');
  execFileSync('mkdir', [directory]);
  if (kind === 'tmpfs')
    execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${megabytes}m`, 'tmpfs', directory]);
  else {
    const image = path.join(base, 'image');
    writeFileSync(image, '');
    truncateSync(image, megabytes * 1024 ** 2);
    // No blocks that only root may use: everyone meets the end of the disk at the same byte.
    execFileSync('mkfs.ext4', ['-q', '-F', '-m', '0', image], { stdio: 'pipe' });
    execFileSync('mount', ['-o', 'loop', image, directory], { stdio: 'pipe' });
  }
  return {
    directory,
    fillUp(name) {
      const file = path.join(directory, name);
      fill(file);
      return () => rmSync(file);
    },
    unmount() {
      execFileSync('umount', ['--lazy', directory]);
      rmSync(base, { recursive: true, force: true });
    },
  };
}

/** Why a test that mounts must be skipped; undefined when it can run. */
export function mountProblem(kind: FileSystemKind): string | undefined {
  if (process.getuid?.() !== 0) return 'skipped: mounting a small file system needs root';
  try {
    mountSmall(kind, 2).unmount();
    return undefined;
  } catch {
    return `skipped: this machine does not let us mount ${kind}`;
  }
}

function fill(file: string): void {
  const fd = openSync(file, 'w');
  try {
    for (const bytes of [65_536, 4_096, 1]) {
      try {
        while (writeSync(fd, Buffer.alloc(bytes, 1)) > 0);
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== 'ENOSPC') throw error;
      }
    }
  } finally {
    closeSync(fd);
  }
}
