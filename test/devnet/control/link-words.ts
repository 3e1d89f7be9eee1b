import { DevnetError } from '../errors.ts';
import { type Link, OPEN_LINK } from '../link/link.ts';

const BITS: Readonly<Record<string, number>> = { bit: 1, kbit: 1_000, mbit: 1_000_000 };
const MILLISECONDS: Readonly<Record<string, number>> = { ms: 1, s: 1_000 };

/**
 * `20kbit 600ms 5% cut:10000`, in any order; `open` takes away what was before.
 * @throws DevnetError `devnet.bad_input`
 */
export function readLinkWords(words: readonly string[]): Partial<Link> {
  if (words.length === 0) throw new DevnetError('devnet.bad_input', 'no word about the link');
  return words.reduce<Partial<Link>>((link, word) => ({ ...link, ...readWord(word.toLowerCase()) }), {});
}

function readWord(word: string): Partial<Link> {
  if (word === 'open') return OPEN_LINK;
  const cut = /^cut:(\d+)$/.exec(word);
  if (cut !== null) return { cutAfterBytes: Number(cut[1]) };
  const [, digits, unit = ''] = /^(\d+(?:\.\d+)?)(bit|kbit|mbit|ms|s|%)$/.exec(word) ?? [];
  if (digits === undefined) {
    throw new DevnetError('devnet.bad_input', `"${word}" is none of 20kbit, 600ms, 5%, cut:10000, open`);
  }
  const value = Number(digits);
  const bits = BITS[unit];
  if (bits !== undefined) return { bitsPerSecond: value * bits };
  const milliseconds = MILLISECONDS[unit];
  return milliseconds === undefined ? { lossPercent: value } : { delayMs: value * milliseconds };
}
