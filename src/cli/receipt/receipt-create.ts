import { writeFile } from 'node:fs/promises';
import { InvalidArgumentError, Option, type Command } from 'commander';
import type { JournalReader } from '../../journal/index.ts';
import type { SessionSelection } from '../../receipt/index.ts';
import { ExitCode, harmlessLine, note } from '../output.ts';
import { signTree } from '../journal/sign-tree.ts';
import { stateDirectory } from '../state-directory.ts';
import { UsageError } from '../usage-error.ts';

interface Options {
  readonly index?: readonly number[];
  readonly session?: string;
  readonly output: string;
  readonly config?: string;
}

export function registerReceiptCreate(receipt: Command): void {
  receipt
    .command('create')
    .description('puts journal entries, their proofs and the anchor that covers them in one file')
    .argument('[dir]', 'state directory')
    .addOption(
      new Option('--index <number...>', 'leaf index of an entry; may be given more than once').argParser(
        collectIndices,
      ),
    )
    .addOption(new Option('--session <id>', 'a whole charging session, from begin to end').conflicts('index'))
    .requiredOption('-o, --output <file>', 'the receipt (*.receipt.json), or - for standard output')
    .option('--config <file>', 'station.yaml, when it says where the high-water mark is')
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
  const { index: asked, session: sessionId } = options;
  if (asked === undefined && sessionId === undefined) {
    throw new UsageError('usage.bad_option', 'name entries with --index, or a session with --session');
  }
  const directory = stateDirectory(given);
  const { openJournalReader } = await import('../../journal/index.ts');
  const { createReceipt, selectSession, verifyReceipt } = await import('../../receipt/index.ts');
  const journal = openJournalReader(directory);
  try {
    const session = sessionId === undefined ? undefined : selectSession(journal, sessionId);
    const { provableAnchor } = await import('./provable-anchor.ts');
    const last = session?.end ?? Math.max(...(asked ?? []));
    const anchor = await provableAnchor(journal, directory, last);
    const { checkpoint, size } =
      anchor ?? (await signTree(journal, directory, { covering: last, config: options.config }));
    // What tells of entries that went later may stand behind the anchored tree; how many they are is told all the same.
    const indices = session === undefined ? (asked ?? []) : session.indices.filter((index) => index < size);
    // The birth names the key of the OCMF records.
    const birth = indices.some((index) => journal.entry(index).kind.startsWith('session-')) ? [0] : [];
    const wanted = new Set([...birth, ...rotationsIn(journal).filter((index) => index < size), ...indices]);
    const entries = [...wanted].map((index) => ({
      index,
      bytes: journal.entry(index).cose,
      inclusionProof: journal.inclusionProof(index, size),
    }));
    const { origin, keys } = journal;
    const file = createReceipt({ origin, publicKey: keys.birthKey, checkpoint, entries, anchor });
    await write(options.output, file);
    const where = anchor === null ? 'not anchored yet' : `anchored in block ${anchor.blockNumber}`;
    note(`wrote ${options.output}: ${entries.length} entries of ${origin}, ${where}`);
    if (session !== undefined) tellSelection(session);
    // What the log itself contradicts is evidence too: the file is written, and said to be what it is.
    for (const { name, detail } of verifyReceipt(file).checks.filter(({ result }) => result === 'fail')) {
      note(harmlessLine(`the check ${name} fails: ${detail}`));
      process.exitCode = ExitCode.bad;
    }
  } finally {
    journal.close();
  }
}

/** The entries that hand the log from one key to the next: without them later entries are a stranger's. */
function rotationsIn({ keys }: JournalReader): number[] {
  return keys.keys.slice(1).map(({ firstIndex }) => firstIndex - 1);
}

/** A receipt that shows less than there is says so. */
function tellSelection({ readings, events, gone }: SessionSelection): void {
  if (readings.chosen < readings.of) {
    note(`${readings.chosen} of the session's ${readings.of} readings are in it, evenly spread`);
  }
  if (events.chosen < events.of) {
    note(`${events.chosen} of the ${events.of} other entries from that time are in it`);
  }
  if (gone > 0) note(`${gone} entries from that time are not in the journal any more [journal.pruned]`);
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
