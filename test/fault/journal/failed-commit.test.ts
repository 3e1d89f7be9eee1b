import { execFileSync } from 'node:child_process';
import {
  closeSync,
  existsSync,
  mkdtempSync,
  openSync,
  rmSync,
  statSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import Database from 'better-sqlite3';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { JournalError, openJournalReader, verifyJournal, type Journal } from '../../../src/journal/index.ts';
import {
  openTestJournal,
  reading,
  SIGNER,
  temporaryDirectory,
} from '../../support/journal/journal-fixture.ts';

const never = () => new Promise<Uint8Array>(() => {});
const code = (name: string) => expect.objectContaining({ code: `journal.${name}` }) as Error;

let directory: string;
let remove: () => void;
beforeEach(() => {
  ({ directory, remove } = temporaryDirectory());
});
afterEach(() => {
  vi.restoreAllMocks();
  remove();
});

describe('a commit that fails', () => {
  it('at the size bound rejects everything that was waiting, leaves the log as it was, and goes on when there is room', async () => {
    const log: unknown[] = [];
    const maxBytes = 256 * 1024;
    const journal = await openTestJournal(directory, { maxBytes, log: (...event) => log.push(event) });
    const outcomes = await appendUntilFull(journal.append.bind(journal));
    const { size } = journal;
    expect(outcomes.at(-1)).toMatchObject({ code: 'journal.disk_full', effect: 'none' });
    expect(log).toHaveLength(1);
    // Not even tried any more: what is left is kept for entries that are no readings.
    await expect(journal.append('reading', reading(1, 30), 'sample')).rejects.toMatchObject({
      code: 'journal.disk_full',
      effect: 'none',
    });
    await expect(journal.flush()).resolves.toBeUndefined();
    expect(journal.size).toBe(size);
    await journal.close();
    expect(await verifyJournal(directory)).toMatchObject({ ok: true, size });

    const roomy = await openTestJournal(directory, { maxBytes: 2 * maxBytes });
    expect(await roomy.append('reading', reading(1), 'billing')).toBe(size + 1);
    await roomy.close();
    expect(await verifyJournal(directory)).toMatchObject({ ok: true, size: size + 2 });
  });

  const why = smallFileSystemProblem();
  it.skipIf(why !== undefined)(
    `on a full file system is said to be that, also after a restart, and appending goes on when there is room again${why ?? ''}`,
    async () => {
      const mount = mkdtempSync(path.join(tmpdir(), 'journal-full-'));
      execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=600k', 'tmpfs', mount]);
      try {
        const ballast = path.join(mount, 'ballast');
        writeFileSync(ballast, Buffer.alloc(100 * 1024));
        let journal = await openTestJournal(path.join(mount, 'state'));
        const outcomes = await appendUntilFull(journal.append.bind(journal));
        expect(outcomes.at(-1)).toMatchObject({ code: 'journal.disk_full', effect: 'none' });
        const { size } = journal;
        await journal.close();
        expect(existsSync(path.join(mount, 'state', 'journal.pid'))).toBe(false);
        fillUp(path.join(mount, 'more'));
        // Whether SQLite finds room for its own files, and for the boot entry, depends on what the last run left.
        const again = await openTestJournal(path.join(mount, 'state')).catch((error: unknown) => error);
        if (again instanceof JournalError) expect(['journal.io', 'journal.disk_full']).toContain(again.code);
        else await (again as Journal).close();
        rmSync(path.join(mount, 'more'));
        rmSync(ballast);
        journal = await openTestJournal(path.join(mount, 'state'));
        expect(journal.size).toBeGreaterThan(size);
        expect(await journal.append('reading', reading(1), 'billing')).toBe(journal.size - 1);
        await journal.close();
        expect(await verifyJournal(path.join(mount, 'state'))).toMatchObject({
          ok: true,
          size: journal.size,
        });
      } finally {
        execFileSync('umount', ['--lazy', mount]);
        rmSync(mount, { recursive: true });
      }
    },
  );

  it('before COMMIT says that nothing happened', async () => {
    const journal = await openTestJournal(directory);
    failOnce('INSERT INTO entry', 'SQLITE_IOERR_READ');
    await expect(journal.append('reading', reading(1), 'billing')).rejects.toMatchObject({
      code: 'journal.commit_failed',
      effect: 'none',
    });
    expect(await journal.append('reading', reading(1), 'billing')).toBe(1);
    await journal.close();
    expect(await verifyJournal(directory)).toMatchObject({ ok: true, size: 2 });
  });

  it('of a full group takes down what waits behind it, whose indices would be wrong', async () => {
    const journal = await openTestJournal(directory, { groupCommitEntries: 3 });
    failOnce('INSERT INTO entry', 'SQLITE_IOERR_READ');
    const appended = [1, 2, 3, 4, 5].map((n) => journal.append('reading', reading(n), 'sample'));
    for (const result of await Promise.allSettled(appended)) {
      expect(result).toMatchObject({ status: 'rejected', reason: { code: 'journal.commit_failed' } });
    }
    expect(await journal.append('reading', reading(6), 'billing')).toBe(1);
    await journal.close();
    expect(await verifyJournal(directory)).toMatchObject({ ok: true, size: 2 });
  });

  it.each([
    ['and did not happen', false, 1],
    ['although it happened', true, 2],
  ])(
    'in COMMIT %s leaves the effect open, and the size is read again from the file',
    async (_what, happened, size) => {
      const journal = await openTestJournal(directory);
      failOnce('COMMIT', 'SQLITE_IOERR_FSYNC', happened);
      await expect(journal.append('reading', reading(1), 'billing')).rejects.toMatchObject({
        code: 'journal.commit_unknown',
        effect: 'unknown',
      });
      expect(journal.size).toBe(size);
      expect(await journal.append('reading', reading(2), 'billing')).toBe(size);
      await journal.close();
      expect(await verifyJournal(directory)).toMatchObject({ ok: true, size: size + 1 });
    },
  );

  it('of which the outcome is open empties the write-ahead log, that no page of it is left which only memory holds', async () => {
    const journal = await openTestJournal(directory);
    const reader = openJournalReader(directory);
    const walBytes = (): number => statSync(path.join(directory, 'journal.db-wal')).size;
    expect(walBytes()).toBeGreaterThan(0);
    failOnce('COMMIT', 'SQLITE_IOERR_FSYNC', true);
    await expect(journal.append('reading', reading(1), 'billing')).rejects.toThrow(code('commit_unknown'));
    expect(walBytes()).toBe(0);
    expect(reader.size).toBe(2);
    reader.close();
    await journal.close();
  });

  it('whose entries cannot be signed rejects them all, and the log goes on when the key works again', async () => {
    let broken = true;
    const sign = (message: Uint8Array): Uint8Array => {
      if (broken) throw new Error('the key does not answer');
      return SIGNER.sign(message);
    };
    broken = false;
    const journal = await openTestJournal(directory, {
      signer: { ...SIGNER, sign, signInBackground: never },
    });
    broken = true;
    const waiting = journal.append('reading', reading(1), 'sample');
    const billing = journal.append('reading', reading(2), 'billing');
    for (const result of await Promise.allSettled([waiting, billing])) {
      expect(result).toMatchObject({
        status: 'rejected',
        reason: { code: 'journal.commit_failed', effect: 'none' },
      });
    }
    await expect(journal.flush()).resolves.toBeUndefined();
    broken = false;
    expect(await journal.append('reading', reading(3), 'billing')).toBe(1);
    await journal.close();
    expect(await verifyJournal(directory)).toMatchObject({ ok: true, size: 2 });
  });

  it('and cannot be taken back is settled by reading the file again, not by a transaction left open', async () => {
    const journal = await openTestJournal(directory);
    failOnce('INSERT INTO entry', 'SQLITE_IOERR_WRITE');
    const exec = vi.spyOn(Database.prototype, 'exec').mockImplementationOnce(() => {
      throw new Database.SqliteError('injected', 'SQLITE_IOERR');
    });
    await expect(journal.append('reading', reading(1), 'billing')).rejects.toMatchObject({
      code: 'journal.commit_unknown',
      effect: 'unknown',
    });
    expect(exec).toHaveBeenCalledWith('ROLLBACK');
    expect(journal.size).toBe(1);
    expect(await journal.append('reading', reading(2), 'billing')).toBe(1);
    await journal.close();
    expect(await verifyJournal(directory)).toMatchObject({ ok: true, size: 2 });
  });

  it.each<[string, (database: Database.Database) => void]>([
    [
      'an end that had been acknowledged',
      (database) => database.exec('DELETE FROM entry WHERE leaf_index = 2'),
    ],
    [
      'everything',
      () =>
        ['', '-wal', '-shm'].map((end) => rmSync(path.join(directory, `journal.db${end}`), { force: true })),
    ],
    [
      'an acknowledged entry, with another in its place',
      (database) =>
        database.exec(
          'UPDATE entry SET cose = (SELECT cose FROM entry WHERE leaf_index = 0) WHERE leaf_index = 2',
        ),
    ],
  ])('after which the file lacks %s halts the log: it must not be written twice', async (_what, lose) => {
    const journal = await openTestJournal(directory);
    await journal.append('reading', reading(1), 'billing');
    await journal.append('reading', reading(2), 'billing');
    failOnce('COMMIT', 'SQLITE_IOERR_FSYNC', false, (database) => {
      database.exec('ROLLBACK');
      lose(database);
    });
    await expect(journal.append('reading', reading(3), 'billing')).rejects.toMatchObject({
      code: 'journal.closed',
      remedy: 'halt',
    });
    await expect(journal.append('reading', reading(4), 'billing')).rejects.toThrow(code('closed'));
    await expect(journal.checkpoint()).rejects.toThrow(code('closed'));
    await journal.close();
  });

  it('because a page is damaged says so, and the reader beside it still reads what can be read', async () => {
    const journal = await openTestJournal(directory);
    failOnce('INSERT INTO entry', 'SQLITE_CORRUPT');
    await expect(journal.append('reading', reading(1), 'billing')).rejects.toThrow(code('corrupt'));
    const reader = openJournalReader(directory);
    expect(reader.size).toBe(1);
    reader.close();
    await journal.close();
  });
});

/** Appends in groups of eight until one is refused; the last outcome is the error. */
async function appendUntilFull(append: (...args: never[]) => Promise<number>): Promise<unknown[]> {
  const appendReading = append as (kind: 'reading', body: unknown, durability: string) => Promise<number>;
  for (;;) {
    const group = Array.from({ length: 8 }, (_, n) =>
      appendReading('reading', reading(n, 30), n === 7 ? 'billing' : 'sample'),
    );
    const outcomes = await Promise.all(group.map((entry) => entry.catch((error: unknown) => error)));
    if (outcomes.some((outcome) => typeof outcome !== 'number')) return outcomes;
  }
}

/** SQLite reports an error once for one statement; `afterwards`: it took effect all the same, as an fsync can. */
function failOnce(
  sql: string,
  sqliteCode: string,
  afterwards = false,
  meanwhile: (database: Database.Database) => void = () => {},
): void {
  const statement = new Database(':memory:').prepare('SELECT 1');
  const prototype = Object.getPrototypeOf(statement) as {
    run: (this: Database.Statement, ...args: unknown[]) => unknown;
  };
  const run = prototype.run;
  let failed = false;
  vi.spyOn(prototype, 'run').mockImplementation(function (this: Database.Statement, ...args: unknown[]) {
    if (failed || !this.source.startsWith(sql)) return run.apply(this, args);
    failed = true;
    if (afterwards) run.apply(this, args);
    meanwhile(this.database);
    throw new Database.SqliteError('injected', sqliteCode);
  });
}

/** Takes the last byte of a file system. */
function fillUp(file: string): void {
  const fd = openSync(file, 'w');
  try {
    for (const bytes of [4096, 1]) {
      try {
        while (writeSync(fd, Buffer.alloc(bytes)) > 0);
      } catch (error) {
        expect(error).toMatchObject({ code: 'ENOSPC' });
      }
    }
  } finally {
    closeSync(fd);
  }
}

/** A file system of a given size needs root; undefined when it can be had. */
function smallFileSystemProblem(): string | undefined {
  if (process.getuid?.() !== 0) return ' (skipped: mounting a small file system needs root)';
  const mount = mkdtempSync(path.join(tmpdir(), 'journal-mount-'));
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=64k', 'tmpfs', mount], { stdio: 'pipe' });
    execFileSync('umount', [mount]);
    return undefined;
  } catch {
    return ' (skipped: this machine does not let us mount)';
  } finally {
    rmSync(mount, { recursive: true });
  }
}
