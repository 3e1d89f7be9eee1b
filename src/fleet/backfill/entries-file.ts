import { constants } from 'node:fs';
import { open, type FileHandle } from 'node:fs/promises';
import path from 'node:path';
import { decodeEntry, entryLength, JournalError, type JournalEntry } from '../../journal/index.ts';
import { BackfillError } from './errors.ts';

const READ_BYTES = 1_024 * 1_024;

/** A CBOR sequence of entries (RFC 8742) that grows at its end. */
export class EntriesFile {
  readonly #file: FileHandle;
  readonly #name: string;
  #bytes = 0;

  private constructor(file: FileHandle, name: string) {
    this.#file = file;
    this.#name = name;
  }

  /**
   * Opens it, and goes through what an earlier run left: whole entries in the order of the log, which are told, and perhaps the
   * beginning of another, which is cut off.
   * @throws BackfillError `backfill.file`; `backfill.not_resumable`, with the file as it was, when anything else is in it
   */
  static async open(
    name: string,
    onEntry: (cose: Uint8Array, entry: JournalEntry) => void,
  ): Promise<EntriesFile> {
    const { O_RDWR, O_CREAT } = constants;
    const file = await open(name, O_RDWR | O_CREAT, 0o644).catch((cause: unknown) => fail(name, cause));
    const opened = new EntriesFile(file, name);
    try {
      if (!(await file.stat()).isFile()) throw notResumable(name, 'it is no file');
      await opened.#read(onEntry);
      return opened;
    } catch (error) {
      await file.close();
      throw error;
    }
  }

  get bytes(): number {
    return this.#bytes;
  }

  /** @throws BackfillError `backfill.file` */
  async append(bytes: Uint8Array): Promise<void> {
    try {
      for (let done = 0; done < bytes.length;) {
        const { bytesWritten } = await this.#file.write(bytes, done, bytes.length - done, this.#bytes);
        done += bytesWritten;
        this.#bytes += bytesWritten;
      }
    } catch (cause) {
      fail(this.#name, cause);
    }
  }

  /** Resolves when it is on the disk. */
  async sync(): Promise<void> {
    try {
      await this.#file.sync();
      // A new name is durable only when its directory is.
      const directory = await open(path.dirname(path.resolve(this.#name)), 'r');
      await directory.sync().finally(() => directory.close());
    } catch (cause) {
      fail(this.#name, cause);
    }
  }

  close(): Promise<void> {
    return this.#file.close();
  }

  async #read(onEntry: (cose: Uint8Array, entry: JournalEntry) => void): Promise<void> {
    const { size } = await this.#file.stat();
    let next = 0;
    while (this.#bytes < size) {
      const part = await this.#part(this.#bytes, Math.min(READ_BYTES, size - this.#bytes));
      let at = 0;
      let length = entryLength(part, at);
      for (; typeof length === 'number'; length = entryLength(part, at)) {
        const cose = part.subarray(at, at + length);
        const entry = this.#decoded(cose);
        if (entry.index < next)
          throw notResumable(this.#name, `entry ${entry.index} stands behind ${next - 1}`);
        next = entry.index + 1;
        onEntry(cose, entry);
        at += length;
      }
      if (length === 'none') throw notResumable(this.#name, 'something else than entries is in it');
      this.#bytes += at;
      if (at === 0) break; // what is left is cut off
    }
    if (this.#bytes < size) await this.#file.truncate(this.#bytes);
  }

  #decoded(cose: Uint8Array): JournalEntry {
    try {
      return decodeEntry(cose).entry;
    } catch (error) {
      if (error instanceof JournalError) throw notResumable(this.#name, error.message);
      throw error;
    }
  }

  async #part(from: number, length: number): Promise<Buffer> {
    const bytes = Buffer.alloc(length);
    let done = 0;
    while (done < length) {
      const { bytesRead } = await this.#file.read(bytes, done, length - done, from + done);
      if (bytesRead === 0) break;
      done += bytesRead;
    }
    return bytes.subarray(0, done);
  }
}

export function notResumable(name: string, why: string): BackfillError {
  return new BackfillError(
    'backfill.not_resumable',
    `${name} is no unfinished file of these entries: ${why}`,
    {
      hint: 'give the same --from as before, or another file',
    },
  );
}

export function fail(name: string, cause: unknown): never {
  const code = (cause as NodeJS.ErrnoException).code ?? String(cause);
  throw new BackfillError('backfill.file', `${name} cannot be written (${code})`, {
    cause,
    details: { name, code },
    hint: 'what is in it stays: the same command goes on where it ended',
  });
}
