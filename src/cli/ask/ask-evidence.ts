import { createHash } from 'node:crypto';
import { open, rename, rm } from 'node:fs/promises';
import type { CommandParameters } from '../../remote/index.ts';
import { harmless, harmlessLine, note, print, printJson } from '../output.ts';
import { UsageError } from '../usage-error.ts';
import type { Asking } from './ask.ts';
import { worthOf, type BelievedKey } from './believed-key.ts';
import type { Told } from './told.ts';

interface Where {
  readonly asking: Asking;
  readonly output: string | undefined;
}

/** A tlog-proof: on stdout, or in a file; only when the station's key signed the checkpoint that it leads to. */
export async function showProof(
  answer: Told,
  wanted: CommandParameters['journal proof'],
  { asking, output }: Where,
): Promise<boolean> {
  const { parseTlogProof, verifyCheckpoint, parseCheckpoint, JournalError } =
    await import('../../journal/index.ts');
  const believed = mustKnowKey(asking);
  const text = answer['proof'];
  if (typeof text !== 'string') throw await notProved('the answer holds no proof');
  // A line with a signature of nobody's can be added by anybody on the way, and it is shown as it is.
  if (harmless(text) !== text) throw await notProved('it holds characters that could steer a terminal');
  try {
    const { index, checkpoint } = parseTlogProof(text);
    const { origin = parseCheckpoint(checkpoint).origin, publicKey } = believed;
    const { size } = verifyCheckpoint(checkpoint, { origin, publicKey });
    const isOther = index !== wanted.index || (wanted.size !== undefined && size !== wanted.size);
    if (isOther) throw await notProved(`it is a proof of entry ${index} in a tree of ${size}`);
    if (asking.isJson)
      printJson({ index, size, proof: text, checkpoint: 'verified', stationKey: keyDocument(believed) });
    else if (output === undefined) process.stdout.write(text);
    if (output !== undefined) await writeWhole(output, text);
    note(`the checkpoint of ${size} entries verifies ${worthOf(believed)}`);
    note(`that entry ${index} stands in it shows with the entry: a receipt has both`);
    return true;
  } catch (error) {
    if (error instanceof JournalError) throw await notProved(error.message, error);
    throw error;
  }
}

/** Written only when every check passes that can be made without a chain. */
export async function writeReceipt(
  parts: readonly Told[],
  wanted: CommandParameters['journal receipt'],
  { asking, output = '' }: Where,
): Promise<boolean> {
  const { MAX_RECEIPT_BYTES, verifyReceipt } = await import('../../receipt/index.ts');
  const believed = mustKnowKey(asking);
  const text = parts
    .map((part) => part['text'])
    .filter((one) => typeof one === 'string')
    .join('');
  const said = parts.at(-1) ?? {};
  if (Buffer.byteLength(text) > MAX_RECEIPT_BYTES)
    throw await notProved('it is larger than a receipt may be');
  if (createHash('sha256').update(text).digest('hex') !== said['sha256'])
    throw await notProved('it did not come whole');
  const report = verifyReceipt(text, {
    trustedKey: believed.publicKey,
    ...(believed.origin !== undefined && { trustedOrigin: believed.origin }),
  });
  const failed = report.checks.filter(({ result }) => result === 'fail');
  if (!report.ok || failed.length > 0) {
    const why = failed.map(({ name, detail }) => `${name}: ${detail}`).join('; ');
    throw await notProved(why === '' ? 'the receipt does not verify' : why);
  }
  const indices = report.statements.map(({ index }) => index);
  const missing = 'indices' in wanted ? wanted.indices.filter((one) => !indices.includes(one)) : [];
  if (missing.length > 0) throw await notProved(`entry ${missing.join(', ')} is not in it`);
  if ('session' in wanted && report.session?.sessionId !== wanted.session)
    throw await notProved(`it is not of session ${wanted.session}`);
  await writeWhole(output, text);
  const bytes = Buffer.byteLength(text);
  if (asking.isJson)
    printJson({
      ...{ file: output, bytes, entries: indices.length, block: report.block },
      ...{ checks: report.checks, stationKey: keyDocument(believed) },
    });
  else {
    print(
      `${output}: ${indices.length} ${indices.length === 1 ? 'entry' : 'entries'}, ${bytes} bytes; it verifies ${worthOf(believed)}`,
    );
    const anchor = report.block;
    print(
      anchor === null
        ? 'no anchor covers them yet'
        : harmlessLine(
            `anchored in block ${anchor.blockNumber}; receipt verify --chain asks whether that is final`,
          ),
    );
  }
  return true;
}

/** What a verification went by, for programs. */
export function keyDocument({ publicKey, isPinned }: BelievedKey): object {
  return { publicKey: Buffer.from(publicKey).toString('hex'), pinned: isPinned };
}

/** @throws UsageError `usage.bad_option` */
export function mustKnowKey({ believed, station }: Asking): BelievedKey {
  if (believed !== undefined) return believed;
  throw new UsageError('usage.bad_option', `${harmlessLine(station)} does not tell its key: --station-key`);
}

async function notProved(why: string, cause?: unknown): Promise<Error> {
  const { FleetError } = await import('../../fleet/index.ts');
  return new FleetError('fleet.not_proved', `what came does not verify, and is not written: ${why}`, {
    cause,
    hint: 'Was the key rotated (--station-key of the present one, or of the one before)? Otherwise somebody on the way changed it.',
  });
}

/** A file that is there is whole: it is written beside, made durable, and renamed. */
async function writeWhole(file: string, text: string): Promise<void> {
  const beside = `${file}.part-${process.pid}`;
  try {
    const handle = await open(beside, 'wx');
    try {
      await handle.writeFile(text);
      await handle.sync();
    } finally {
      await handle.close();
    }
    await rename(beside, file);
  } catch (cause) {
    await rm(beside, { force: true });
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new UsageError('usage.file_unwritable', `cannot write ${file}: ${why}`, { cause });
  }
}
