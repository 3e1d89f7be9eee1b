import { createHash, createPrivateKey, createPublicKey, sign } from 'node:crypto';
import { ed25519KeyFromSeed, type BackgroundKey, type Ed25519Key } from './ed25519.ts';
import { deriveEd25519Seed, deriveP256 } from './key-derivation.ts';
import { IdentityError } from './errors.ts';
import { NEXT_SEED_FILE, SEED_FILE } from './seed-slots.ts';
import { SeedStore, type SeedOptions, type SeedPlace } from './seed-store.ts';
import { encodeSs58, GENERIC_SS58_PREFIX } from './ss58.ts';

/** Everything here can be printed: private keys live in closures only. */
export interface StationIdentity extends BackgroundKey {
  /** First 8 bytes of SHA-256(public key): the `kid` of journal entries. */
  readonly keyId: Uint8Array;
  readonly chainAccount: ChainAccount;
  readonly ocmf: OcmfKey;
  /** C2SP signed-note verifier key of the identity key under a log's origin: `<origin>+<hash>+<key>`. */
  verifierKey(origin: string): string;
}

export interface ChainAccount extends Ed25519Key {
  readonly ss58: string;
}

export interface OcmfKey {
  /** 65-byte uncompressed point of P-256. */
  readonly publicKey: Uint8Array;
  /** DER SubjectPublicKeyInfo, the form in which OCMF tools take a key. */
  readonly publicKeySpki: Uint8Array;
  /** ECDSA with SHA-256 over the message, DER-encoded (OCMF's `ECDSA-secp256r1-SHA256`). */
  sign(message: Uint8Array): Uint8Array;
}

export interface LoadIdentityOptions extends SeedOptions {
  /** SS58 prefix of the chain account's address; 42 unless the chain has its own. */
  readonly ss58Prefix?: number;
  /**
   * The key that the station's log expects to be signed with next, if there is a log. Asked only when there is more than one
   * seed to choose from: a power cut in a rotation leaves two, and the log says which one it was handed over to.
   */
  readonly signsNext?: (() => Uint8Array | undefined) | undefined;
  /** Whether a rotation that was cut off is brought to its end: for whoever owns the state directory. */
  readonly finishRotation?: boolean | undefined;
}

/**
 * Makes the station's root seed, once (decision 0003, 0011).
 * @returns the path of the file that holds it, or says where it is
 * @throws IdentityError `identity.seed_exists`, `identity.seed_io`, and as the kind of seal says
 */
export async function createRootSeed(directory: string, options: SeedOptions = {}): Promise<string> {
  return await new SeedStore(directory, options).create();
}

/**
 * Reads the root seed, from wherever it is, and derives the station's keys (decision 0003); the seed is wiped before this
 * resolves. Of several seeds it takes the one that the log expects.
 * @throws IdentityError as SeedStore.read
 */
export async function loadIdentity(
  directory: string,
  options: LoadIdentityOptions = {},
): Promise<StationIdentity> {
  const store = new SeedStore(directory, options);
  const places = store.places();
  const [first = { kind: 'file', name: SEED_FILE } as const] = places;
  const doubtful = places.length > 1 || first.name === NEXT_SEED_FILE;
  const expected = doubtful ? options.signsNext?.() : undefined;
  if (expected === undefined) {
    const present = first.name === NEXT_SEED_FILE ? ({ kind: 'file', name: SEED_FILE } as const) : first;
    return await identityAt(store, present, options);
  }
  let present: StationIdentity | IdentityError | undefined;
  // One after the other: a TPM or a token serves one at a time.
  for (const place of places) {
    const found = await attempt(() => identityAt(store, place, options));
    const fits = !(found instanceof IdentityError) && Buffer.compare(found.publicKey, expected) === 0;
    if (fits && options.finishRotation === true) await store.promote(place, true);
    if (fits) return found;
    if (place.name !== NEXT_SEED_FILE) present ??= found;
  }
  // None fits: the present one, so that opening the journal says what is wrong.
  if (present === undefined) return await identityAt(store, { kind: 'file', name: SEED_FILE }, options);
  if (present instanceof IdentityError) throw present;
  return present;
}

/**
 * The keys that come out of the seed in one place; the seed is wiped before this resolves.
 * @throws IdentityError as SeedStore.read
 */
export async function identityAt(
  store: SeedStore,
  place: SeedPlace,
  { ss58Prefix }: Pick<LoadIdentityOptions, 'ss58Prefix'> = {},
): Promise<StationIdentity> {
  const seed = await store.read(place);
  try {
    return identityFromSeed(seed, ss58Prefix);
  } finally {
    seed.fill(0);
  }
}

async function attempt<T>(work: () => Promise<T>): Promise<T | IdentityError> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof IdentityError) return error;
    throw error;
  }
}

/** Pure: the same seed always gives the same keys. */
export function identityFromSeed(seed: Uint8Array, ss58Prefix = GENERIC_SS58_PREFIX): StationIdentity {
  const identity = derivedKey(seed, 'identity');
  const account = derivedKey(seed, 'chainAccount');
  return Object.freeze({
    ...identity,
    keyId: sha256(identity.publicKey).slice(0, 8),
    chainAccount: Object.freeze({ ...account, ss58: encodeSs58(account.publicKey, ss58Prefix) }),
    ocmf: ocmfKey(seed),
    verifierKey: (origin: string) => noteVerifierKey(origin, identity.publicKey),
  });
}

function derivedKey(seed: Uint8Array, name: Parameters<typeof deriveEd25519Seed>[1]): BackgroundKey {
  const derived = deriveEd25519Seed(seed, name);
  try {
    return ed25519KeyFromSeed(derived);
  } finally {
    derived.fill(0);
  }
}

function ocmfKey(seed: Uint8Array): OcmfKey {
  const { scalar, point } = deriveP256(seed);
  const encoded = (bytes: Uint8Array) => Buffer.from(bytes).toString('base64url');
  const jwk = { kty: 'EC', crv: 'P-256', x: encoded(point.subarray(1, 33)), y: encoded(point.subarray(33)) };
  const privateKey = createPrivateKey({ key: { ...jwk, d: encoded(scalar) }, format: 'jwk' });
  scalar.fill(0);
  const spki = createPublicKey(privateKey).export({ format: 'der', type: 'spki' });
  return Object.freeze({
    publicKey: new Uint8Array(point),
    publicKeySpki: new Uint8Array(spki),
    sign: (message: Uint8Array) => new Uint8Array(sign('sha256', message, privateKey)),
  });
}

/** C2SP signed-note: key hash = first 4 bytes of SHA-256(name, newline, 0x01 for Ed25519, public key). */
function noteVerifierKey(name: string, publicKey: Uint8Array): string {
  if (name === '' || /[\s+]/u.test(name))
    throw new RangeError(`"${name}" is no key name: no spaces, no plus`);
  const typed = Buffer.concat([Buffer.of(1), publicKey]);
  const hash = sha256(Buffer.concat([Buffer.from(`${name}\n`), typed]));
  return `${name}+${Buffer.from(hash.subarray(0, 4)).toString('hex')}+${typed.toString('base64')}`;
}

function sha256(message: Uint8Array): Uint8Array {
  return new Uint8Array(createHash('sha256').update(message).digest());
}
