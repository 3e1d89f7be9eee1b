import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';

export interface ExportOptions {
  readonly from: number;
  readonly to?: number;
  readonly format: 'cbor-seq' | 'jsonl';
}

/** In constant memory: the next rows are read when the pipe has taken the last ones. */
export async function exportJournal(directory: string, options: ExportOptions): Promise<void> {
  const { openJournalReader, decodeEntry, entryToJson } = await import('../journal/index.ts');
  const reader = openJournalReader(directory);
  function* chunks(): Generator<Uint8Array | string> {
    for (const { cose } of reader.entries(options.from, options.to)) {
      // RFC 8742: a CBOR sequence is nothing but the messages, one after the other.
      if (options.format === 'cbor-seq') yield cose;
      else yield `${JSON.stringify({ ...entryToJson(decodeEntry(cose).entry), cose: base64(cose) })}\n`;
    }
  }
  try {
    await pipeline(Readable.from(chunks(), { objectMode: true }), process.stdout, { end: false });
  } catch (error) {
    // Whoever reads the pipe has had enough, as `head` does.
    if ((error as NodeJS.ErrnoException).code !== 'EPIPE') throw error;
  } finally {
    reader.close();
  }
}

function base64(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('base64');
}
