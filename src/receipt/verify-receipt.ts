import { equalBytes, hexToBytes } from '../chain/index.ts';
import { rotationIn, type JournalEntry, type KeyHistory } from '../journal/index.ts';
import { checkAnchor, type AnchorCheckName } from './anchor-checks.ts';
import { believed } from './believed-entries.ts';
import { CHECK_NAMES, fail, notChecked, pass, type Check, type CheckName, type Finding } from './check.ts';
import { checkEnergy } from './energy-check.ts';
import { checkEntries, readEntries } from './entry-checks.ts';
import type { AnchoredBlock, FinalityInquiry } from './finality.ts';
import { energyBetween, type EnergyBetween } from './import-register.ts';
import { checkOcmf } from './ocmf-check.ts';
import { checkCheckpoint, checkInclusion, readProofs, type ReadProofs } from './proof-checks.ts';
import { parseReceipt, type Receipt } from './receipt-format.ts';
import { checkSession, sessionEnds, summaryOf, type SessionSummary } from './session.ts';
import { statementOf, type Statement } from './statement.ts';
import { checkTimes } from './times-check.ts';

export interface VerifyOptions {
  /** The station's public key as the reader got it by another way, 32 bytes. */
  readonly trustedKey?: Uint8Array;
  /** The log's origin as the reader knows it: the name in a C2SP verifier key. */
  readonly trustedOrigin?: string;
  /** What a chain answered when asked about the receipt's block; with it, `ok` needs the block to be final. */
  readonly finality?: FinalityInquiry;
}

export interface ReceiptReport {
  /** No check failed, and what was asked for (`finality`) passed. */
  readonly ok: boolean;
  /** One for each name, in the order of CHECK_NAMES. */
  readonly checks: readonly Check[];
  /** What the entries say, for people; empty unless they can be read and are signed by the receipt's key. */
  readonly statements: readonly Statement[];
  /** Energy between readings of the same meter; empty on the same condition. */
  readonly energy: readonly EnergyBetween[];
  /** The charging session, when the receipt holds the begin and the end of one; null otherwise. */
  readonly session: SessionSummary | null;
  /** Whether the receipt carries OCMF records, which the check `ocmf` is about. */
  readonly hasOcmf: boolean;
  /** The block that the receipt says it is anchored in; null when it has none, or cannot be read. */
  readonly block: AnchoredBlock | null;
}

type Findings = Readonly<Record<CheckName, Finding>>;

/**
 * Takes a receipt apart. Pure and total: whatever the bytes are, a report comes back, in bounded time and memory.
 * Each check is made on its own, so that the report names everything that is wrong, not only the first.
 */
export function verifyReceipt(file: Uint8Array | string, options: VerifyOptions = {}): ReceiptReport {
  const receipt = parseReceipt(file);
  if ('why' in receipt) {
    const unreadable = notChecked('the receipt cannot be read');
    const findings = fill(CHECK_NAMES, unreadable);
    return report({ ...findings, format: fail(receipt.why) }, options);
  }
  const publicKey = hexToBytes(receipt.publicKey);
  const read = readEntries(receipt.entries, publicKey);
  const proofs = readProofs(receipt.entries);
  const said = believed(read.entries);
  const findings: Findings = {
    format: pass(`${receipt.format}, ${receipt.entries.length} entries`),
    'trusted-key': checkTrustedKey(receipt, read.keys, options),
    ...checkEntries(read, proofs, receipt.origin),
    checkpoint: checkCheckpoint(proofs, { origin: receipt.origin, keys: read.keys }),
    inclusion: checkInclusion(receipt.entries, proofs),
    ...contentFindings(said, receipt.ocmf),
    ...anchorFindings(receipt, proofs, said, options.finality),
  };
  return report(findings, options, receipt, said);
}

/** The block to ask a chain about; undefined when the file is no receipt or has no anchor. */
export function anchoredBlockOf(file: Uint8Array | string): AnchoredBlock | undefined {
  const receipt = parseReceipt(file);
  return 'why' in receipt ? undefined : (blockOf(receipt) ?? undefined);
}

/** The parts of a file as they stand there, none of them checked; undefined when it is no receipt. */
export function receiptOf(file: Uint8Array | string): Receipt | undefined {
  const receipt = parseReceipt(file);
  return 'why' in receipt ? undefined : receipt;
}

function blockOf({ anchor }: Receipt): AnchoredBlock | null {
  if (anchor === null) return null;
  const { genesisHash, blockNumber, blockHash } = anchor;
  return { genesisHash, blockNumber, blockHash };
}

function checkTrustedKey(
  receipt: Receipt,
  keys: KeyHistory,
  { trustedKey, trustedOrigin }: VerifyOptions,
): Finding {
  if (trustedKey === undefined) {
    return notChecked(
      `no key was given to compare with (--key): anybody could have made ${receipt.publicKey}`,
    );
  }
  if (trustedOrigin !== undefined && trustedOrigin !== receipt.origin) {
    return fail(`the key that was given is of the log ${trustedOrigin}`);
  }
  if (!keys.includes(trustedKey)) {
    return fail('the receipt is of a station with another key than the one that was given');
  }
  return equalBytes(trustedKey, keys.birthKey)
    ? pass('the receipt is of the station with the key that was given')
    : pass('the receipt is of the station with the key that was given, which a rotation made it take over');
}

const CONTENT_CHECKS = ['session', 'energy', 'times', 'ocmf'] as const satisfies readonly CheckName[];

function contentFindings(
  said: readonly JournalEntry[],
  ocmf: Receipt['ocmf'],
): Record<(typeof CONTENT_CHECKS)[number], Finding> {
  if (said.length === 0)
    return fill(CONTENT_CHECKS, notChecked('the station did not sign what would be checked'));
  return {
    session: checkSession(said),
    energy: checkEnergy(said),
    times: checkTimes(said),
    ocmf: checkOcmf(said, ocmf),
  };
}

const ANCHOR_CHECKS = CHECK_NAMES.filter(
  (name): name is AnchorCheckName => name.startsWith('anchor-') || name === 'finality',
);

function anchorFindings(
  receipt: Receipt,
  proofs: ReadProofs,
  said: readonly JournalEntry[],
  finality: FinalityInquiry | undefined,
): Record<AnchorCheckName, Finding> {
  if (receipt.anchor === null) return fill(ANCHOR_CHECKS, notChecked('the receipt has no anchor'));
  const laterAccounts = said.flatMap((entry) => rotationIn(entry)?.chainAccount ?? []);
  const { origin } = receipt;
  return checkAnchor(receipt.anchor, { origin, laterAccounts, checkpoint: proofs.checkpoint, finality });
}

function fill<Name extends string>(names: readonly Name[], finding: Finding): Record<Name, Finding> {
  return Object.fromEntries(names.map((name) => [name, finding])) as Record<Name, Finding>;
}

function report(
  findings: Findings,
  options: VerifyOptions,
  receipt?: Receipt,
  said: readonly JournalEntry[] = [],
): ReceiptReport {
  const checks = CHECK_NAMES.map((name) => ({ name, ...findings[name] }));
  const finalityMissing = options.finality !== undefined && findings.finality.result !== 'pass';
  const ends = sessionEnds(said);
  return {
    ok: checks.every(({ result }) => result !== 'fail') && !finalityMissing,
    checks,
    statements: said.map(statementOf),
    energy: energyBetween(said),
    session: ends === undefined ? null : summaryOf(ends, said, findings),
    hasOcmf: receipt !== undefined && receipt.ocmf !== null,
    block: receipt === undefined ? null : blockOf(receipt),
  };
}
