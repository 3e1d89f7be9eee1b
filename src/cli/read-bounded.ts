import { open } from 'node:fs/promises';
import { UsageError } from './usage-error.ts';

/**
 * A file, or stdin for `-`; of one that is larger than `maxBytes` only a beginning that is larger too, so that whoever checks
 * its size refuses it without all of it having been read.
 * @throws UsageError `usage.file_unreadable`
 */
export async function readBounded(file: string, maxBytes: number): Promise<Uint8Array> {
  const chunks: Buffer[] = [];
  let length = 0;
  try {
    const stream = file === '-' ? process.stdin : (await open(file)).createReadStream();
    for await (const chunk of stream) {
      chunks.push(chunk as Buffer);
      length += (chunk as Buffer).length;
      if (length > maxBytes) break;
    }
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new UsageError('usage.file_unreadable', `cannot read ${file}: ${why}`, { cause });
  }
  return new Uint8Array(Buffer.concat(chunks));
}
