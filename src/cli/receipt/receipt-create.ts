import { writeFile } from 'node:fs/promises';
import { InvalidArgumentError, Option, type Command } from 'commander';
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
  const { verifyReceipt } = await import('../../receipt/index.ts');
  const { composeReceipt } = await import('../../station/index.ts');
  const journal = openJournalReader(directory);
  try {
    const subject = sessionId === undefined ? { indices: asked ?? [] } : { session: sessionId };
    const { text, origin, entries, anchor, session } = await composeReceipt(subject, {
      ...{ journal, directory, pause: () => Promise.resolve() },
      signTree: (covering) => signTree(journal, directory, { covering, config: options.config }),
    });
    await write(options.output, text);
    const where = anchor === null ? 'not anchored yet' : `anchored in block ${anchor.blockNumber}`;
    note(`wrote ${options.output}: ${entries} entries of ${origin}, ${where}`);
    if (session !== undefined) tellSelection(session);
    // What the log itself contradicts is evidence too: the file is written, and said to be what it is.
    for (const { name, detail } of verifyReceipt(text).checks.filter(({ result }) => result === 'fail')) {
      note(harmlessLine(`the check ${name} fails: ${detail}`));
      process.exitCode = ExitCode.bad;
    }
  } finally {
    journal.close();
  }
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
