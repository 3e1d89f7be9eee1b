import { existsSync, lstatSync } from 'node:fs';
import path from 'node:path';
import type { MonotonicClock } from '../../../hal/contract/index.ts';
import { SeedStore, type SeedOptions, type StationIdentity } from '../../identity/index.ts';
import type { ClockStatus, HighWaterOptions, KnownTree } from '../../journal/index.ts';
import type { CredentialSeed } from '../first-boot/credential-seed.ts';
import { ConfigurationFolder, readBounded } from '../signed-configuration/configuration-folder.ts';
import { asOwnerOf, asOwnerOfNow } from '../as-owner.ts';
import { makeDirectory, removeFile, replaceFile } from '../durable-file.ts';
import { ProvisioningError } from '../errors.ts';
import { closeLog, keepEvidence, KEPT_FOLDER, RESET_FILE } from './kept-evidence.ts';
import { DONE_FILE, RECORD_FILE } from '../first-boot/first-boot.ts';

const FORMAT = 'delmonicos-factory-reset/v1';

export interface ResetOrder {
  readonly stateDirectory: string;
  /** Where the record of the first boot is. */
  readonly outDirectory: string;
  /** What the station is called; named by whoever orders this, as a confirmation. */
  readonly stationName: string;
  readonly seed: SeedOptions;
  /** Where systemd's encrypted seed is; it is destroyed where it is there. */
  readonly credential: CredentialSeed;
  /** The keys that the log is closed with; asked only where a log is there that was not closed yet. */
  readonly identity: () => Promise<StationIdentity>;
  readonly anchored: () => Promise<readonly KnownTree[]>;
  readonly highWater?: HighWaterOptions | undefined;
  readonly software: string;
  readonly clock: MonotonicClock;
  readonly wallClock: { nowWallMs(): number; status(): ClockStatus };
  /** Called before each step, for tests that cut the power there. */
  readonly onStep?: (step: ResetStep) => void;
}

/** In this order; each is durable before the next, and begun again where it was cut off. */
export type ResetStep =
  | 'begin'
  | 'close-log'
  | 'keep-evidence'
  | 'destroy-seed'
  | 'clear-configuration'
  | 'clear-record'
  | 'end'
  | 'done';

export interface Reset {
  /** Directory that holds the evidence of the former identity; it verifies and exports without a key. */
  readonly keptIn: string;
}

/**
 * Makes a station a device again: its log is closed by an entry that says so and a last signed checkpoint, its evidence is put
 * aside read-only, its seeds and configurations are destroyed. The next start is a first boot. Cut off anywhere, it is called
 * again and goes on.
 * @throws ProvisioningError `provisioning.io`; JournalError `journal.locked` (the service runs) and others; IdentityError
 */
export async function factoryReset(order: ResetOrder): Promise<Reset> {
  const { stateDirectory, onStep = () => {} } = order;
  onStep('begin');
  const { keptAs, isNew } = beginReset(order);
  const keptIn = path.join(stateDirectory, KEPT_FOLDER, keptAs);
  onStep('close-log');
  let isUntouched = isNew;
  try {
    await closeLog(order, keptIn, () => (isUntouched = false));
  } catch (error) {
    // A service that runs, a key out of reach: nothing has happened yet, and nothing is to happen at the next boot.
    if (isUntouched) inPlace(() => removeFile(path.join(stateDirectory, RESET_FILE)));
    throw error;
  }
  onStep('keep-evidence');
  await asOwnerOf(stateDirectory, () => keepEvidence(order, keptIn));
  onStep('destroy-seed');
  await new SeedStore(stateDirectory, order.seed).destroyAll();
  order.credential.destroy();
  onStep('clear-configuration');
  inPlace(() => asOwnerOfNow(stateDirectory, () => new ConfigurationFolder(stateDirectory).forgetAll()));
  onStep('clear-record');
  inPlace(() => {
    for (const name of [RECORD_FILE, 'installer.txt', 'installer.svg', 'account.txt', DONE_FILE])
      if (existsSync(path.join(order.outDirectory, name))) removeFile(path.join(order.outDirectory, name));
  });
  onStep('end');
  inPlace(() => removeFile(path.join(stateDirectory, RESET_FILE)));
  onStep('done');
  return { keptIn };
}

/** Whether one was begun and not ended. */
export function isResetUnfinished(stateDirectory: string): boolean {
  return existsSync(path.join(stateDirectory, RESET_FILE));
}

/** @throws ProvisioningError `provisioning.reset_unfinished` */
export function assertNoReset(stateDirectory: string): void {
  if (!isResetUnfinished(stateDirectory)) return;
  throw new ProvisioningError(
    'provisioning.reset_unfinished',
    `a factory reset of ${stateDirectory} was cut off`,
    {
      hint: 'start delmonicos-provision.service, or call the same `delmonicos provision reset` again',
    },
  );
}

/**
 * The name of the station whose reset was begun by this user. Root goes on with its own orders only: whoever can write to the
 * state directory must not be able to have the sealed seed destroyed.
 */
export function unfinishedResetOf(stateDirectory: string): string | undefined {
  return readIntent(path.join(stateDirectory, RESET_FILE))?.station;
}

/** @returns the name under which evidence is kept, the same again for a reset that was cut off */
function beginReset({ stateDirectory, stationName, wallClock }: ResetOrder) {
  const file = path.join(stateDirectory, RESET_FILE);
  const begun = readIntent(file);
  if (begun !== undefined) return { keptAs: begun.keptAs, isNew: false };
  let number = 1;
  while (existsSync(path.join(stateDirectory, KEPT_FOLDER, `reset-${number}`))) number++;
  const keptAs = `reset-${number}`;
  const intent = { format: FORMAT, keptAs, station: stationName, timeMs: wallClock.nowWallMs() };
  inPlace(() => {
    asOwnerOfNow(stateDirectory, () => makeDirectory(path.join(stateDirectory, KEPT_FOLDER)));
    replaceFile(file, `${JSON.stringify(intent)}\n`);
  });
  return { keptAs, isNew: true };
}

function readIntent(file: string): { readonly keptAs: string; readonly station: string } | undefined {
  const bytes = readBounded(file, 4_096);
  if (bytes === undefined || lstatSync(file).uid !== process.geteuid?.()) return undefined;
  try {
    const { keptAs, station } = JSON.parse(Buffer.from(bytes).toString('utf8')) as Record<string, unknown>;
    const isName = typeof keptAs === 'string' && /^reset-\d{1,6}$/.test(keptAs);
    return isName && typeof station === 'string' ? { keptAs, station } : undefined;
  } catch {
    return undefined;
  }
}

function inPlace(work: () => void): void {
  try {
    work();
  } catch (cause) {
    if (cause instanceof ProvisioningError) throw cause;
    throw new ProvisioningError('provisioning.io', `the reset cannot go on: ${(cause as Error).message}`, {
      cause,
    });
  }
}
