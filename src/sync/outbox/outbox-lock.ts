import path from 'node:path';
import Database from 'better-sqlite3';
import { SyncError } from '../errors.ts';

/** Held as long as the process lives or until released; the kernel lets go of it however the process ends. */
export interface OutboxLock {
  release(): void;
}

/**
 * Makes this the only process that drives the outbox of a directory: two would sign two extrinsics with one nonce. As the
 * journal's lock: an exclusive transaction on an empty database that is never written to. Throws `sync.locked`.
 */
export function acquireOutboxLock(directory: string): OutboxLock {
  const database = new Database(path.join(directory, 'outbox.lock'), { timeout: 0 });
  try {
    database.exec('BEGIN EXCLUSIVE');
  } catch (cause) {
    database.close();
    if (!(cause instanceof Database.SqliteError) || cause.code !== 'SQLITE_BUSY') throw cause;
    throw new SyncError('sync.locked', 'another process syncs this state directory', {
      remedy: 'operator',
      details: { directory },
      cause,
      hint: 'The running service syncs by itself; stop it first, or read `delmonicos sync status`.',
    });
  }
  return { release: () => void database.close() };
}
