/** "DLMO": `file` and sqlite3 can tell an outbox from any other database. */
export const APPLICATION_ID = 0x444c4d4f;
/** Forward only; the number of those applied is the file's user_version. A released one is never edited. */
export const MIGRATIONS: readonly string[] = [
  `CREATE TABLE intent (
     id INTEGER PRIMARY KEY,
     state TEXT NOT NULL CHECK (state IN
       ('planned', 'signed', 'broadcast', 'inBlock', 'expired', 'final', 'superseded', 'unplaced')),
     size INTEGER NOT NULL CHECK (size > 0),
     root BLOB NOT NULL,
     checkpoint TEXT NOT NULL,
     planned_at_ms INTEGER NOT NULL,
     attempt INTEGER,
     nonce INTEGER,
     birth_number INTEGER,
     birth_hash BLOB,
     death_number INTEGER,
     extrinsic BLOB,
     additional_signed BLOB,
     block_number INTEGER,
     block_hash BLOB,
     evidence TEXT,
     reason TEXT,
     CHECK ((attempt IS NULL) = (extrinsic IS NULL)),
     CHECK (state NOT IN ('signed', 'broadcast', 'inBlock') OR extrinsic IS NOT NULL),
     CHECK ((state = 'final') = (evidence IS NOT NULL))
   ) STRICT;
   CREATE UNIQUE INDEX one_in_flight ON intent ((1)) WHERE state IN ('signed', 'broadcast', 'inBlock');
   CREATE INDEX intent_open ON intent (id) WHERE state IN ('planned', 'signed', 'broadcast', 'inBlock', 'expired');
   CREATE INDEX anchor_by_size ON intent (size) WHERE state = 'final';
   CREATE TABLE property (name TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT;`,
  // For counting what is kept: without them every step would read through all rows, evidence included.
  `CREATE INDEX final_by_id ON intent (id) WHERE state = 'final';
   CREATE INDEX dropped_by_id ON intent (id) WHERE state IN ('superseded', 'unplaced');`,
  // Entries that are published beside checkpoints that are anchored. Columns are added and no table is copied: a year of
  // anchors is tens of megabytes. `earlier_attempt`: of open intents only.
  `ALTER TABLE intent ADD COLUMN kind TEXT NOT NULL DEFAULT 'anchor' CHECK (kind IN ('anchor', 'publish'));
   ALTER TABLE intent ADD COLUMN from_index INTEGER CHECK ((kind = 'publish') = (from_index IS NOT NULL));
   ALTER TABLE intent ADD COLUMN to_index INTEGER CHECK ((kind = 'publish') = (to_index IS NOT NULL));
   ALTER TABLE intent ADD COLUMN payload BLOB CHECK ((kind = 'publish') = (payload IS NOT NULL));
   ALTER TABLE intent ADD COLUMN entries INTEGER;
   ALTER TABLE intent ADD COLUMN entries_so_far INTEGER;
   ALTER TABLE intent ADD COLUMN skipped_so_far INTEGER;
   ALTER TABLE intent ADD COLUMN outcome TEXT;
   ALTER TABLE intent ADD COLUMN refused INTEGER NOT NULL DEFAULT 0 CHECK (refused IN (0, 1));
   CREATE TABLE earlier_attempt (
     intent_id INTEGER NOT NULL,
     attempt INTEGER NOT NULL,
     nonce INTEGER NOT NULL,
     birth_number INTEGER NOT NULL,
     birth_hash BLOB NOT NULL,
     death_number INTEGER NOT NULL,
     extrinsic BLOB NOT NULL,
     additional_signed BLOB,
     PRIMARY KEY (intent_id, attempt)
   ) STRICT, WITHOUT ROWID;
   DROP INDEX anchor_by_size;
   DROP INDEX final_by_id;
   DROP INDEX dropped_by_id;
   CREATE INDEX anchor_by_size ON intent (size) WHERE kind = 'anchor' AND state = 'final' AND refused = 0;
   CREATE INDEX final_by_id ON intent (id) WHERE kind = 'anchor' AND state = 'final';
   CREATE INDEX dropped_by_id ON intent (id) WHERE kind = 'anchor' AND state IN ('superseded', 'unplaced');
   CREATE INDEX published_by_id ON intent (id)
     WHERE kind = 'publish' AND state IN ('final', 'unplaced', 'superseded');
   CREATE INDEX publish_by_id ON intent (id) WHERE kind = 'publish';`,
];

/**
 * What a reader puts over a file that an older release wrote and nobody has opened for writing since: after an update the
 * journal is held against it before the outbox is opened. Temporary, so that nothing is written.
 */
export const VIEW_OF_OLDER = `
  CREATE TEMP VIEW intent AS SELECT *, 'anchor' AS kind, NULL AS from_index, NULL AS to_index, NULL AS payload, NULL AS entries,
    NULL AS entries_so_far, NULL AS skipped_so_far, NULL AS outcome, 0 AS refused FROM main.intent;
  CREATE TEMP TABLE earlier_attempt (intent_id INTEGER, attempt INTEGER);`;
