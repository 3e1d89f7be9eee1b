// The other side of failing-disk.c: builds it, reads what it wrote down, and works out what a power cut would have left.
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { SeededRandom } from '../seeded-random.ts';

export const FAULT_KINDS = ['eio', 'late', 'nospc', 'short', 'die', 'dead'] as const;
export type FaultKind = (typeof FAULT_KINDS)[number];

export interface DiskCall {
  readonly op: string;
  readonly file: string;
  readonly offset: number;
  readonly data: Buffer;
}

/** Why there is none on this machine, or undefined where there is. */
export const WHY_NO_FAILING_DISK: string | undefined = whyNot();

/** For the name of a test that needs it. */
export const FAILING_DISK_NOTE =
  WHY_NO_FAILING_DISK === undefined ? '' : ` (skipped: ${WHY_NO_FAILING_DISK})`;

function whyNot(): string | undefined {
  if (process.platform !== 'linux') return 'LD_PRELOAD and /proc are for Linux';
  try {
    execFileSync('gcc', ['--version'], { stdio: 'pipe' });
    return undefined;
  } catch {
    return 'no gcc here';
  }
}

/** Compiles the library; `environment` is what a process needs so that call number `at` on files of `directory` fails. */
export function buildFailingDisk(): {
  readonly environment: (directory: string, log: string, at: number, kind: FaultKind) => NodeJS.ProcessEnv;
  readonly remove: () => void;
} {
  const home = mkdtempSync(path.join(tmpdir(), 'failing-disk-'));
  const library = path.join(home, 'failing-disk.so');
  const source = path.join(import.meta.dirname, 'failing-disk.c');
  execFileSync('gcc', [
    '-Wall',
    '-Wextra',
    '-Werror',
    '-shared',
    '-fPIC',
    '-O1',
    '-o',
    library,
    source,
    '-ldl',
    '-lpthread',
  ]);
  return {
    environment: (directory, log, at, kind) => ({
      LD_PRELOAD: library,
      FAULT_DIR: directory,
      FAULT_LOG: log,
      FAULT_AT: String(at),
      FAULT_KIND: kind,
    }),
    remove: () => rmSync(home, { recursive: true, force: true }),
  };
}

/** Everything that was written down, in order. A process that was killed may have left half of the last record. */
export function readCalls(log: string): DiskCall[] {
  const bytes = readFileSync(log);
  const calls: DiskCall[] = [];
  for (let at = 0; at + 3 <= bytes.length;) {
    const pathEnd = at + 3 + bytes.readUInt16LE(at + 1);
    if (pathEnd + 12 > bytes.length) break;
    const end = pathEnd + 12 + bytes.readUInt32LE(pathEnd + 8);
    if (end > bytes.length) break;
    calls.push({
      op: String.fromCharCode(bytes[at] ?? 0),
      file: bytes.toString('utf8', at + 3, pathEnd),
      offset: Number(bytes.readBigUInt64LE(pathEnd)),
      data: bytes.subarray(pathEnd + 12, end),
    });
    at = end;
  }
  return calls;
}

/** How much of what was never synchronised a cut leaves: nothing at all, or a random part, sector by sector. */
export type Leftover = 'nothing' | 'random part';

type Pending = { readonly at: number; readonly data: Buffer } | { readonly length: number };

interface Inode {
  /** What is on the disk for good. */
  kept: Buffer;
  /** What was written since the last fsync, in order. */
  pending: Pending[];
}

/**
 * What is on the disk, by the letter of POSIX: the content of a file is there after its fsync, its name after that of its
 * directory, and a failed fsync has dropped what it should have written (Linux then calls those pages clean). Harder than
 * any file system: ext4 orders much of this by itself.
 */
export class DiskModel {
  #names: Map<string, Inode>;
  #keptNames: Map<string, Inode>;

  /** @param directory as it is before the first call */
  constructor(directory: string) {
    const files = readdirSync(directory).filter((name) => !name.endsWith('-shm'));
    this.#names = new Map(
      files.map((name) => [name, { kept: readFileSync(path.join(directory, name)), pending: [] }]),
    );
    this.#keptNames = new Map(this.#names);
  }

  apply({ op, file, offset, data }: DiskCall): void {
    const inode = this.#names.get(file);
    switch (op) {
      case 'O':
        if (inode === undefined) this.#names.set(file, { kept: Buffer.alloc(0), pending: [] });
        return;
      case 'W':
        return void inode?.pending.push({ at: offset, data });
      case 'T':
        return void inode?.pending.push({ length: offset });
      case 'S':
        if (file === '.') this.#keptNames = new Map(this.#names);
        else if (inode !== undefined) settle(inode, () => true);
        return;
      case 'F':
        if (inode !== undefined) settle(inode, (change) => 'length' in change);
        return;
      case 'R':
        if (inode !== undefined) this.#names.set(data.toString('utf8'), inode);
        this.#names.delete(file);
        return;
      case 'U':
        this.#names.delete(file);
        return;
      case '?':
        throw new Error(`${data.toString('utf8')}(${file}) is a call that the model does not know`);
    }
  }

  /** Puts what a cut now would leave into a new directory. */
  writeTo(directory: string, leftover: Leftover, random: SeededRandom): void {
    mkdirSync(directory);
    const names = leftover === 'random part' && random.below(2) === 1 ? this.#names : this.#keptNames;
    for (const [name, { kept, pending }] of names) {
      const copy: Inode = {
        kept: Buffer.from(kept),
        pending: leftover === 'nothing' ? [] : bySector(pending),
      };
      const percent = random.below(5) * 25;
      settle(copy, () => random.below(100) < percent);
      writeFileSync(path.join(directory, name), copy.kept);
    }
  }
}

const SECTOR = 512;

function bySector(changes: readonly Pending[]): Pending[] {
  return changes.flatMap((change) => {
    if ('length' in change) return [change];
    const parts: Pending[] = [];
    for (let from = 0; from < change.data.length;) {
      const end = Math.min(change.data.length, from + SECTOR - ((change.at + from) % SECTOR));
      parts.push({ at: change.at + from, data: change.data.subarray(from, end) });
      from = end;
    }
    return parts;
  });
}

/** Those of the pending changes that it accepts reach the disk; the others are gone. */
function settle(inode: Inode, reaches: (change: Pending) => boolean): void {
  for (const change of inode.pending.splice(0)) {
    if (!reaches(change)) continue;
    const length =
      'length' in change ? change.length : Math.max(inode.kept.length, change.at + change.data.length);
    if (length !== inode.kept.length) {
      const resized = Buffer.alloc(length);
      inode.kept.copy(resized);
      inode.kept = resized;
    }
    if ('data' in change) change.data.copy(inode.kept, change.at);
  }
}
