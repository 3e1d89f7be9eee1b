import type { StationIdentity } from '../../identity/index.ts';
import { print, printJson } from '../output.ts';
import { ownIdentity } from '../own-identity.ts';

export interface ShowOptions {
  readonly json?: true;
  readonly origin?: string;
  readonly ss58Prefix: number;
}

export async function showKey(directory: string, options: ShowOptions): Promise<void> {
  const [{ SeedStore, retiredSeeds }, { readLogIdentity }] = await Promise.all([
    import('../../identity/index.ts'),
    import('../../journal/index.ts'),
  ]);
  const identity = await ownIdentity(directory, { ss58Prefix: options.ss58Prefix });
  const store = new SeedStore(directory, { credentialsDirectory: process.env['CREDENTIALS_DIRECTORY'] });
  const [place] = store.places();
  const document = {
    ...keyDocument(identity, options.origin ?? originOf(identity, readLogIdentity(directory))),
    seed: { kind: place && store.kindOf(place), retired: retiredSeeds(directory) },
  };
  if (options.json === true) return printJson(document);
  print(`root seed       ${SEED_WORDS[document.seed.kind ?? 'file']}`);
  print(`identity key    ${document.publicKey} (ed25519, key id ${document.keyId})`);
  print(`chain account   ${document.chainAccount.ss58}`);
  print(`OCMF key        ${document.ocmf.publicKey} (P-256, SPKI)`);
  print(`verifier key    ${document.verifierKey}`);
  if (document.seed.retired.length > 0) print(`retired seeds   ${document.seed.retired.join(', ')}`);
}

const SEED_WORDS = {
  file: 'the file root.seed, in the clear',
  credential: 'a systemd credential',
  tpm: 'sealed by the TPM (root.seed)',
  pkcs11: 'on a PKCS#11 token (root.seed says which)',
} as const;

/** Public keys in the forms that others take them in. */
export function keyDocument(identity: StationIdentity, origin: string) {
  return {
    origin,
    publicKey: hex(identity.publicKey),
    keyId: hex(identity.keyId),
    verifierKey: identity.verifierKey(origin),
    chainAccount: { ss58: identity.chainAccount.ss58, publicKey: hex(identity.chainAccount.publicKey) },
    ocmf: { curve: 'P-256', publicKey: hex(identity.ocmf.publicKeySpki) },
  };
}

/** A log keeps the name that it was born with. */
export function originOf(
  identity: StationIdentity,
  log: { readonly origin: string; readonly signsNext: Uint8Array } | undefined,
): string {
  const ours = log !== undefined && hex(log.signsNext) === hex(identity.publicKey);
  return ours ? log.origin : `delmonicos/${identity.chainAccount.ss58}`;
}

function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('hex');
}
