import { readFileSync } from 'node:fs';
import type { AuditOptions } from '../../journal/index.ts';
import { ExitCode, harmlessLine, note, print, printJson } from '../output.ts';
import { ownIdentity } from '../own-identity.ts';
import { UsageError } from '../usage-error.ts';

export interface VerifyOptions {
  readonly json?: true;
  readonly key?: string;
  readonly checkpoint?: string;
}

/** Progress is shown only to a person, and only when there is something to wait for. */
const PROGRESS_FROM_ENTRIES = 10_000;

export async function verifyJournalCommand(directory: string, options: VerifyOptions): Promise<void> {
  const { verifyJournal } = await import('../../journal/index.ts');
  const showProgress = process.stderr.isTTY && options.json !== true;
  const trusted = await trustedLog(directory, options.key);
  const earlier = await earlierTree(options.checkpoint);
  if (trusted.origin !== undefined && earlier.origin !== undefined && trusted.origin !== earlier.origin) {
    throw new UsageError('usage.bad_option', '--key and --checkpoint are of two different logs');
  }
  const audit = await verifyJournal(directory, {
    ...trusted,
    ...earlier,
    ...(showProgress ? { onProgress: progress } : {}),
  });
  const { size, root, ok, firstBad, notCompared, pruned } = audit;
  // What was asked for and could not be checked is not good, as with receipts.
  if (!ok || notCompared !== null) process.exitCode = ExitCode.bad;
  if (options.json === true) return printJson({ size, root, ok, firstBad, notCompared, pruned });
  if (firstBad === null) {
    const gone = pruned.entries === 0 ? '' : `, ${pruned.entries} of them gone as signed entries declare`;
    print(harmlessLine(`good: ${size} entries of ${audit.origin}${gone}, root ${root}`));
    if (notCompared === null) return;
    print(`NOT COMPARED with the checkpoint: ${notCompared}`);
    note('compare with another checkpoint: the last anchored one is always kept provable');
  } else print(harmlessLine(`BAD: entry ${firstBad.index} of ${size}: ${firstBad.why}`));
}

/** Whom to believe: the key given, or the station's own. Without both, the log is checked against itself only. */
async function trustedLog(
  directory: string,
  key: string | undefined,
): Promise<Pick<AuditOptions, 'origin' | 'publicKey'>> {
  const { parseVerifierKey } = await import('../../journal/index.ts');
  if (key !== undefined) {
    try {
      const { keyName: origin, publicKey } = parseVerifierKey(key);
      return { origin, publicKey };
    } catch (error) {
      throw new UsageError('usage.bad_option', `--key: not a verifier key, as key show prints it`, {
        cause: error,
      });
    }
  }
  const { IdentityError } = await import('../../identity/index.ts');
  try {
    return { publicKey: (await ownIdentity(directory)).publicKey };
  } catch (error) {
    if (!(error instanceof IdentityError)) throw error;
    note('no root seed that can be read here and no --key: checking with the key that entry 0 names');
    return {};
  }
}

/** A checkpoint's own signature is not checked here: whoever names the file says that it is the one they saw. */
async function earlierTree(file: string | undefined): Promise<Pick<AuditOptions, 'origin' | 'earlier'>> {
  if (file === undefined) return {};
  const { parseCheckpoint } = await import('../../journal/index.ts');
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (error) {
    throw new UsageError('usage.file_unreadable', `cannot read ${file}`, { cause: error });
  }
  const { origin, size, root } = parseCheckpoint(text);
  return { origin, earlier: { size, root } };
}

function progress(done: number, size: number): void {
  if (size < PROGRESS_FROM_ENTRIES) return;
  process.stderr.write(done === size ? '\r\x1b[K' : `\r${done} of ${size} entries checked`);
}
