import { fstatSync, write } from 'node:fs';
import { open, type FileHandle } from 'node:fs/promises';
import path from 'node:path';
import { promisify } from 'node:util';
import { StationError, type StationErrorOptions } from '../../../hal/contract/index.ts';
import { endWithoutReader } from '../line-writer.ts';

/** Where an export goes. One write at a time: a write resolves when there is room for the next. */
export interface ExportSink {
  /** @throws ExportError `export.no_reader`, `export.disk_full`, `export.write_failed` */
  write(bytes: Uint8Array): Promise<void>;
  /** Resolves when all of it is where it belongs; for a named file that is on the disk. @throws as write */
  finish(): Promise<void>;
}

export type ExportErrorCode = 'export.no_reader' | 'export.disk_full' | 'export.write_failed';

/** The output could not be written, or not all of it. */
export class ExportError extends StationError {
  declare readonly code: ExportErrorCode;
  constructor(code: ExportErrorCode, message: string, options: Partial<StationErrorOptions> = {}) {
    super(code, message, { remedy: 'operator', ...options });
  }
}

/** A named file that is open, from `position` on. */
export function fileSink(file: FileHandle, name: string, position: number): ExportSink {
  let at = position;
  return {
    write: (bytes) =>
      writeAll(bytes, name, async (from) => {
        const { bytesWritten } = await file.write(bytes, from, bytes.length - from, at);
        at += bytesWritten;
        return bytesWritten;
      }),
    async finish() {
      try {
        await file.sync();
        // A new name is durable only when its directory is.
        const directory = await open(path.dirname(path.resolve(name)), 'r');
        await directory.sync().finally(() => directory.close());
      } catch (error) {
        throw writeError(error, name);
      }
    },
  };
}

export function standardOutput(): ExportSink {
  return fstatSync(1).isFile() ? redirectedFile() : streamSink(process.stdout, 'standard output');
}

/** `> FILE`. Not through process.stdout, which takes a short write, as on a disk that is nearly full, for a whole one. */
function redirectedFile(): ExportSink {
  const name = 'standard output';
  const writePart = promisify(write);
  return {
    write: (bytes) =>
      writeAll(bytes, name, async (from) => {
        const { bytesWritten } = await writePart(1, bytes, from, bytes.length - from, null);
        return bytesWritten;
      }),
    finish: () => Promise.resolve(),
  };
}

/**
 * A pipe or a terminal. Whoever got half of an export must not take it for the whole: unlike elsewhere, a reader who goes
 * away is an error.
 */
function streamSink(stream: NodeJS.WriteStream, name: string): ExportSink {
  stream.off('error', endWithoutReader);
  // The write that fails says so; without a listener the event would end the process.
  stream.on('error', () => {});
  const written = (bytes: Uint8Array): Promise<void> =>
    new Promise((resolve, reject) => {
      stream.write(bytes, (error) => (error ? reject(writeError(error, name)) : resolve()));
    });
  return { write: written, finish: () => written(new Uint8Array(0)) };
}

/** write(2) may take a part, and says what is wrong only when it is asked to take the rest. */
async function writeAll(
  bytes: Uint8Array,
  name: string,
  writePart: (from: number) => Promise<number>,
): Promise<void> {
  try {
    for (let done = 0; done < bytes.length;) done += await writePart(done);
  } catch (error) {
    throw writeError(error, name);
  }
}

const FULL = new Set(['ENOSPC', 'EDQUOT', 'EFBIG']);

function writeError(cause: unknown, name: string): ExportError {
  const code = (cause as NodeJS.ErrnoException).code ?? String(cause);
  const details = { name, code };
  if (code === 'EPIPE') {
    return new ExportError('export.no_reader', 'whoever read the export stopped before its end', {
      ...{ cause, details },
    });
  }
  if (FULL.has(code)) {
    return new ExportError('export.disk_full', `no room for the rest of the export in ${name} (${code})`, {
      ...{ cause, details },
      hint: 'make room; with -o FILE, --resume goes on where it ended',
    });
  }
  return new ExportError('export.write_failed', `the export could not be written to ${name} (${code})`, {
    ...{ cause, details },
    hint: 'with -o FILE, --resume goes on where it ended',
  });
}
