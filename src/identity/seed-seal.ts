import type { SealedSeed, SealKind } from './seed-record.ts';

/** Keeps root seeds in one kind of place. Port: plain-seal.ts, tpm-seal.ts, pkcs11-seal.ts. */
export interface SeedSeal<Kind extends SealKind = SealKind> {
  readonly kind: Kind;
  /**
   * Puts a seed away; when it resolves, `unseal` gives it back, also after a power cut once the record is on disk. The caller
   * wipes the seed. Rejects with IdentityError (`identity.tool_…`, `identity.tpm_…`, `identity.token_…`, `identity.pin_…`).
   */
  seal(seed: Uint8Array): Promise<SealedOf<Kind>>;
  /** 32 bytes of the caller's own, to be wiped after use. Rejects as `seal` does. */
  unseal(sealed: SealedOf<Kind>): Promise<Uint8Array>;
  /** Makes what is not in the record itself unreadable for good; the record's file is the caller's. Rejects as `seal` does. */
  destroy(sealed: SealedOf<Kind>): Promise<void>;
}

export type SealedOf<Kind extends SealKind> = Extract<SealedSeed, { kind: Kind }>;
