import type { Database } from 'better-sqlite3';
import { JournalError } from '../errors.ts';
import { headroomBytes } from '../retention/retention-plan.ts';
import { DiskReserve } from './disk-reserve.ts';

export interface RoomOptions {
  /** Upper bound of the log's files together; entries other than readings may pass it by the reserve. */
  readonly maxBytes?: number | undefined;
  /** What is kept for entries other than readings when the disk is full, in bytes; 0: nothing. */
  readonly reserveBytes?: number | undefined;
}

/** SQLite lets its write-ahead log grow to so many pages before it is written back. */
const WAL_PAGES = 1_000;
/** While the reserve is in use it is written back sooner, for every page of it comes out of the reserve. */
const SCARCE_WAL_PAGES = 64;
/** Readings are taken again when so many pages are free, not before: the next group should fit. Of a small bound, fewer. */
const PAGES_FOR_READINGS = 64;
const FREE_FOR_READINGS_BYTES = 64 * 1024;

/**
 * Who may still write when room runs out. Readings stop at the bound of the log and at the end of the disk; every other entry
 * goes on, on a reserve of both. Once readings were refused they are refused at once, without a try that eats the reserve,
 * until there is room.
 */
export class Room {
  readonly reserve: DiskReserve;
  readonly #database: Database;
  readonly #pageBytes: number;
  readonly #pagesFor: { readonly readings: number; readonly others: number } | undefined;
  readonly #walPages: number;
  readonly #pagesNeeded: number;
  #limit: number | undefined;
  #full = false;

  constructor(database: Database, reserve: DiskReserve, { maxBytes }: RoomOptions) {
    this.#database = database;
    this.reserve = reserve;
    this.#pageBytes = this.#pragma('page_size');
    this.#pagesFor = maxBytes === undefined ? undefined : this.#pagesWithin(maxBytes);
    this.#full = !reserve.isThere && !reserve.canMake;
    const headroomPages = Math.floor(headroomBytes(maxBytes ?? Infinity) / this.#pageBytes);
    // Of a small bound the write-ahead log must not take most.
    this.#walPages = Math.max(1, Math.min(WAL_PAGES, Math.floor(headroomPages / 4)));
    this.#pagesNeeded = Math.min(PAGES_FOR_READINGS, Math.floor(headroomPages / 8));
    this.#writeBackAfter(this.#walPages);
    void reserve.make();
  }

  /** Before a transaction: how far the file may grow for it; less where all of it yields to the rest. */
  prepare(yields: boolean): void {
    const limit = yields ? this.#pagesFor?.readings : this.#pagesFor?.others;
    if (limit === undefined || limit === this.#limit) return;
    this.#limit = limit;
    this.#database.pragma(`max_page_count = ${limit}`);
  }

  /** After a transaction failed: true when it is worth another try, because the reserve was given away for it. */
  makeWay(error: JournalError, yields: boolean): boolean {
    if (error.code !== 'journal.disk_full') return false;
    this.#full = true;
    const atBound = this.#pagesLeft(this.#pagesFor?.others) < 1;
    if (yields || atBound || !this.reserve.release()) return false;
    this.#writeBackAfter(Math.min(SCARCE_WAL_PAGES, this.#walPages));
    return true;
  }

  /** Why a reading, or what yields as one, is not even tried; undefined when it is. */
  refusal(): JournalError | undefined {
    if (!this.#full) return undefined;
    const freeBytes = this.reserve.freeBytes();
    if (!this.reserve.isThere) void this.reserve.make();
    else if (
      this.#pagesLeft(this.#pagesFor?.readings) >= this.#pagesNeeded &&
      freeBytes >= FREE_FOR_READINGS_BYTES
    ) {
      this.#full = false;
      this.#writeBackAfter(this.#walPages);
      return undefined;
    }
    return new JournalError(
      'journal.disk_full',
      'no room for readings; what is left is kept for other entries',
      {
        details: { freeBytes, reserve: this.reserve.isThere },
        hint: 'free space on the file system of the state directory, export the log, or raise journal.maxSize',
      },
    );
  }

  #pagesLeft(limit: number | undefined): number {
    return limit === undefined
      ? Infinity
      : limit - this.#pragma('page_count') + this.#pragma('freelist_count');
  }

  #pagesWithin(maxBytes: number): { readings: number; others: number } {
    const pages = (bytes: number): number => Math.max(1, Math.floor(bytes / this.#pageBytes));
    const readings = pages(maxBytes - headroomBytes(maxBytes) / 2);
    return { readings, others: pages(maxBytes + this.reserve.bytes) };
  }

  #writeBackAfter(walPages: number): void {
    this.#database.pragma(`wal_autocheckpoint = ${walPages}`);
    this.#database.pragma(`journal_size_limit = ${walPages * this.#pageBytes}`);
  }

  #pragma(name: string): number {
    return this.#database.pragma(name, { simple: true }) as number;
  }
}
