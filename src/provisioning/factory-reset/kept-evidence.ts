import { chmodSync, existsSync, lstatSync, readdirSync, readFileSync, renameSync, rmSync } from 'node:fs';
import path from 'node:path';
import Database from 'better-sqlite3';
import { silentLog } from '../../../hal/contract/index.ts';
import type { StationIdentity } from '../../identity/index.ts';
import {
  firstLogOrigin,
  formatVerifierKey,
  HIGH_WATER_FILE,
  openJournal,
  readLogIdentity,
} from '../../journal/index.ts';
import { asOwnerOf } from '../as-owner.ts';
import { makeDirectory, replaceFile, syncDirectory } from '../durable-file.ts';
import { ProvisioningError } from '../errors.ts';
import { RECORD_FILE } from '../first-boot/first-boot.ts';
import type { ResetOrder } from './factory-reset.ts';

/** While it is there, a reset is under way: the service does not start, and only the reset goes on. */
export const RESET_FILE = 'factory-reset.json';
/** Where evidence of former identities stays, in the state directory. */
export const KEPT_FOLDER = 'kept';
const FINAL_CHECKPOINT = 'final.checkpoint';
const JOURNAL = 'journal.db';
/** Not evidence: secrets, which are destroyed; configurations, which are forgotten; and what this is working with. */
const NOT_KEPT = /^(root\.seed.*|\..*\.draft|config|journal\.lock)$/;
const KEYS_FILE = 'keys.json';

/** The last entry of a log says why it ends, so that nobody takes the end for a cut. */
const RESET_CODE = 'provisioning.factory_reset';
const LAST_WORDS = 'factory reset: this log ends here, and the next one is of another identity';

/**
 * Closes the log in the state directory with an entry that says that it ends, and a signed checkpoint over all of it. Where the
 * checkpoint is there already, or no log is, nothing is done. `onWriting` is called before the first thing that is written.
 * @throws JournalError `journal.locked` (the service runs); IdentityError where the key is out of reach
 */
export async function closeLog(order: ResetOrder, keptIn: string, onWriting: () => void): Promise<void> {
  const { stateDirectory: directory } = order;
  const log = readLogIdentity(directory);
  if (log === undefined || existsSync(path.join(keptIn, FINAL_CHECKPOINT))) return;
  // Unsealing is root's; all the rest is done in a directory that is the service's.
  const signer = await order.identity();
  await asOwnerOf(directory, () => closeAs(signer, firstLogOrigin(log.origin), order, keptIn, onWriting));
}

async function closeAs(
  signer: StationIdentity,
  origin: string,
  order: ResetOrder,
  keptIn: string,
  onWriting: () => void,
): Promise<void> {
  const { stateDirectory: directory, clock, wallClock } = order;
  const journal = await openJournal({
    ...{ directory, origin, signer, log: silentLog },
    anchored: await order.anchored(),
    ...(order.highWater && { highWater: order.highWater }),
    clock: {
      stamp: () => ({
        wallTimeMs: wallClock.nowWallMs(),
        clockStatus: wallClock.status(),
        sinceBootMs: Math.floor(clock.nowMonoMs()),
      }),
      sleep: (durationMs, signal) => clock.sleep(durationMs, signal),
    },
  });
  try {
    onWriting();
    await journal.recordBoot(order.software);
    const facts = [{ name: 'station', value: order.stationName }];
    await journal.append('fault', { code: RESET_CODE, message: LAST_WORDS, facts }, 'billing');
    const { text } = await journal.checkpoint();
    makeDirectory(keptIn);
    replaceFile(path.join(keptIn, KEYS_FILE), keysOf(signer, journal.origin));
    replaceFile(path.join(keptIn, FINAL_CHECKPOINT), text);
  } finally {
    await journal.close();
  }
}

/** Whoever has them can verify the log; the key itself is gone. */
function keysOf({ publicKey, chainAccount, ocmf }: StationIdentity, origin: string): string {
  const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');
  const keys = {
    origin,
    publicKey: hex(publicKey),
    verifierKey: formatVerifierKey({ keyName: origin, publicKey }),
    chainAccount: { ss58: chainAccount.ss58, publicKey: hex(chainAccount.publicKey) },
    ocmf: { curve: 'P-256', publicKey: hex(ocmf.publicKeySpki) },
  };
  return `${JSON.stringify(keys, undefined, 2)}\n`;
}

/**
 * Moves all that is evidence into a directory of its own, file by file, and makes it read-only. What is there already was moved
 * before the power was cut.
 * @throws ProvisioningError `provisioning.io`
 */
export function keepEvidence({ stateDirectory, outDirectory, highWater }: ResetOrder, keptIn: string): void {
  try {
    makeDirectory(keptIn);
    chmodSync(keptIn, 0o700);
    // One file, without a write-ahead log: in a directory where nobody may write SQLite could not read it otherwise.
    foldLog(path.join(stateDirectory, JOURNAL));
    for (const name of readdirSync(stateDirectory)) {
      if (NOT_KEPT.test(name) || name === KEPT_FOLDER || name === RESET_FILE || isProvisioning(name))
        continue;
      renameSync(path.join(stateDirectory, name), path.join(keptIn, name));
    }
    for (const [file, name] of [
      [highWater?.file, HIGH_WATER_FILE],
      [path.join(outDirectory, RECORD_FILE), RECORD_FILE],
    ] as const)
      if (file !== undefined && existsSync(file)) replaceFile(path.join(keptIn, name), readFileSync(file));
    if (highWater?.file !== undefined) rmSync(highWater.file, { force: true });
    closeForWriting(keptIn);
    syncDirectory(keptIn);
    syncDirectory(stateDirectory);
  } catch (cause) {
    throw new ProvisioningError('provisioning.io', `cannot keep the evidence: ${(cause as Error).message}`, {
      cause,
    });
  }

  function isProvisioning(name: string): boolean {
    return path.resolve(stateDirectory, name) === path.resolve(outDirectory);
  }
}

/** The log that was closed is whole; of one that is not SQLite's any more nothing is changed. */
function foldLog(file: string): void {
  if (!existsSync(file)) return;
  try {
    const database = new Database(file, { fileMustExist: true });
    try {
      database.pragma('journal_mode = DELETE');
    } finally {
      database.close();
    }
  } catch {
    // Kept as it is, with its write-ahead log.
  }
}

function closeForWriting(directory: string): void {
  for (const name of readdirSync(directory)) {
    const file = path.join(directory, name);
    const found = lstatSync(file);
    if (found.isDirectory()) closeForWriting(file);
    else if (found.isFile()) chmodSync(file, 0o440);
  }
  chmodSync(directory, 0o550);
}
