import { JournalError, parseVerifierKey } from '../journal/index.ts';
import type { VerifyOptions } from './verify-receipt.ts';

export type TrustedKey = Required<Pick<VerifyOptions, 'trustedKey'>> & Pick<VerifyOptions, 'trustedOrigin'>;

/**
 * A station's key as people have it: 64 hexadecimal digits, with or without `0x`, or a C2SP verifier key, which names the log
 * too. Undefined for anything else.
 */
export function parseTrustedKey(text: string): TrustedKey | undefined {
  const hex = /^(?:0x)?([0-9a-f]{64})$/i.exec(text.trim())?.[1];
  if (hex !== undefined) return { trustedKey: new Uint8Array(Buffer.from(hex, 'hex')) };
  try {
    const { keyName, publicKey } = parseVerifierKey(text.trim());
    return { trustedKey: publicKey, trustedOrigin: keyName };
  } catch (error) {
    if (error instanceof JournalError) return undefined;
    throw error;
  }
}
