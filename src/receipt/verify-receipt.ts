import { hexToBytes } from '../chain/index.ts';
import { checkAnchor, type AnchorCheckName } from './anchor-checks.ts';
import { CHECK_NAMES, fail, notChecked, pass, type Check, type CheckName, type Finding } from './check.ts';
import { checkEntries, readEntries, type ReadEntry } from './entry-checks.ts';
import type { AnchoredBlock, FinalityInquiry } from './finality.ts';
import { checkCheckpoint, checkInclusion, readProofs, type ReadProofs } from './proof-checks.ts';
import { parseReceipt, type Receipt } from './receipt-format.ts';
import { energyBetween, statementsOf, type EnergyBetween, type Statement } from './statement.ts';

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
  const entries = readEntries(receipt.entries, publicKey);
  const proofs = readProofs(receipt.entries);
  const findings: Findings = {
    format: pass(`${receipt.format}, ${receipt.entries.length} entries`),
    'trusted-key': checkTrustedKey(receipt, options),
    ...checkEntries(entries, proofs, receipt.origin),
    checkpoint: checkCheckpoint(proofs, { origin: receipt.origin, publicKey }),
    inclusion: checkInclusion(receipt.entries, proofs),
    ...anchorFindings(receipt, proofs, options.finality),
  };
  return report(findings, options, entries);
}

/** The block to ask a chain about; undefined when the file is no receipt or has no anchor. */
export function anchoredBlockOf(file: Uint8Array | string): AnchoredBlock | undefined {
  const receipt = parseReceipt(file);
  if ('why' in receipt || receipt.anchor === null) return undefined;
  const { genesisHash, blockNumber, blockHash } = receipt.anchor;
  return { genesisHash, blockNumber, blockHash };
}

function checkTrustedKey(receipt: Receipt, { trustedKey, trustedOrigin }: VerifyOptions): Finding {
  if (trustedKey === undefined) {
    return notChecked(
      `no key was given to compare with (--key): anybody could have made ${receipt.publicKey}`,
    );
  }
  if (trustedOrigin !== undefined && trustedOrigin !== receipt.origin) {
    return fail(`the key that was given is of the log ${trustedOrigin}`);
  }
  return Buffer.from(trustedKey).equals(hexToBytes(receipt.publicKey))
    ? pass('the receipt is of the station with the key that was given')
    : fail('the receipt is of a station with another key than the one that was given');
}

const ANCHOR_CHECKS = CHECK_NAMES.filter(
  (name): name is AnchorCheckName => name.startsWith('anchor-') || name === 'finality',
);

function anchorFindings(
  receipt: Receipt,
  proofs: ReadProofs,
  finality: FinalityInquiry | undefined,
): Record<AnchorCheckName, Finding> {
  if (receipt.anchor === null) return fill(ANCHOR_CHECKS, notChecked('the receipt has no anchor'));
  return checkAnchor(receipt.anchor, { origin: receipt.origin, checkpoint: proofs.checkpoint, finality });
}

function fill<Name extends string>(names: readonly Name[], finding: Finding): Record<Name, Finding> {
  return Object.fromEntries(names.map((name) => [name, finding])) as Record<Name, Finding>;
}

function report(
  findings: Findings,
  options: VerifyOptions,
  entries: readonly ReadEntry[] = [],
): ReceiptReport {
  const checks = CHECK_NAMES.map((name) => ({ name, ...findings[name] }));
  const finalityMissing = options.finality !== undefined && findings.finality.result !== 'pass';
  const statements = statementsOf(entries);
  return {
    ok: checks.every(({ result }) => result !== 'fail') && !finalityMissing,
    checks,
    statements,
    energy: statements.length > 0 ? energyBetween(entries) : [],
  };
}
