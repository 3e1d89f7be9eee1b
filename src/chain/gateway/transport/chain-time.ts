import { ChainError } from '../../errors.ts';

/** Storage of pallet Timestamp, value Now: milliseconds since 1970, u64, of the block's own time. */
export const TIMESTAMP_NOW = '0xf0c365c3cf59d671eb72da0e7a4113c49f1f0515f462cdcf84e0f1d6045dfcbb';
/** This software is younger than that: a clock that is not was never set. */
const RELEASE_MS = Date.UTC(2026, 0, 1);
/** A block may come so long before its time by our clock, for clocks that are kept by NTP. */
const BEHIND_MS = 30_000;
/** Live chains finalize every few seconds. */
const OLD_MS = 3_600_000;

/** `behind` is certain: there is a final block of later. `ahead-or-chain-stalled`: which of the two cannot be told. */
export type ClockProblem = 'behind' | 'ahead-or-chain-stalled';

/** What the newest final block's time says of the station's clock; both in milliseconds since 1970. */
export function clockProblem(chainMs: number, stationMs: number): ClockProblem | undefined {
  if (stationMs < chainMs - BEHIND_MS) return 'behind';
  if (stationMs > chainMs + OLD_MS) return 'ahead-or-chain-stalled';
  return undefined;
}

/** Throws `chain.clock_wrong` for a clock that was never set. */
export function checkClockIsSet(stationMs: number): void {
  if (stationMs >= RELEASE_MS) return;
  throw clockWrong(`the station's clock says ${dayOf(stationMs)}, which cannot be`);
}

/** Why a light client with a clock that is behind gets nowhere: it takes every new block for one of the future. */
export function clockBehind(chainMs: number, stationMs: number): ChainError {
  return clockWrong(
    `the station's clock says ${new Date(stationMs).toISOString()}, and the chain has a final block of ${new Date(chainMs).toISOString()}`,
  );
}

function clockWrong(message: string): ChainError {
  return new ChainError('chain.clock_wrong', message, {
    hint: 'Set the clock (NTP, or a clock with a battery); the light client refuses blocks of what it takes for the future.',
  });
}

function dayOf(ms: number): string {
  return new Date(ms).toISOString().slice(0, 10);
}

/** The u64 that the storage value holds; undefined when it is none. */
export function timestampOf(value: unknown): number | undefined {
  return typeof value === 'string' && /^0x[0-9a-f]{16}$/.test(value)
    ? littleEndian(value.slice(2))
    : undefined;
}

/** The slot that a header's Aura pre-runtime digest names (SCALE: 6, "aura", 8 bytes); undefined without one. */
export function auraSlotOf(digestLogs: readonly string[]): number | undefined {
  const found = digestLogs.map((log) => /^0x066175726120([0-9a-f]{16})$/.exec(log)?.[1]);
  const slot = found.find((digits) => digits !== undefined);
  return slot === undefined ? undefined : littleEndian(slot);
}

function littleEndian(digits: string): number {
  return Number(Buffer.from(digits, 'hex').readBigUInt64LE());
}
