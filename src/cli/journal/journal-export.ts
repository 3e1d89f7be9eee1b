import { constants, realpathSync } from 'node:fs';
import { open, type FileHandle } from 'node:fs/promises';
import path from 'node:path';
import {
  openJournalReader,
  readExportMark,
  writeExportMark,
  type JournalReader,
} from '../../journal/index.ts';
import { CSV } from './export-csv.ts';
import { CBOR_SEQUENCE, JSON_LINES, type ExportFormat } from './export-format.ts';
import { findResumePoint } from './export-resume.ts';
import { ExportError, fileSink, standardOutput, type ExportSink } from './export-sink.ts';
import { note } from '../output.ts';
import { ProgressBar } from '../progress-bar.ts';
import { UsageError } from '../usage-error.ts';

const FORMATS = { 'cbor-seq': CBOR_SEQUENCE, jsonl: JSON_LINES, csv: CSV } as const;

export interface ExportOptions {
  readonly from: number;
  readonly to?: number;
  readonly format: keyof typeof FORMATS;
  /** A file; standard output without it, or with `-`. */
  readonly output?: string;
  readonly resume?: true;
  readonly markExported?: true;
}

/** Written at a time, in bytes: few system calls, and no more of the log in memory than this and one read of rows. */
const BATCH_BYTES = 64 * 1024;

/**
 * Writes entries from..to-1 in constant memory: the next ones are read when the output has taken the last.
 * @throws UsageError, JournalError, ExportError
 */
export async function exportJournal(directory: string, options: ExportOptions): Promise<void> {
  const file = options.output === '-' ? undefined : options.output;
  checkOptions(options, file);
  (await import('../../service/index.ts')).keepHeapSmall();
  const reader = openJournalReader(directory);
  try {
    const to = options.to ?? reader.size;
    if (to < options.from && options.to !== undefined) {
      throw new UsageError('usage.bad_option', `--to ${to} is in front of --from ${options.from}`);
    }
    const range = { from: options.from, to };
    const format = FORMATS[options.format];
    if (file === undefined) return await writeRecords(standardOutput(), format, reader, range);
    refuseStateDirectory(file, directory);
    if (options.markExported === true) refuseGap(readExportMark(directory), range);
    await exportToFile(file, options.resume === true, format, reader, range);
    // Only now: the file is on the disk, and what is marked may be dropped from the log.
    if (options.markExported === true) {
      const mark = writeExportMark(directory, range.to, range.from);
      note(`entries 0 to ${mark - 1} are marked as exported`);
    }
  } finally {
    reader.close();
  }
}

interface Range {
  readonly from: number;
  readonly to: number;
}

function checkOptions(options: ExportOptions, file: string | undefined): void {
  const needsFile =
    options.resume === true ? '--resume' : options.markExported === true ? '--mark-exported' : undefined;
  if (needsFile !== undefined && file === undefined) {
    throw new UsageError('usage.bad_option', `${needsFile} is for a file: give -o FILE`);
  }
  if (options.markExported === true && options.format === 'csv') {
    throw new UsageError('usage.bad_option', '--mark-exported is not for csv, which holds no signatures', {
      hint: 'what is marked may be dropped from the log: export it as cbor-seq or jsonl',
    });
  }
}

/** The mark says that everything in front of it is kept elsewhere. */
function refuseGap(mark: number, { from }: Range): void {
  if (from <= mark) return;
  throw new UsageError('usage.bad_option', `entries ${mark} to ${from - 1} are not marked as exported yet`, {
    hint: `--from ${mark}, or export those first`,
  });
}

/** The seed, the log and the outbox live there, and the size bound of the log knows nothing of other files. */
function refuseStateDirectory(file: string, directory: string): void {
  if (path.dirname(realPath(file)) !== realPath(directory)) return;
  throw new UsageError('usage.bad_option', `${file} is in the state directory: choose another place`);
}

function realPath(file: string): string {
  const absolute = path.resolve(file);
  try {
    return realpathSync(absolute);
  } catch {
    return path.join(realPath(path.dirname(absolute)), path.basename(absolute));
  }
}

async function exportToFile(
  name: string,
  resume: boolean,
  format: ExportFormat,
  reader: JournalReader,
  range: Range,
): Promise<void> {
  const file = await openOutput(name, resume);
  try {
    const { keepBytes, nextIndex } = resume
      ? await findResumePoint(file, format, reader, range)
      : { keepBytes: 0, nextIndex: range.from };
    await file.truncate(keepBytes);
    if (nextIndex > range.from) note(`${name} goes on with entry ${nextIndex}`);
    const sink = fileSink(file, name, keepBytes);
    await writeRecords(sink, format, reader, { from: nextIndex, to: range.to }, keepBytes === 0);
  } finally {
    await file.close();
  }
}

async function openOutput(name: string, resume: boolean): Promise<FileHandle> {
  const { O_RDWR, O_CREAT, O_TRUNC } = constants;
  let file: FileHandle | undefined;
  try {
    file = await open(name, O_RDWR | O_CREAT | (resume ? 0 : O_TRUNC));
    if ((await file.stat()).isFile()) return file;
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new UsageError('usage.file_unwritable', `cannot write ${name}: ${why}`, { cause });
  }
  await file.close();
  throw new UsageError('usage.file_unwritable', `${name} is no file`);
}

async function writeRecords(
  sink: ExportSink,
  format: ExportFormat,
  reader: JournalReader,
  range: Range,
  withHeader = true,
): Promise<void> {
  const progress = new ProgressBar(range.to - range.from, process.stderr.isTTY && !process.stdout.isTTY);
  let batch: Uint8Array[] = withHeader ? [Buffer.from(format.header)] : [];
  let bytes = 0;
  const flush = async (): Promise<void> => {
    const whole = Buffer.concat(batch);
    [batch, bytes] = [[], 0];
    if (whole.length > 0) await sink.write(whole);
  };
  try {
    for (const { record, index } of records(format, reader, range)) {
      progress.step(`entry ${index}`, performance.now());
      bytes += batch[batch.push(record) - 1]?.length ?? 0;
      if (bytes >= BATCH_BYTES) await flush();
    }
    await flush();
    await sink.finish();
  } catch (error) {
    // What was read in front of an entry that cannot be read is still worth having.
    if (!(error instanceof ExportError)) await flush();
    throw error;
  } finally {
    progress.clear();
  }
}

function* records(
  format: ExportFormat,
  reader: JournalReader,
  { from, to }: Range,
): Generator<{ index: number; record: Uint8Array }> {
  let next = from;
  const missing = (end: number): Uint8Array => Buffer.from(format.missing({ from: next, to: end }) ?? '');
  for (const stored of reader.entries(from, to)) {
    if (stored.index > next) yield { index: next, record: missing(stored.index) };
    yield { index: stored.index, record: Buffer.from(format.entry(stored)) };
    next = stored.index + 1;
  }
  if (next < to) yield { index: next, record: missing(to) };
}
