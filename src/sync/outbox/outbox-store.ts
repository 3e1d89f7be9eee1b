import { existsSync } from 'node:fs';
import path from 'node:path';
import Database from 'better-sqlite3';
import { outboxDamaged, SyncError } from '../errors.ts';
import { type AnchorIntent, type Intent, type IntentKind, isOpen, type PublishIntent } from './intent.ts';
import {
  type AttemptRow,
  attemptValues,
  fromRow,
  INSERT_EARLIER,
  type IntentRow,
  toRow,
  UPSERT,
} from './intent-row.ts';
import { APPLICATION_ID, MIGRATIONS, VIEW_OF_OLDER } from './outbox-schema.ts';

export const OUTBOX_FILE = 'outbox.db';
/**
 * Ended rows that are kept. Older anchors go first, and nothing is lost by it: a later anchor covers every leaf of an
 * earlier one. About 3 KB each; hourly anchors fill it in more than a year.
 */
const KEPT_ANCHORS = 10_000;
const KEPT_OTHERS = 100;
/** Where what was published stands: a row holds its bytes, up to about 35 KB. The newest one is the position. */
const KEPT_PUBLISHED = 100;
const GOOD_ANCHOR = `kind = 'anchor' AND state = 'final' AND refused = 0`;
const OWN_FROM_PROPERTY = 'ownFrom';

/** The outbox on disk: outbox.db in the state directory, WAL, synchronous=FULL. One writer (see outbox-lock.ts). */
export class OutboxStore {
  readonly #database: Database.Database;

  private constructor(database: Database.Database) {
    this.#database = database;
  }

  /** Opens or creates. Throws `sync.outbox_damaged` or `sync.outbox_newer`; the file is left as it is then. */
  static open(directory: string): OutboxStore {
    return guard(() => {
      const database = new Database(path.join(directory, OUTBOX_FILE));
      database.pragma('journal_mode = WAL');
      database.pragma('synchronous = FULL');
      check(database);
      for (let version = userVersion(database); version < MIGRATIONS.length; version++) {
        database.exec(
          `BEGIN IMMEDIATE; ${MIGRATIONS[version]}
           PRAGMA application_id = ${APPLICATION_ID}; PRAGMA user_version = ${version + 1}; COMMIT;`,
        );
      }
      return new OutboxStore(database);
    });
  }

  /** For readers, while a service may be writing. Throws `sync.outbox_missing` when nothing was ever planned here. */
  static openReadOnly(directory: string): OutboxStore {
    const file = path.join(directory, OUTBOX_FILE);
    if (!existsSync(file)) {
      throw new SyncError('sync.outbox_missing', `there is no outbox in ${directory}`, {
        remedy: 'operator',
        hint: 'It is made when the service first syncs; is this the state directory?',
      });
    }
    return guard(() => {
      const database = new Database(file, { readonly: true });
      check(database);
      if (userVersion(database) < MIGRATIONS.length) database.exec(VIEW_OF_OLDER);
      return new OutboxStore(database);
    });
  }

  close(): void {
    this.#database.close();
  }

  /** Durable once returned: all of the rows, or none. */
  commit(changed: readonly Intent[]): void {
    if (changed.length === 0) return;
    guard(() =>
      this.#database.transaction(() => {
        // What leaves the in-flight states goes first, so that the index never sees two.
        const last = changed.filter(({ state }) => ['signed', 'broadcast', 'inBlock'].includes(state));
        for (const intent of changed) if (!last.includes(intent)) this.#write(intent);
        for (const intent of last) this.#write(intent);
        this.#prune();
      })(),
    );
  }

  open(): Intent[] {
    return this.#select(
      `WHERE state IN ('planned', 'signed', 'broadcast', 'inBlock', 'expired') ORDER BY id`,
      [],
    );
  }

  lastId(): number {
    return (this.#database.prepare('SELECT max(id) FROM intent').pluck().get() as number | null) ?? 0;
  }

  /** The newest rows, of each kind so many: entries that are published push no anchor out of sight. Newest first. */
  newest(limit: number): Intent[] {
    const ofKind = (kind: IntentKind): Intent[] =>
      this.#select(`WHERE kind = '${kind}' ORDER BY id DESC LIMIT ?`, [limit]);
    return [...ofKind('anchor'), ...ofKind('publish')].sort((a, b) => b.id - a.id);
  }

  /** The first id of the log that is written now; smaller ones are of logs that were set aside. */
  ownFrom(): number {
    return Number(this.property(OWN_FROM_PROPERTY) ?? 0);
  }

  /** From here on every new intent is of another log. */
  beginLog(): number {
    const from = this.lastId() + 1;
    this.setProperty(OWN_FROM_PROPERTY, String(from));
    return from;
  }

  /** The final anchor with the largest tree whose call the runtime did not refuse. */
  // `+id`: the index by size is the one to use here.
  lastFinal(): AnchorIntent | undefined {
    return this.#select(`WHERE ${GOOD_ANCHOR} AND +id >= ? ORDER BY size DESC LIMIT 1`, [
      this.ownFrom(),
    ])[0] as AnchorIntent | undefined;
  }

  /** The final anchor of the present log with the smallest tree that has more than `leafIndex` leaves. */
  covering(leafIndex: number): AnchorIntent | undefined {
    return this.#select(`WHERE ${GOOD_ANCHOR} AND size > ? AND +id >= ? ORDER BY size LIMIT 1`, [
      leafIndex,
      this.ownFrom(),
    ])[0] as AnchorIntent | undefined;
  }

  /** The last entries of the present log that were published, or are known to be in a block that nobody can show any more. */
  lastPublished(): PublishIntent | undefined {
    return this.#select(
      `WHERE kind = 'publish' AND state IN ('final', 'unplaced') AND id >= ? ORDER BY id DESC LIMIT 1`,
      [this.ownFrom()],
    )[0] as PublishIntent | undefined;
  }

  property(name: string): string | undefined {
    return this.#database.prepare('SELECT value FROM property WHERE name = ?').pluck().get(name) as
      string | undefined;
  }

  setProperty(name: string, value: string): void {
    guard(() =>
      this.#database
        .prepare('INSERT INTO property VALUES (?, ?) ON CONFLICT DO UPDATE SET value = excluded.value')
        .run(name, value),
    );
  }

  #write(intent: Intent): void {
    this.#database.prepare(UPSERT).run(...toRow(intent));
    const kept = isOpen(intent) ? intent.earlier : [];
    const known = this.#earlier(intent.id).map(({ attempt }) => attempt);
    for (const ordinal of known) {
      if (!kept.some((attempt) => attempt.ordinal === ordinal)) {
        this.#database
          .prepare('DELETE FROM earlier_attempt WHERE intent_id = ? AND attempt = ?')
          .run(intent.id, ordinal);
      }
    }
    for (const attempt of kept)
      this.#database.prepare(INSERT_EARLIER).run(intent.id, ...attemptValues(attempt));
  }

  #earlier(intentId: number): AttemptRow[] {
    return this.#database
      .prepare<[number], AttemptRow>('SELECT * FROM earlier_attempt WHERE intent_id = ? ORDER BY attempt')
      .all(intentId);
  }

  #prune(): void {
    const drop = (which: string, index: string, keep: number): unknown =>
      this.#database
        .prepare(
          `DELETE FROM intent WHERE ${which} AND id <=
             (SELECT id FROM intent INDEXED BY ${index} WHERE ${which} ORDER BY id DESC LIMIT 1 OFFSET ?)`,
        )
        .run(keep);
    drop(`kind = 'anchor' AND state = 'final'`, 'final_by_id', KEPT_ANCHORS);
    drop(`kind = 'anchor' AND state IN ('superseded', 'unplaced')`, 'dropped_by_id', KEPT_OTHERS);
    drop(
      `kind = 'publish' AND state IN ('final', 'unplaced', 'superseded')`,
      'published_by_id',
      KEPT_PUBLISHED,
    );
  }

  #select(clause: string, parameters: readonly unknown[]): Intent[] {
    return guard(() =>
      (this.#database.prepare(`SELECT * FROM intent ${clause}`).all(...parameters) as IntentRow[]).map(
        (row) => fromRow(row, this.#earlier(row.id)),
      ),
    );
  }
}

function userVersion(database: Database.Database): number {
  return Number(database.pragma('user_version', { simple: true }));
}

/**
 * Readings wait while a file is checked, and a year of anchors is tens of megabytes: what is larger than this (8 MiB) is
 * looked at only as it is read, which finds damage, too, where it matters.
 */
const QUICK_PAGES = 2_048;

function check(database: Database.Database): void {
  const version = userVersion(database);
  if (version > MIGRATIONS.length) {
    throw new SyncError('sync.outbox_newer', `${database.name} was written by a newer release`, {
      remedy: 'operator',
      details: { found: version, known: MIGRATIONS.length },
      hint: 'Install the release that wrote it; an outbox is never taken back to an older form.',
    });
  }
  if (version > 0 && database.pragma('application_id', { simple: true }) !== APPLICATION_ID) {
    throw outboxDamaged(`${database.name} is not an outbox`);
  }
  const pages = Number(database.pragma('page_count', { simple: true }));
  if (pages > QUICK_PAGES) return;
  const verdict: unknown = database.pragma('quick_check(1)', { simple: true });
  if (verdict !== 'ok') throw outboxDamaged(String(verdict));
}

/** What SQLite says of a file whose content makes no sense. Anything else (disk full, I/O) passes as it is, to be retried. */
const CORRUPT = /^SQLITE_(CORRUPT|NOTADB|FORMAT|CONSTRAINT)/;

function guard<T>(action: () => T): T {
  try {
    return action();
  } catch (error) {
    if (error instanceof Database.SqliteError && CORRUPT.test(error.code))
      throw outboxDamaged(error.code, error);
    throw error;
  }
}
