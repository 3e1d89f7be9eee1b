import SqliteDatabase, { type Database } from 'better-sqlite3';
import { JournalError } from '../errors.ts';

export const DATABASE_FILE = 'journal.db';
/**
 * SQLite's page cache of each connection, in KiB; better-sqlite3 would take 16 MB, which a log fills within hours and never
 * uses: it is written at its end, and read in order or page by page.
 */
export const CACHE_KIB = 2_048;
/** "DLMJ": `file` and sqlite3 can tell a journal from any other database. */
export const APPLICATION_ID = 0x444c4d4a;

/**
 * Forward only, in order; the number of those applied is the file's user_version. A released one is never edited.
 * The partial index spares the flash: readings, nearly all of the rows, are not in it.
 */
const MIGRATIONS: readonly string[] = [
  `CREATE TABLE entry (
     leaf_index INTEGER PRIMARY KEY,
     kind TEXT NOT NULL,
     cose BLOB NOT NULL
   ) STRICT;
   CREATE INDEX entry_by_kind ON entry (kind, leaf_index) WHERE kind <> 'reading';
   CREATE TABLE tile (
     level INTEGER NOT NULL,
     tile_index INTEGER NOT NULL,
     hashes BLOB NOT NULL,
     PRIMARY KEY (level, tile_index)
   ) STRICT, WITHOUT ROWID;`,
  // All derived from signed entries, which alone are believed: which key signs from an index on (only later keys than the
  // one of entry 0); which runs of entries are gone, and the newest entry that says so; and how far retention has come (keep
  // span 0: no reading is left in front of that entry).
  `CREATE TABLE signing_key (
     first_index INTEGER PRIMARY KEY,
     public_key BLOB NOT NULL
   ) STRICT;
   CREATE TABLE hole (
     first_index INTEGER PRIMARY KEY,
     end_index INTEGER NOT NULL,
     cause_index INTEGER NOT NULL
   ) STRICT;
   CREATE TABLE retention (
     keep_span INTEGER PRIMARY KEY,
     end_index INTEGER NOT NULL
   ) STRICT;`,
];
export const SCHEMA_VERSION = MIGRATIONS.length;
/** The first version with the table signing_key: a file that is only read is not migrated. */
export const SIGNING_KEY_SCHEMA = 2;
export const SCHEMA_WITH_HOLES = 2;

/** Brings a file up to date; each step is one transaction. @throws JournalError `journal.newer_format` */
export function migrate(database: Database): void {
  checkVersion(database);
  for (let version = userVersion(database); version < SCHEMA_VERSION; version++) {
    database.exec(
      `BEGIN IMMEDIATE; ${MIGRATIONS[version]}
       PRAGMA application_id = ${APPLICATION_ID}; PRAGMA user_version = ${version + 1}; COMMIT;`,
    );
  }
}

/**
 * @throws JournalError `journal.corrupt` when the file is no journal, `journal.newer_format` when a newer release wrote
 * it
 */
export function checkIsJournal(database: Database): void {
  if (database.pragma('application_id', { simple: true }) !== APPLICATION_ID || userVersion(database) < 1) {
    throw new JournalError(
      'journal.corrupt',
      `${database.name} is not a journal, or its first page is damaged`,
    );
  }
  checkVersion(database);
}

function checkVersion(database: Database): void {
  const version = userVersion(database);
  if (version > SCHEMA_VERSION) {
    // No release writes another version with the very same tables: then it is the number that is damaged.
    if (tablesOf(database) === ownTables()) {
      throw new JournalError('journal.corrupt', `${database.name} names a format that it does not have`, {
        remedy: 'degrade',
        details: { found: version, known: SCHEMA_VERSION },
      });
    }
    throw new JournalError('journal.newer_format', `${database.name} was written by a newer release`, {
      details: { found: version, known: SCHEMA_VERSION },
      hint: 'install the release that wrote it; a journal is never taken back to an older form',
    });
  }
}

function tablesOf(database: Database): string {
  return database
    .prepare<[], string>('SELECT sql FROM sqlite_schema WHERE sql IS NOT NULL ORDER BY name')
    .pluck()
    .all()
    .join('\n');
}

function ownTables(): string {
  const empty = new SqliteDatabase(':memory:');
  try {
    for (const migration of MIGRATIONS) empty.exec(migration);
    return tablesOf(empty);
  } finally {
    empty.close();
  }
}

function userVersion(database: Database): number {
  return database.pragma('user_version', { simple: true }) as number;
}
