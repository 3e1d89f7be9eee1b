import { writeFile } from 'node:fs/promises';
import { InvalidArgumentError, Option, type Command } from 'commander';
import type { AnchorEvidence } from '../chain/index.ts';
import type { JournalReader } from '../journal/index.ts';
import { note } from './output.ts';
import { ownIdentity } from './own-identity.ts';
import { stateDirectory } from './state-directory.ts';
import { UsageError } from './usage-error.ts';

interface Options {
  readonly index: readonly number[];
  readonly output: string;
}

export function registerReceiptCreate(receipt: Command): void {
  receipt
    .command('create')
    .description('puts journal entries, their proofs and the anchor that covers them in one file')
    .argument('[dir]', 'state directory')
    .addOption(
      new Option('--index <number...>', 'leaf index of an entry; may be given more than once')
        .argParser(collectIndices)
        .makeOptionMandatory(),
    )
    .requiredOption('-o, --output <file>', 'the receipt (*.receipt.json), or - for standard output')
    .action(create);
}

function collectIndices(text: string, earlier: readonly number[] = []): readonly number[] {
  const index = Number(text);
  if (!/^\d+$/.test(text) || !Number.isSafeInteger(index)) {
    throw new InvalidArgumentError(`"${text}" is no leaf index`);
  }
  return [...earlier, index];
}

async function create(given: string | undefined, options: Options): Promise<void> {
  const directory = stateDirectory(given);
  const { openJournalReader } = await import('../journal/index.ts');
  const { createReceipt } = await import('../receipt/index.ts');
  const journal = openJournalReader(directory);
  try {
    const anchor = await anchorOf(directory, Math.max(...options.index));
    const { checkpoint, size } = anchor ?? (await freshCheckpoint(journal, directory));
    const { origin, publicKey } = journal;
    const entries = options.index.map((index) => ({
      index,
      bytes: journal.entry(index).cose,
      inclusionProof: journal.inclusionProof(index, size),
    }));
    await write(options.output, createReceipt({ origin, publicKey, checkpoint, entries, anchor }));
    const where = anchor === null ? 'not anchored yet' : `anchored in block ${anchor.blockNumber}`;
    note(`wrote ${options.output}: ${entries.length} entries of ${origin}, ${where}`);
  } finally {
    journal.close();
  }
}

/** The anchor that covers the last of the entries, and with it all of them. */
async function anchorOf(directory: string, lastIndex: number): Promise<AnchorEvidence | null> {
  const { anchorCovering, SyncError } = await import('../sync/index.ts');
  try {
    return anchorCovering(directory, lastIndex) ?? null;
  } catch (error) {
    // A station that never had a link has no outbox, and its receipts no anchor.
    if (error instanceof SyncError && error.code === 'sync.outbox_missing') return null;
    throw error;
  }
}

/** Without an anchor the tree as it is on disk; only this needs the station's key. */
async function freshCheckpoint(
  journal: JournalReader,
  directory: string,
): Promise<Pick<AnchorEvidence, 'checkpoint' | 'size'>> {
  const { signCheckpoint } = await import('../journal/index.ts');
  const { origin, size } = journal;
  const identity = await ownIdentity(directory);
  return { checkpoint: signCheckpoint({ origin, size, root: journal.rootAt(size) }, identity), size };
}

async function write(file: string, receipt: string): Promise<void> {
  if (file === '-') {
    process.stdout.write(receipt);
    return;
  }
  try {
    await writeFile(file, receipt);
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new UsageError('usage.file_unwritable', `cannot write ${file}: ${why}`, { cause });
  }
}
