// Appends readings to one log in a process of its own and says what that took.
import { encode, rfc8949EncodeOptions, Tagged } from 'cborg';
import { generateKeyPairSync, randomBytes, sign, type KeyObject } from 'node:crypto';
import { readFileSync, statSync } from 'node:fs';
import path from 'node:path';
import Database from 'better-sqlite3';
import { openJournalReader } from '../../src/journal/index.ts';
import { answerTask } from './child.ts';
import { appendReadings, made, openTypicalLog, typicalReading } from './typical-log.ts';

/**
 * What SQLite asks for bytes that are there already; with the signature that whoever makes each entry evidence has to pay;
 * and with the reading encoded as well, as straight as it can be written down with a library.
 */
export type RawSubject = 'raw rows' | 'raw rows, each signed' | 'raw rows, each encoded and signed';

export interface WriterTask {
  readonly subject: 'journal' | RawSubject;
  readonly directory: string;
  /** Appended before the count begins, so that the engine has compiled the code. */
  readonly warmUp: number;
  readonly entries: number;
  readonly groupEntries: number;
  /** Size of a raw row's blob. */
  readonly rowBytes: number;
}

/** As long as a station's. */
const ORIGIN = `delmonicos/${'5'.repeat(48)}`;

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
  task.subject === 'journal' ? writeJournal(task) : writeRows(task, task.subject),
);

async function writeJournal({ directory, warmUp, entries, groupEntries }: WriterTask): Promise<WriterResult> {
  const reading = made(await typicalReading());
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

/** Rows of that size with the same durability. */
async function writeRows(task: WriterTask, subject: RawSubject): Promise<WriterResult> {
  const { directory, warmUp, entries, groupEntries, rowBytes } = task;
  const content = await contentMaker(subject, rowBytes);
  const database = new Database(path.join(directory, 'raw.db'));
  database.pragma('journal_mode = WAL');
  database.pragma('synchronous = FULL');
  database.exec(
    'CREATE TABLE row (id INTEGER PRIMARY KEY, kind TEXT NOT NULL, content BLOB NOT NULL) STRICT',
  );
  const insert = database.prepare('INSERT INTO row VALUES (?, ?, ?)');
  const insertRange = database.transaction((from: number, to: number) => {
    for (let id = from; id < to; id++) insert.run(id, 'reading', content(id));
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

async function contentMaker(subject: RawSubject, rowBytes: number): Promise<(id: number) => Uint8Array> {
  const { privateKey } = generateKeyPairSync('ed25519');
  const ready = randomBytes(rowBytes);
  if (subject === 'raw rows, each encoded and signed') return encodedAndSigned(privateKey);
  return (id) => {
    ready.writeUInt32BE(id);
    if (subject === 'raw rows, each signed') sign(null, ready, privateKey).copy(ready, rowBytes - 64);
    return ready;
  };
}

/** What an entry says, in the same CBOR but for the header of its key. */
async function encodedAndSigned(privateKey: KeyObject): Promise<(id: number) => Uint8Array> {
  const reading = made(await typicalReading());
  const header = randomBytes(59);
  const encoded = (value: unknown): Uint8Array => encode(value, rfc8949EncodeOptions);
  return (id) => {
    const { meterSerial, profileId, readBeginMonoMs, readEndMonoMs, values } = reading(id);
    const list = values.map(({ obis, value: { exponent, mantissa }, unit, quality }) => [
      obis,
      new Tagged(4, [exponent, mantissa]),
      unit,
      quality,
    ]);
    const body = new Map<number, unknown>([
      [1, meterSerial],
      [2, profileId],
      [3, [readBeginMonoMs, readEndMonoMs]],
      [4, list],
    ]);
    const fields = [ORIGIN, id, 'reading', Date.now(), 'S', [1, readEndMonoMs], body];
    const payload = encoded(new Map(fields.map((field, i) => [i + 1, field])));
    const signature = sign(null, encoded(['Signature1', header, new Uint8Array(0), payload]), privateKey);
    return encoded(new Tagged(18, [header, new Map(), payload, signature]));
  };
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
