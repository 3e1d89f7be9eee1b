// Durations, bytes and money as people read them. Pure.
import { formatDecimal } from '../../../hal/contract/index.ts';
import type { SeenChain } from './status.ts';

const STEPS: readonly (readonly [unit: string, ms: number, upToMs: number])[] = [
  ['s', 1_000, 120_000],
  ['min', 60_000, 7_200_000],
  ['h', 3_600_000, 172_800_000],
  ['d', 86_400_000, Infinity],
];

/** `42 s`, `12 min`, `5 h`, `3 d`: rounded down, so that what is counted up never jumps ahead. */
export function durationInWords(durationMs: number): string {
  const [unit, ms] = STEPS.find(([, , upToMs]) => durationMs < upToMs) ?? ['d', 86_400_000];
  return `${Math.floor(Math.max(0, durationMs) / ms)} ${unit}`;
}

/** `512 B`, `12.3 KiB`, `4.0 MiB`. */
export function bytesInWords(bytes: number): string {
  if (bytes < 1024) return `${bytes} B`;
  const isSmall = bytes < 2 ** 20;
  return `${(bytes / (isSmall ? 1024 : 2 ** 20)).toFixed(1)} ${isSmall ? 'KiB' : 'MiB'}`;
}

/** An amount of the chain's smallest unit, digit by digit: `1.25 UNIT`, or `1250000000000 of the smallest unit`. */
export function amountInWords(amount: string, token: SeenChain['token']): string {
  if (token === null) return `${amount} of the smallest unit`;
  const text = formatDecimal({ mantissa: BigInt(amount), exponent: -token.decimals });
  const trimmed = text.includes('.') ? text.replace(/\.?0+$/, '') : text;
  return `${trimmed} ${token.symbol}`;
}
