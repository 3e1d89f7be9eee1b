// A disk whose power can be cut, out of two loop devices (needs root and Linux).
//
// The file system under test is ext4 on an inner loop device. Its image is a file on another ext4, on an outer loop device,
// whose own image is in memory. So there are two page caches, one for each thing that a power cut takes:
//
//   writer -> page cache of the inner ext4 -> inner device = page cache of the outer ext4 -> outer image
//             what the kernel has not             what the drive has taken but not           what is on
//             written back yet                    flushed: its volatile cache                the flash
//
// A flush of the inner device (fsync, the barriers of its journal) is an fsync of the inner image on the outer ext4, and
// nothing else carries data there at once: the outer image holds what a drive has promised to keep. What is
// - simulated: loss of all that the kernel held back; loss of any part of what stood in the drive's cache, down to single
//   sectors of 512 bytes in any order (`drive-cache`); the state in which ext4 finds its own journal afterwards; a cut at any
//   system call of the writer and at any point of its start and recovery;
// - not simulated: a drive that lies about flushing or tears a sector, flash that loses what it once held, a falling supply
//   voltage, and a kernel that crashes before it cuts (its memory is as it should be until it is gone).
import { execFileSync } from 'node:child_process';
import {
  closeSync,
  fsyncSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readFileSync,
  readSync,
  rmSync,
  truncateSync,
  writeSync,
} from 'node:fs';
import path from 'node:path';
import type { SeededRandom } from '../seeded-random.ts';

/**
 * `page-cache`: the drive had written everything it was given. `drive-cache`: and of what it had not flushed, a random part.
 */
export type Cut = 'page-cache' | 'drive-cache';

export interface PowerCutDisk {
  /** Where the file system under test is mounted. */
  readonly directory: string;
  /**
   * The image as a cut at this moment leaves it. Whoever writes must have been stopped (SIGSTOP); the kernel may go on
   * writing back by itself, so it is looked at until two looks are the same.
   */
  imageAfter(cut: Cut, random: SeededRandom): Buffer;
  /** Takes the file system away, puts this image in its place and mounts it, as a start after a power cut does. */
  restartWith(image: Buffer): void;
  remove(): void;
}

const MIB = 1024 * 1024;
const SECTOR = 512;
const MKFS = [
  '-q',
  '-F',
  '-b',
  '4096',
  '-m',
  '0',
  '-J',
  'size=4',
  '-E',
  'lazy_itable_init=0,lazy_journal_init=0',
];

/** `barriers: false` mounts with barrier=0, as some do for speed: what a test must find to lose data. */
export function makePowerCutDisk({ sizeMiB = 24, barriers = true } = {}): PowerCutDisk {
  const home = mkdtempSync('/dev/shm/power-cut-');
  const outer = { image: path.join(home, 'outer.img'), mount: path.join(home, 'outer') };
  const inner = { image: path.join(outer.mount, 'inner.img'), mount: path.join(home, 'inner') };
  const undoOuter: Undo = [() => rmSync(home, { recursive: true, force: true })];
  const undoInner: Undo = [];
  const remove = (): void => undo([...undoOuter, ...undoInner]);
  const restartWith = (image: Buffer): void => {
    undo(undoInner.splice(0));
    overwrite(inner.image, image);
    attach(inner, `noatime,${barriers ? 'barrier=1' : 'barrier=0'}`, undoInner);
  };
  try {
    mkdirSync(outer.mount);
    mkdirSync(inner.mount);
    makeImage(outer.image, sizeMiB + 16);
    attach(outer, 'noatime', undoOuter);
    makeImage(inner.image, sizeMiB);
    restartWith(readFileSync(inner.image));
    // Every block of it is written by now: whatever is written later changes what stands in a block, never where it is.
    const blocks = extentsOf(inner.image);
    const look = (): Look => ({
      given: readFileSync(inner.image),
      flushed: readExtents(outer.image, blocks),
    });
    const imageAfter = (cut: Cut, random: SeededRandom): Buffer => {
      const seen = steadyLook(look);
      return cut === 'page-cache' ? seen.given : withoutPartOfTheCache(seen, random);
    };
    return { directory: inner.mount, restartWith, remove, imageAfter };
  } catch (error) {
    remove();
    throw error;
  }
}

/** Steps that take something away again, to be taken from the last to the first. */
type Undo = (() => void)[];
function undo(steps: Undo): void {
  for (const step of steps.reverse()) step();
}

/** The inner image as the drive was given it, and as it has promised to keep it. */
interface Look {
  readonly given: Buffer;
  readonly flushed: Buffer;
}

function steadyLook(look: () => Look): Look {
  for (let [before, now] = [look(), look()]; ; [before, now] = [now, look()]) {
    if (now.given.equals(before.given) && now.flushed.equals(before.flushed)) return now;
  }
}

/** Of the sectors that were not flushed, any part may have reached the flash: none, all, and everything between. */
function withoutPartOfTheCache({ given, flushed }: Look, random: SeededRandom): Buffer {
  const image = Buffer.from(flushed);
  const keptPercent = [0, 10, 50, 90, 100][random.below(5)] ?? 0;
  for (let at = 0; at < image.length; at += SECTOR) {
    const written = given.subarray(at, at + SECTOR);
    if (random.below(100) < keptPercent) written.copy(image, at);
  }
  return image;
}

function makeImage(file: string, sizeMiB: number): void {
  closeSync(openSync(file, 'w'));
  truncateSync(file, sizeMiB * MIB);
  execFileSync('mkfs.ext4', [...MKFS, file], { stdio: 'pipe' });
}

function attach({ image, mount }: { image: string; mount: string }, options: string, undo: Undo): void {
  const device = execFileSync('losetup', ['--find', '--show', image], { encoding: 'utf8' }).trim();
  undo.push(() => execFileSync('losetup', ['--detach', device]));
  execFileSync('mount', ['-t', 'ext4', '-o', options, device, mount], { stdio: 'pipe' });
  undo.push(() => execFileSync('umount', [mount]));
}

function overwrite(file: string, content: Buffer): void {
  const fd = openSync(file, 'r+');
  for (let done = 0; done < content.length;)
    done += writeSync(fd, content, done, content.length - done, done);
  fsyncSync(fd);
  closeSync(fd);
}

interface Extent {
  readonly from: number;
  readonly bytes: number;
}

/** Where the blocks of a file are on its device, in the order of the file. */
function extentsOf(file: string): Extent[] {
  const listing = execFileSync('filefrag', ['-b512', '-v', file], { encoding: 'utf8' });
  const lines = listing.matchAll(/^ *\d+: +\d+\.\. *\d+: +(\d+)\.\. *\d+: +(\d+):(.*)$/gm);
  return [...lines].map(([, from, sectors, flags = '']) => {
    if (/unwritten|delalloc|inline/.test(flags))
      throw new Error(`${file}: blocks that are nowhere yet: ${listing}`);
    return { from: Number(from) * SECTOR, bytes: Number(sectors) * SECTOR };
  });
}

function readExtents(device: string, extents: readonly Extent[]): Buffer {
  const fd = openSync(device, 'r');
  const parts = extents.map(({ from, bytes }) => {
    const part = Buffer.alloc(bytes);
    for (let done = 0; done < bytes;) done += readSync(fd, part, done, bytes - done, from + done);
    return part;
  });
  closeSync(fd);
  return Buffer.concat(parts);
}

/** Why there is no such disk on this machine, or undefined where there is. */
export const WHY_NO_POWER_CUT: string | undefined = whyNot();

/** For the name of a test that needs one. */
export const POWER_CUT_NOTE = WHY_NO_POWER_CUT === undefined ? '' : ` (skipped: ${WHY_NO_POWER_CUT})`;

function whyNot(): string | undefined {
  if (process.getuid?.() !== 0) return 'loop devices need root';
  try {
    makePowerCutDisk().remove();
    return undefined;
  } catch (error) {
    return `no ext4 on loop devices here: ${String(error).split('\n')[0]}`;
  }
}
