// Appends readings to one log in a process of its own and says what that took.
import { generateKeyPairSync, randomBytes, sign } from 'node:crypto';
import { readFileSync, statSync } from 'node:fs';
import path from 'node:path';
import Database from 'better-sqlite3';
import { openJournalReader } from '../../src/journal/index.ts';
import { answerTask } from './child.ts';
import { appendReadings, openTypicalLog, typicalReading } from './typical-log.ts';

export interface WriterTask {
  readonly subject: 'journal' | 'raw rows' | 'raw rows, each signed';
  readonly directory: string;
  /** Appended before the count begins, so that the engine has compiled the code. */
  readonly warmUp: number;
  readonly entries: number;
  readonly groupEntries: number;
  /** Size of a raw row's blob. */
  readonly rowBytes: number;
}

export interface WriterResult {
  /** From the first append until everything is on disk and the write-ahead log is folded into the file. */
  readonly seconds: number;
  /** What the process has sent to the block layer meanwhile, /proc/self/io. */
  readonly writtenBytes: number;
  /** The file at the end, the warm-up's entries in it. */
  readonly fileBytes: number;
  /** Mean size of a signed entry; of a raw row's blob. */
  readonly entryBytes: number;
}

await answerTask<WriterTask, WriterResult>((task) =>
  task.subject === 'journal' ? writeJournal(task) : writeRows(task),
);

async function writeJournal({ directory, warmUp, entries, groupEntries }: WriterTask): Promise<WriterResult> {
  const reading = await typicalReading();
  const journal = await openTypicalLog(directory, groupEntries);
  await appendReadings(journal, reading, { from: 0, count: warmUp, groupEntries });
  const cost = startCounting();
  await appendReadings(journal, reading, { from: warmUp, count: entries, groupEntries });
  await journal.close();
  const { seconds, writtenBytes } = cost();
  const log = openJournalReader(directory);
  const bytes = [...log.entries(1)].reduce((total, { cose }) => total + cose.length, 0);
  const count = log.size - 1;
  log.close();
  if (count !== warmUp + entries)
    throw new Error(`${count} entries in the log, not ${warmUp} and ${entries}`);
  return { seconds, writtenBytes, fileBytes: fileSize(directory, 'journal.db'), entryBytes: bytes / count };
}

/** What SQLite itself asks for rows of that size, with the same durability. */
async function writeRows(task: WriterTask): Promise<WriterResult> {
  const { directory, warmUp, entries, groupEntries, rowBytes } = task;
  const key = task.subject === 'raw rows' ? undefined : generateKeyPairSync('ed25519').privateKey;
  const database = new Database(path.join(directory, 'raw.db'));
  database.pragma('journal_mode = WAL');
  database.pragma('synchronous = FULL');
  database.exec(
    'CREATE TABLE row (id INTEGER PRIMARY KEY, kind TEXT NOT NULL, content BLOB NOT NULL) STRICT',
  );
  const insert = database.prepare('INSERT INTO row VALUES (?, ?, ?)');
  const content = randomBytes(rowBytes);
  const insertRange = database.transaction((from: number, to: number) => {
    for (let id = from; id < to; id++) {
      content.writeUInt32BE(id);
      if (key !== undefined) sign(null, content, key).copy(content, rowBytes - 64);
      insert.run(id, 'reading', content);
    }
  });
  const append = (from: number, to: number): void => {
    for (let at = from; at < to; at += groupEntries) {
      insertRange.immediate(at, Math.min(at + groupEntries, to));
    }
  };
  append(0, warmUp);
  const cost = startCounting();
  append(warmUp, warmUp + entries);
  database.close();
  return { ...cost(), fileBytes: fileSize(directory, 'raw.db'), entryBytes: rowBytes };
}

function startCounting(): () => { seconds: number; writtenBytes: number } {
  const [startedAt, written] = [performance.now(), writtenSoFar()];
  return () => ({ seconds: (performance.now() - startedAt) / 1_000, writtenBytes: writtenSoFar() - written });
}

function writtenSoFar(): number {
  return Number(/^write_bytes: (\d+)$/m.exec(readFileSync('/proc/self/io', 'utf8'))?.[1]);
}

function fileSize(directory: string, file: string): number {
  return statSync(path.join(directory, file)).size;
}
