import { randomBytes } from 'node:crypto';
import { rmSync, statfsSync, statSync } from 'node:fs';
import { open, rename } from 'node:fs/promises';
import path from 'node:path';
import { syncPath } from './sync-path.ts';

export const RESERVE_FILE = 'journal.reserve';
/** Written at a time, so that nothing else waits long for the disk. */
const SLICE_BYTES = 256 * 1024;

/** What the disk has left for the log, in bytes, and whether the reserve is kept. Two system calls. */
export function diskRoom(
  directory: string,
  reserveBytes: number,
): { freeBytes: number; isReserveKept: boolean } {
  const reserve = new DiskReserve(directory, reserveBytes);
  return { freeBytes: reserve.freeBytes(), isReserveKept: reserve.isThere };
}

/**
 * Blocks of the file system that are kept for billing entries: a file of their size, removed when the disk is full, made again
 * when there is room. Its content is random, because a file system that compresses would keep no room for zeros.
 */
export class DiskReserve {
  readonly #directory: string;
  readonly #file: string;
  readonly bytes: number;
  #making: Promise<boolean> | undefined;

  /** @param bytes 0: nothing is kept */
  constructor(directory: string, bytes: number) {
    this.#directory = directory;
    this.#file = path.join(directory, RESERVE_FILE);
    this.bytes = bytes;
  }

  get isThere(): boolean {
    return this.bytes === 0 || (statSync(this.#file, { throwIfNoEntry: false })?.size ?? 0) >= this.bytes;
  }

  get canMake(): boolean {
    return this.freeBytes() >= 2 * this.bytes;
  }

  /** What the file system has left for us, in bytes; unknown is taken for plenty: then only a failed write tells. */
  freeBytes(): number {
    try {
      const { bavail, bsize } = statfsSync(this.#directory);
      return bavail * bsize;
    } catch {
      return Number.MAX_SAFE_INTEGER;
    }
  }

  /** Gives the room away, for whoever writes next. False when there was none to give. */
  release(): boolean {
    if (this.bytes === 0 || statSync(this.#file, { throwIfNoEntry: false }) === undefined) return false;
    try {
      rmSync(this.#file);
      // ext4 hands freed blocks out again only when its own journal has them.
      syncPath(this.#directory);
      return true;
    } catch {
      return false;
    }
  }

  /** Keeps the room again, when as much is left besides; true when it is kept. Never rejects. */
  make(): Promise<boolean> {
    if (this.isThere) return Promise.resolve(true);
    if (!this.canMake) return Promise.resolve(false);
    return (this.#making ??= this.#write().finally(() => (this.#making = undefined)));
  }

  async #write(): Promise<boolean> {
    const draft = `${this.#file}.draft`;
    try {
      const file = await open(draft, 'w', 0o600);
      try {
        for (let left = this.bytes; left > 0; left -= SLICE_BYTES) {
          await file.writeFile(randomBytes(Math.min(left, SLICE_BYTES)));
        }
        await file.sync();
      } finally {
        await file.close();
      }
      await rename(draft, this.#file);
      syncPath(this.#directory);
      return true;
    } catch {
      rmSync(draft, { force: true });
      return false;
    }
  }
}
