import { copyFileSync, existsSync } from 'node:fs';
import path from 'node:path';
import { silentLog, type MonotonicClock } from '../../../hal/contract/index.ts';
import { createRootSeed, IdentityError, loadIdentity, setAsideSeed } from '../../identity/index.ts';
import type { SeedOptions, StationIdentity } from '../../identity/index.ts';
import { firstLogOrigin, logNumber, openJournal, openJournalReader } from '../../journal/index.ts';
import {
  JournalError,
  setAsideKeylessLog,
  type HighWaterOptions,
  type KeptLog,
  type KeyHistory,
} from '../../journal/index.ts';
import type { WallClock } from '../../service/index.ts';

export interface LossOrder {
  readonly stateDirectory: string;
  readonly seed: SeedOptions;
  readonly ss58Prefix: number;
  /** Where the journal's high-water mark is, unless it is in the state directory. */
  readonly highWater?: HighWaterOptions | undefined;
  /** Name and version, for the `boot` entry. */
  readonly software: string;
  readonly clock: MonotonicClock;
  readonly wallClock: WallClock;
}

export interface NewBeginning {
  readonly kept: KeptLog;
  readonly identity: StationIdentity;
  readonly origin: string;
}

/** A seed that gives one of these is there and no use. Anything else (no TPM, a wrong PIN) may pass: nothing is lost then. */
const LOST: ReadonlySet<string> = new Set([
  ...['identity.seed_missing', 'identity.seed_invalid', 'identity.tpm_foreign', 'identity.tpm_pcrs_changed'],
]);

/**
 * Begins anew where the root seed of the log is lost: the log is kept aside whole (it verifies, exports and proves without its
 * key), a new identity begins another one, whose first entries name the one before. Cut off, it may be called again.
 * @throws IdentityError `identity.not_lost`, and as loadIdentity where the seed may only be out of reach; JournalError
 */
export async function beginAfterLoss(order: LossOrder): Promise<NewBeginning> {
  const { stateDirectory: directory, ss58Prefix } = order;
  const log = logIn(directory);
  const identity = await newIdentity(order, log?.keys);
  const origin = originAfter(log?.origin, identity);
  const kept = setAsideKeylessLog(directory, origin, order.highWater?.file);
  keepAnchors(directory, path.join(directory, kept.keptAs));
  const journal = await openJournal({
    ...{ directory, origin, signer: identity, log: silentLog },
    ...(order.highWater && { highWater: order.highWater }),
    clock: {
      stamp: () => ({
        wallTimeMs: order.wallClock.nowWallMs(),
        clockStatus: order.wallClock.status(),
        sinceBootMs: Math.floor(order.clock.nowMonoMs()),
      }),
      sleep: (durationMs, signal) => order.clock.sleep(durationMs, signal),
    },
  });
  try {
    await journal.recordBoot(order.software);
  } finally {
    await journal.close();
  }
  return { kept, identity: await loadIdentity(directory, { ...order.seed, ss58Prefix }), origin };
}

/** Undefined where it cannot be read: then any seed that is there is taken for lost too. */
function logIn(directory: string): { origin: string; keys: KeyHistory } | undefined {
  try {
    const reader = openJournalReader(directory);
    const { origin, keys } = reader;
    reader.close();
    return { origin, keys };
  } catch (error) {
    if (error instanceof JournalError && error.code === 'journal.corrupt') return undefined;
    throw error;
  }
}

/** A seed that never was one of this log's is the new identity: made by a call of this that was cut off, or by the operator. */
async function newIdentity({ stateDirectory, seed, ss58Prefix }: LossOrder, keys: KeyHistory | undefined) {
  const load = () =>
    loadIdentity(stateDirectory, {
      ...seed,
      ss58Prefix,
      signsNext: () => keys?.currentKey,
      finishRotation: true,
    });
  try {
    const present = await load();
    if (keys !== undefined && !keys.includes(present.publicKey)) return present;
    if (keys !== undefined && Buffer.compare(keys.currentKey, present.publicKey) === 0)
      throw notLost(stateDirectory);
  } catch (error) {
    if (!(error instanceof IdentityError) || !LOST.has(error.code)) throw error;
  }
  setAsideSeed(stateDirectory);
  await createRootSeed(stateDirectory, seed);
  return await load();
}

function notLost(directory: string): IdentityError {
  return new IdentityError(
    'identity.not_lost',
    `the root seed in ${directory} is the one that signs the log there`,
    {
      hint: 'nothing was changed; to replace a seed that is not lost: delmonicos key rotate DIR',
    },
  );
}

/** A log is named after the account it was born with; one that was given a name goes on under that name, with a number. */
function originAfter(before: string | undefined, identity: StationIdentity): string {
  const own = `delmonicos/${identity.chainAccount.ss58}`;
  if (before === undefined) return own;
  const first = firstLogOrigin(before);
  if (/^delmonicos\/[1-9A-HJ-NP-Za-km-z]{40,60}$/.test(first)) return own;
  return `${first}/${(logNumber(first, before) ?? 1) + 1}`;
}

/** The evidence of what is anchored stands in the outbox, which goes on; a copy lets receipts be made of the old log. */
function keepAnchors(directory: string, target: string): void {
  for (const name of ['outbox.db', 'outbox.db-wal']) {
    const file = path.join(directory, name);
    if (existsSync(file)) copyFileSync(file, path.join(target, name));
  }
}
