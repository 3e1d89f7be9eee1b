import { open, readFile, rename } from 'node:fs/promises';
import { JournalError, parseCheckpoint, type Checkpoint } from '../../journal/index.ts';
import { fail, notResumable } from './entries-file.ts';

/** Beside a file of entries: the checkpoint that they were proved against. */
function checkpointFile(name: string): string {
  return `${name}.checkpoint`;
}

/** A tree that was seen before, its signature not checked yet. */
export type KnownTree = Pick<Checkpoint, 'origin' | 'size' | 'root'> & { readonly text: string };

/**
 * What an earlier run proved its entries against; undefined where there was none, or nothing is gone on with. What stands there is
 * written over in the end: so it must be a checkpoint in any case.
 * @throws BackfillError `backfill.not_resumable` when something else stands there, `backfill.file`
 */
export async function readKnownTree(name: string, isGoneOnWith: boolean): Promise<KnownTree | undefined> {
  let text: string;
  try {
    text = await readFile(checkpointFile(name), 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    return fail(checkpointFile(name), error);
  }
  try {
    const { origin, size, root } = parseCheckpoint(text);
    return isGoneOnWith ? { origin, size, root, text } : undefined;
  } catch (error) {
    if (error instanceof JournalError)
      throw notResumable(name, `no checkpoint is in ${checkpointFile(name)}`);
    throw error;
  }
}

/**
 * Whole or not at all: half a checkpoint would keep the file from being gone on with.
 * @throws BackfillError `backfill.file`
 */
export async function writeCheckpoint(name: string, text: string): Promise<void> {
  const file = checkpointFile(name);
  try {
    const draft = await open(`${file}.draft`, 'w');
    try {
      await draft.writeFile(text);
      await draft.sync();
    } finally {
      await draft.close();
    }
    await rename(`${file}.draft`, file);
  } catch (cause) {
    fail(file, cause);
  }
}
