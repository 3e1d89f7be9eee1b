import { Argument, InvalidArgumentError, Option, type Command } from 'commander';
import type { ExportOptions } from './journal-export.ts';
import { printJournalStat, type StatOptions } from './journal-stat.ts';
import { verifyJournalCommand, type VerifyOptions } from './journal-verify.ts';
import { printJson } from '../output.ts';
import type { TreeWanted } from './sign-tree.ts';
import { stateDirectory } from '../state-directory.ts';

interface JsonOption {
  readonly json?: true;
}

/** Every subcommand works while the service writes: readers have their own connection and hold no lock. */
interface SignOptions extends JsonOption {
  readonly config?: string;
}

export function registerJournalCommand(program: Command): void {
  const journal = program.command('journal').description('the signed log: size, full check, entries, proofs');
  journal
    .command('stat')
    .description('size, root, age and bytes; what is written to flash a day, and how long it lasts')
    .addArgument(directoryArgument())
    .option(
      '--config <file>',
      "the station's configuration: how much its flash endures (journal.flashEndurance)",
    )
    .addOption(jsonOption())
    .action((directory: string | undefined, options: StatOptions) =>
      printJournalStat(stateDirectory(directory), options),
    );
  journal
    .command('verify')
    .description('checks every entry, every stored hash and the root; exit status 1 when anything is wrong')
    .addArgument(directoryArgument())
    .option(
      '--key <key>',
      'verifier key of the log (key show); default: that of root.seed, or else what entry 0 says',
    )
    .option('--checkpoint <file>', 'a signed checkpoint seen earlier: the log must begin with its tree')
    .addOption(jsonOption())
    .action((directory: string | undefined, options: VerifyOptions) =>
      verifyJournalCommand(stateDirectory(directory), options),
    );
  journal
    .command('export')
    .description(
      'writes entries to standard output or a file: as they were signed, as JSON lines, or as a table',
    )
    .addArgument(directoryArgument())
    .addOption(indexOption('--from <index>', 'first entry').default(0))
    .addOption(indexOption('--to <index>', 'first entry that is not written any more'))
    .addOption(new Option('--format <format>').choices(['cbor-seq', 'jsonl', 'csv']).default('cbor-seq'))
    .option('-o, --output <file>', 'a file instead of standard output; synchronised to disk at the end')
    .option('--resume', 'go on with a file that an earlier export left unfinished')
    .option('--mark-exported', 'tells the station that these entries are safe elsewhere; see docs/export.md')
    .action(async (directory: string | undefined, options: ExportOptions) => {
      const { exportJournal } = await import('./journal-export.ts');
      await exportJournal(stateDirectory(directory), options);
    });
  journal
    .command('checkpoint')
    .description('signs the tree as it is on disk (C2SP tlog-checkpoint); needs the key')
    .addArgument(directoryArgument())
    .addOption(configOption())
    .addOption(jsonOption())
    .action(printCheckpoint);
  journal
    .command('proof')
    .description('proves that an entry is in the log (C2SP tlog-proof); needs the key')
    .addArgument(directoryArgument())
    .addOption(indexOption('--index <index>', 'the entry').makeOptionMandatory())
    .addOption(indexOption('--size <size>', 'of the tree; default: the log as it is'))
    .addOption(configOption())
    .addOption(jsonOption())
    .action(printProof);
}

function directoryArgument(): Argument {
  return new Argument('[dir]', 'state directory');
}

function configOption(): Option {
  return new Option('--config <file>', 'station.yaml, when it says where the high-water mark is');
}

function jsonOption(): Option {
  return new Option('--json', 'one JSON document');
}

function indexOption(flags: string, description: string): Option {
  return new Option(flags, description).argParser((text) => {
    const index = Number(text);
    if (!/^\d+$/.test(text) || !Number.isSafeInteger(index)) throw new InvalidArgumentError('a whole number');
    return index;
  });
}

async function printCheckpoint(given: string | undefined, { json, config }: SignOptions): Promise<void> {
  const { text, origin, size, root } = await signTreeOf(stateDirectory(given), { config });
  if (json === true) return printJson({ origin, size, root: hex(root), checkpoint: text });
  process.stdout.write(text);
}

async function printProof(
  given: string | undefined,
  options: SignOptions & { readonly index: number; readonly size?: number },
): Promise<void> {
  const { formatTlogProof } = await import('../../journal/index.ts');
  const { index } = options;
  const { text, size, root, inclusionProof } = await signTreeOf(stateDirectory(given), options, index);
  const proof = formatTlogProof({ index, inclusionProof, checkpoint: text });
  if (options.json === true) return printJson({ index, size, root: hex(root), proof });
  process.stdout.write(proof);
}

/** Signs a tree of the log with the station's key; with a proof of one of its entries when an index is given. */
async function signTreeOf(directory: string, wanted: Omit<TreeWanted, 'covering'>, index?: number) {
  const { openJournalReader } = await import('../../journal/index.ts');
  const { signTree } = await import('./sign-tree.ts');
  const reader = openJournalReader(directory);
  try {
    // One size for both: the log may grow meanwhile.
    const { size, root, checkpoint } = await signTree(reader, directory, { ...wanted, covering: index });
    const inclusionProof = index === undefined ? [] : reader.inclusionProof(index, size);
    return { origin: reader.origin, size, root, inclusionProof, text: checkpoint };
  } finally {
    reader.close();
  }
}

function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('hex');
}
