import { mkdirSync, mkdtempSync, rmSync, statfsSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';

/** statfs(2): file systems whose fsync costs nothing, so that durability would look free. */
const IN_MEMORY = new Map([
  [0x01021994, 'tmpfs'],
  [0x858458f6, 'ramfs'],
]);
const NAMES = new Map([
  [0xef53, 'ext4'],
  [0x58465342, 'xfs'],
  [0x9123683e, 'btrfs'],
  [0x794c7630, 'overlayfs'],
]);

export interface DiskDirectory {
  readonly path: string;
  readonly fileSystem: string;
  remove(): void;
}

/** A temporary directory on a disk, never in memory. */
export function diskDirectory(): DiskDirectory {
  const candidates = [tmpdir(), '/var/tmp', path.resolve('state')];
  for (const parent of candidates) {
    mkdirSync(parent, { recursive: true });
    const { type } = statfsSync(parent);
    if (IN_MEMORY.has(type)) continue;
    const made = mkdtempSync(path.join(parent, 'delmonicos-bench-'));
    const fileSystem = NAMES.get(type) ?? `0x${type.toString(16)}`;
    return { path: made, fileSystem, remove: () => rmSync(made, { recursive: true, force: true }) };
  }
  throw new Error(`none of ${candidates.join(', ')} is on a disk`);
}
