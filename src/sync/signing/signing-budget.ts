// How often the core signs at most. A gateway that lies about nonces and blocks can have a checkpoint signed again and again,
// and every signature may cost a fee: without a bound it could spend the account empty in seconds. Pure.

/** Tokens of a bucket: one for each signature. */
export interface SigningBudget {
  readonly tokens: number;
  readonly atMonoMs: number;
}

/** More than an honest chain ever asks for in a row. */
export const BURST = 20;
/** An era of 64 blocks, after which bytes are signed anew, is longer than this on any chain of two-second blocks. */
const REFILL_MS = 60_000;

export function fullBudget(nowMonoMs: number): SigningBudget {
  return { tokens: BURST, atMonoMs: nowMonoMs };
}

/**
 * The budget after one more signature, or undefined when there is none left. One comes back a minute, or an interval
 * (`anchorEveryMs`) when anchors are planned more often than that.
 */
export function spendSignature(
  { tokens, atMonoMs }: SigningBudget,
  nowMonoMs: number,
  anchorEveryMs: number,
): SigningBudget | undefined {
  const refillMs = Math.max(1, Math.min(REFILL_MS, anchorEveryMs));
  const now = Math.min(BURST, tokens + Math.max(0, nowMonoMs - atMonoMs) / refillMs);
  return now < 1 ? undefined : { tokens: now - 1, atMonoMs: nowMonoMs };
}
