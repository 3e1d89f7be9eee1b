import type { OnlineStatus } from '../../fleet/index.ts';
import type { TrustedKey } from '../../receipt/index.ts';
import { harmlessLine, note } from '../output.ts';
import { UsageError } from '../usage-error.ts';

/** The station's key, and whether somebody who knows it has given it. */
export interface BelievedKey {
  readonly publicKey: Uint8Array;
  /** Of its log; undefined: any. */
  readonly origin: string | undefined;
  readonly isPinned: boolean;
}

/** @throws UsageError `usage.bad_option` */
export async function keyGiven(text: string | undefined): Promise<TrustedKey | undefined> {
  if (text === undefined) return undefined;
  const { parseTrustedKey } = await import('../../receipt/index.ts');
  const key = parseTrustedKey(text);
  if (key !== undefined) return key;
  throw new UsageError('usage.bad_option', '--station-key is neither 64 hex digits nor a C2SP verifier key', {
    hint: 'see `delmonicos key show` on the station, or its provisioning record',
  });
}

/** The key that was given, otherwise the one that the station tells; undefined when it tells none. */
export function believedKey(
  given: TrustedKey | undefined,
  told: OnlineStatus,
  station: string,
): BelievedKey | undefined {
  if (given !== undefined) {
    const hex = Buffer.from(given.trustedKey).toString('hex');
    if (told.publicKey !== undefined && told.publicKey !== hex)
      note(
        harmlessLine(
          `note: ${station} tells another key than the one given: rotated since, or another station`,
        ),
      );
    return { publicKey: given.trustedKey, origin: given.trustedOrigin, isPinned: true };
  }
  if (told.publicKey === undefined) return undefined;
  return { publicKey: Buffer.from(told.publicKey, 'hex'), origin: told.origin, isPinned: false };
}

/** What a verification is worth, in words. */
export function worthOf({ isPinned, publicKey }: BelievedKey): string {
  if (isPinned) return 'with the key given by --station-key';
  const key = Buffer.from(publicKey).toString('hex');
  return `with the key that the station tells over the broker, taken on trust: ${key}`;
}
