// Whether an extrinsic is paid for. Money is a decimal integer in the chain's smallest unit. Pure.
import { SyncError } from '../errors.ts';

export interface FeeQuestion {
  /** What the chain says that it costs; null: it does not say. */
  readonly fee: string | null;
  /** Null: not known. */
  readonly free: string | null;
  /** Below it the account would be reaped, so the chain lets no fee take it there. */
  readonly existentialDeposit: string | null;
  /** The most that one extrinsic may cost; undefined: whatever it costs. */
  readonly maxFee: string | undefined;
  readonly ss58: string;
}

/**
 * Throws `sync.no_funds` when the balance above the existential deposit cannot pay it, and `sync.fee_too_high` when it costs
 * more than `chain.maxFee`. An unknown fee is let pass only where no such maximum is set: the chain refuses what is not paid.
 */
export function checkFee({ fee, free, existentialDeposit, maxFee, ss58 }: FeeQuestion): void {
  if (fee === null && maxFee !== undefined) {
    throw new SyncError('sync.fee_too_high', 'not signed: what it would cost is not known', {
      hint: 'The chain does not estimate fees, or nobody answers: wait, or remove chain.maxFee.',
    });
  }
  if (fee !== null && maxFee !== undefined && BigInt(fee) > BigInt(maxFee)) {
    throw new SyncError('sync.fee_too_high', `not signed: it would cost ${fee}, more than ${maxFee}`, {
      details: { fee, maxFee },
      hint: 'Fees rise with the load of the chain: wait, or raise chain.maxFee.',
    });
  }
  if (free === null) return;
  const spendable = BigInt(free) - BigInt(existentialDeposit ?? '0');
  if (spendable > 0n && spendable >= BigInt(fee ?? '0')) return;
  const needed = fee === null ? 'more than that' : `${BigInt(fee) + BigInt(existentialDeposit ?? '0')}`;
  throw noFunds(ss58, `has ${free} and needs ${needed} (the fee and the existential deposit)`, {
    free,
    fee,
    existentialDeposit,
  });
}

/** For an account that cannot pay. */
export function noFunds(ss58: string, why: string, details: Readonly<Record<string, unknown>>): SyncError {
  return new SyncError('sync.no_funds', `the chain account ${ss58} ${why}`, {
    remedy: 'operator',
    details: { ss58, ...details },
    hint: `Send some of the chain's token to ${ss58}.`,
  });
}
