import { createHash } from 'node:crypto';
import { mkdir, open, readFile, rename, rm, stat } from 'node:fs/promises';
import path from 'node:path';
import * as v from 'valibot';

/**
 * A file of things that could be fetched again: one line of JSON that says what it holds and for whom, then the content.
 * Atomic and checksummed; whatever is wrong with it, it is as if there were none.
 */
const headSchema = v.strictObject({
  format: v.literal('delmonicos-gateway-file/1'),
  /** What the content belongs to; a file of another owner is not read. */
  owner: v.string(),
  bytes: v.number(),
  sha256: v.string(),
});
const FORMAT = 'delmonicos-gateway-file/1';
const MAX_HEAD_BYTES = 1_024;

export type StoredFile =
  | { readonly found: true; readonly content: string }
  | { readonly found: false; readonly why: 'absent' | 'too-large' | 'damaged' | 'foreign' };

/** Never throws: a file that cannot be read is `damaged`. */
export async function readStored(file: string, owner: string, maxBytes: number): Promise<StoredFile> {
  try {
    const found = await stat(file);
    // A pipe would be waited for.
    if (!found.isFile()) return { found: false, why: 'damaged' };
    if (found.size > maxBytes + MAX_HEAD_BYTES) return { found: false, why: 'too-large' };
    return check(await readFile(file), owner);
  } catch (cause) {
    const absent = cause instanceof Error && 'code' in cause && cause.code === 'ENOENT';
    return { found: false, why: absent ? 'absent' : 'damaged' };
  }
}

function check(bytes: Buffer, owner: string): StoredFile {
  const end = bytes.indexOf('\n');
  if (end < 0 || end > MAX_HEAD_BYTES) return { found: false, why: 'damaged' };
  const head = v.parse(headSchema, JSON.parse(bytes.subarray(0, end).toString()));
  const content = bytes.subarray(end + 1);
  if (content.length !== head.bytes || sha256(content) !== head.sha256)
    return { found: false, why: 'damaged' };
  if (head.owner !== owner) return { found: false, why: 'foreign' };
  return { found: true, content: content.toString() };
}

/**
 * Replaces the file as a whole: after a power cut the old one is there or the new one. Returns its size in bytes.
 * Throws what the file system throws.
 */
export async function writeStored(file: string, owner: string, content: string): Promise<number> {
  const body = Buffer.from(content);
  const head = { format: FORMAT, owner, bytes: body.length, sha256: sha256(body) };
  const bytes = Buffer.concat([Buffer.from(`${JSON.stringify(head)}\n`), body]);
  await mkdir(path.dirname(file), { recursive: true, mode: 0o700 });
  // One name for all drafts: what a killed gateway left behind gives way to the next one. Nothing that stands there is opened:
  // a link would lead elsewhere, and a pipe would be waited for.
  const draft = `${file}.draft`;
  await rm(draft, { force: true });
  const handle = await open(draft, 'wx', 0o600);
  try {
    await handle.writeFile(bytes);
    await handle.sync();
  } finally {
    await handle.close();
  }
  await rename(draft, file);
  await syncDirectory(path.dirname(file));
  return bytes.length;
}

export async function removeStored(file: string): Promise<void> {
  await rm(file, { force: true });
}

async function syncDirectory(directory: string): Promise<void> {
  const handle = await open(directory, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

function sha256(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}
