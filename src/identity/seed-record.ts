import { IdentityError } from './errors.ts';

export const SEED_BYTES = 32;
const FORMAT = 'delmonicos-seed/v1';
/** A record is well under this; whatever is longer is none. */
export const MAX_RECORD_BYTES = 8_192;

/** Where a root seed that is kept in the state directory really is. */
export type SealedSeed =
  /** In the file itself. */
  | { readonly kind: 'file'; readonly seed: Uint8Array }
  /** In the file, encrypted by a TPM 2.0 under a key of its owner hierarchy (decision 0011). */
  | {
      readonly kind: 'tpm';
      /** TPM2B_PUBLIC and TPM2B_PRIVATE of the sealed object. */
      readonly publicArea: Uint8Array;
      readonly privateArea: Uint8Array;
      /** Platform registers whose values at sealing it is bound to, `sha256:0,7`; null: none. */
      readonly pcrs: string | null;
    }
  /** A private data object on a PKCS#11 token. */
  | {
      readonly kind: 'pkcs11';
      /** Path of the token's library. */
      readonly module: string;
      /** The token's label. */
      readonly token: string;
      /** The object's label. */
      readonly object: string;
    };

export type SealKind = SealedSeed['kind'];
export const SEAL_KINDS = ['file', 'tpm', 'pkcs11'] as const satisfies readonly SealKind[];

/** The content of `root.seed`: 32 bytes that are the seed, or one line of JSON that says where it is. */
export function encodeSeedRecord(sealed: SealedSeed): Uint8Array {
  switch (sealed.kind) {
    case 'file':
      return sealed.seed;
    case 'tpm':
      return json({
        kind: 'tpm',
        parent: 'owner:ecc:sha256',
        public: base64(sealed.publicArea),
        private: base64(sealed.privateArea),
        pcrs: sealed.pcrs,
      });
    case 'pkcs11':
      return json({ kind: 'pkcs11', module: sealed.module, token: sealed.token, object: sealed.object });
  }
}

/** @throws IdentityError `identity.seed_invalid` */
export function decodeSeedRecord(content: Uint8Array, file: string): SealedSeed {
  if (content.length === SEED_BYTES) return { kind: 'file', seed: content };
  const record = parsed(content);
  const text = (key: string): string | undefined => {
    const value = record[key];
    return typeof value === 'string' && value !== '' ? value : undefined;
  };
  const [module, token, object] = [text('module'), text('token'), text('object')];
  const [publicArea, privateArea] = [text('public'), text('private')];
  if (record['format'] === FORMAT && record['kind'] === 'pkcs11' && module && token && object) {
    return { kind: 'pkcs11', module, token, object };
  }
  if (record['format'] === FORMAT && record['kind'] === 'tpm' && publicArea && privateArea) {
    const pcrs = text('pcrs') ?? null;
    return { kind: 'tpm', publicArea: bytes(publicArea), privateArea: bytes(privateArea), pcrs };
  }
  throw new IdentityError(
    'identity.seed_invalid',
    `${file} does not hold exactly ${SEED_BYTES} bytes, nor a sealed seed`,
    {
      hint: 'restore the seed from a backup; an identity cannot be made from a damaged one',
    },
  );
}

function parsed(content: Uint8Array): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(content));
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {};
  } catch {
    return {};
  }
}

function json(fields: Record<string, unknown>): Uint8Array {
  return new TextEncoder().encode(`${JSON.stringify({ format: FORMAT, ...fields })}\n`);
}

function base64(content: Uint8Array): string {
  return Buffer.from(content).toString('base64');
}

function bytes(text: string): Uint8Array {
  return new Uint8Array(Buffer.from(text, 'base64'));
}
