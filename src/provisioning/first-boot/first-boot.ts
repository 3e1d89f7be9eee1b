import { existsSync, lchownSync, readdirSync, rmSync, statSync } from 'node:fs';
import path from 'node:path';
import {
  createRootSeed,
  identityFromSeed,
  loadIdentity,
  retiredSeeds,
  SeedStore,
} from '../../identity/index.ts';
import type { SealKind, SeedOptions, StationIdentity } from '../../identity/index.ts';
import { journalDiskBytes, readLogIdentity, type ClockStatus } from '../../journal/index.ts';
import type { CredentialSeed } from './credential-seed.ts';
import { readBounded } from '../signed-configuration/configuration-folder.ts';
import { DRAFT, makeDirectory, replaceFile, syncDirectory } from '../durable-file.ts';
import { ProvisioningError } from '../errors.ts';
import { codeAsSvg, codeAsText, installerUri } from './installer-code.ts';
import {
  MAX_RECORD_BYTES,
  signRecord,
  verifyRecord,
  type ProvisioningRecord,
} from './provisioning-record.ts';

/** Names in the provisioning directory. `done` is what the unit looks for, and comes last. */
export const RECORD_FILE = 'record.cose';
export const DONE_FILE = 'done';
const CODE_TEXT = 'installer.txt';
const CODE_SVG = 'installer.svg';
const ACCOUNT_FILE = 'account.txt';
const SEED_FILE = 'root.seed';

/** Where the seed is: a credential for systemd, or what the service itself can keep in its state directory. */
export type SeedHome =
  | { readonly kind: 'credential'; readonly credential: CredentialSeed }
  | { readonly kind: SealKind; readonly options: SeedOptions };

export interface FirstBootOrder {
  readonly stateDirectory: string;
  /** Where the record and the installer's code go; nothing in it is secret. */
  readonly outDirectory: string;
  readonly seed: SeedHome;
  readonly ss58Prefix: number;
  /** What is known besides of the station and the board. */
  readonly about: Pick<
    ProvisioningRecord,
    'stationName' | 'hardwareSerial' | 'configDigest' | 'bundleDigest'
  >;
  readonly software: string;
  readonly timeMs: number;
  readonly clockStatus: ClockStatus;
  readonly bootId: Uint8Array;
  /** Called before each step, for tests that cut the power there. */
  readonly onStep?: (step: FirstBootStep) => void;
}

/** In this order; each is durable before the next, and all may be begun again. */
export type FirstBootStep = 'make-seed' | 'write-record' | 'write-code' | 'mark-done' | 'done';

export interface FirstBoot {
  readonly record: ProvisioningRecord;
  readonly uri: string;
  /** For a console: account, key and code. */
  readonly text: string;
  /** Whether this call made the seed; otherwise it was there. */
  readonly madeSeed: boolean;
}

/**
 * Makes a device a station: one seed, sealed; what others must know of it, signed by it. A seed that is there, in whatever place,
 * is the one; one that does not open stops this, and is never replaced. Cut off anywhere, it is called again.
 * @throws ProvisioningError `provisioning.log_without_seed`, `provisioning.seed_unreadable`, `provisioning.seal_failed`,
 * `provisioning.io`; IdentityError
 */
export async function firstBoot(order: FirstBootOrder): Promise<FirstBoot> {
  const { outDirectory, seed, stateDirectory, onStep = () => {} } = order;
  onStep('make-seed');
  const { identity, madeSeed, seedKind } = await identityOf(order);
  const out = (name: string): string => path.join(outDirectory, name);
  onStep('write-record');
  try {
    makeDirectory(outDirectory, 0o755);
    sweepDrafts(
      outDirectory,
      seed.kind === 'credential' ? path.dirname(seed.credential.file) : stateDirectory,
    );
    const record = presentRecord(out(RECORD_FILE), identity) ?? newRecord(order, identity, seedKind);
    replaceFile(out(RECORD_FILE), signRecord(record, identity), 0o644);
    onStep('write-code');
    const uri = installerUri(record);
    const text = wordsOf(record, uri);
    replaceFile(out(ACCOUNT_FILE), `${record.ss58}\n`, 0o644);
    replaceFile(out(CODE_TEXT), text, 0o644);
    replaceFile(out(CODE_SVG), codeAsSvg(uri), 0o644);
    onStep('mark-done');
    replaceFile(out(DONE_FILE), '', 0o644);
    onStep('done');
    return { record, uri, text, madeSeed };
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).syscall === undefined) throw cause;
    throw new ProvisioningError(
      'provisioning.io',
      `cannot write in ${outDirectory}: ${(cause as Error).message}`,
      {
        cause,
      },
    );
  }
}

interface FoundIdentity {
  readonly identity: StationIdentity;
  readonly madeSeed: boolean;
  readonly seedKind: string;
}

async function identityOf(order: FirstBootOrder): Promise<FoundIdentity> {
  const { stateDirectory, seed, ss58Prefix } = order;
  const inState = existsSync(path.join(stateDirectory, SEED_FILE));
  if (seed.kind === 'credential') {
    // The service may have run before, without a credential: what it signs with is the station's identity.
    if (inState && !seed.credential.isThere) return await fromState(order, {}, false);
    const madeSeed = !seed.credential.isThere;
    if (madeSeed) {
      assertNoLog(stateDirectory, seed.credential.file);
      await seed.credential.make();
    }
    const bytes = await seed.credential.read();
    try {
      return { identity: identityFromSeed(bytes, ss58Prefix), madeSeed, seedKind: 'credential' };
    } finally {
      bytes.fill(0);
    }
  }
  if (!inState) {
    assertNoLog(stateDirectory, path.join(stateDirectory, SEED_FILE));
    await createRootSeed(stateDirectory, { ...seed.options, seed: seed.kind });
    giveToOwner(stateDirectory, SEED_FILE);
  }
  return await fromState(order, seed.options, !inState);
}

async function fromState(
  { stateDirectory, ss58Prefix }: FirstBootOrder,
  options: SeedOptions,
  madeSeed: boolean,
): Promise<FoundIdentity> {
  const signsNext = () => readLogIdentity(stateDirectory)?.signsNext;
  const identity = await loadIdentity(stateDirectory, { ...options, ss58Prefix, signsNext });
  const store = new SeedStore(stateDirectory, options);
  const [place] = store.places();
  return { identity, madeSeed, seedKind: place ? store.kindOf(place) : 'file' };
}

/** A log whose key is gone is for its operator to decide on, as of `key init --after-loss`. */
function assertNoLog(stateDirectory: string, seedFile: string): void {
  const hadSeed = retiredSeeds(stateDirectory).length > 0;
  if (!hadSeed && journalDiskBytes(stateDirectory) === 0) return;
  throw new ProvisioningError(
    'provisioning.log_without_seed',
    `there is a log in ${stateDirectory} and no seed in ${seedFile}: no other is made beside it`,
    {
      hint: 'bring the seed back; if it is lost: delmonicos key init DIR --after-loss, or delmonicos provision reset',
    },
  );
}

/** The record of an earlier try is the one, so that whoever has read it already has read the truth. */
function presentRecord(file: string, { publicKey }: StationIdentity): ProvisioningRecord | undefined {
  const bytes = readBounded(file, MAX_RECORD_BYTES);
  if (bytes === undefined) return undefined;
  try {
    const record = verifyRecord(bytes);
    return Buffer.compare(record.publicKey, publicKey) === 0 ? record : undefined;
  } catch {
    return undefined;
  }
}

function newRecord(order: FirstBootOrder, identity: StationIdentity, seedKind: string): ProvisioningRecord {
  const { about, software, timeMs, clockStatus, bootId } = order;
  const { publicKey, chainAccount, ocmf } = identity;
  const given = Object.entries(about).filter(([, value]) => value !== undefined);
  return {
    publicKey,
    verifierKey: identity.verifierKey(`delmonicos/${chainAccount.ss58}`),
    chainAccount: chainAccount.publicKey,
    ss58: chainAccount.ss58,
    ocmfKey: ocmf.publicKey,
    ...{ seedKind, software, timeMs, clockStatus, bootId },
    ...(Object.fromEntries(given) as typeof about),
  };
}

function wordsOf({ stationName, ss58, verifierKey }: ProvisioningRecord, uri: string): string {
  const name = stationName === undefined ? '' : `station        ${stationName}\n`;
  return `${codeAsText(uri)}\n${name}chain account  ${ss58}\nverifier key   ${verifierKey}\n`;
}

/** Root makes it for the service, which is of another user, and may have put a link there since. */
function giveToOwner(directory: string, name: string): void {
  if (process.getuid?.() !== 0) return;
  const { uid, gid } = statSync(directory);
  lchownSync(path.join(directory, name), uid, gid);
  syncDirectory(directory);
}

/** What a power cut left of a draft: of a seed that never was one, among others. */
function sweepDrafts(...directories: readonly string[]): void {
  for (const directory of new Set(directories)) {
    for (const name of readdirSync(directory)) if (DRAFT.test(name)) rmSync(path.join(directory, name));
  }
}
