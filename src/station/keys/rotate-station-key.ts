import { silentLog, type MonotonicClock } from '../../../hal/contract/index.ts';
import { IdentityError, identityAt, loadIdentity, SeedStore } from '../../identity/index.ts';
import type { SealKind, SeedOptions, StationIdentity } from '../../identity/index.ts';
import {
  firstLogOrigin,
  openJournal,
  openJournalReader,
  readLogIdentity,
  rotateKey,
} from '../../journal/index.ts';
import type { HighWaterOptions, Journal } from '../../journal/index.ts';
import type { WallClock } from '../../service/index.ts';
import { signedForChain } from '../evidence/known-elsewhere.ts';

export interface RotationOrder {
  readonly stateDirectory: string;
  readonly seed: SeedOptions;
  /** Where the new seed goes; undefined: to the kind of place where the present one is. */
  readonly moveTo?: SealKind | undefined;
  /** Whether the old seed stays, under a name of its own; it signs nothing any more. */
  readonly keepOld: boolean;
  readonly ss58Prefix: number;
  /** Where the journal's high-water mark is, unless it is in the state directory. */
  readonly highWater?: HighWaterOptions | undefined;
  /** Name and version, for the `boot` entry. */
  readonly software: string;
  readonly clock: MonotonicClock;
  readonly wallClock: WallClock;
  /** Called before each step, for tests that cut the power there. */
  readonly onStep?: (step: RotationStep) => void;
}

/** In this order. Cut off before `hand-over` has happened the log expects the old key, behind it the new one. */
export type RotationStep = 'make-seed' | 'hand-over' | 'switch-names' | 'done';

export interface Rotation {
  readonly origin: string;
  readonly before: StationIdentity;
  readonly after: StationIdentity;
  /** Leaf index of the entry that hands the log over. */
  readonly index: number;
  /** Name under which the old seed is kept. */
  readonly oldSeed: string | undefined;
}

/**
 * Hands a station's log over to a new root seed. Each step is durable before the next: the new seed, the entry that both keys
 * sign, the names. Whatever is cut off, the next start finds two seeds and asks the log which one it expects (loadIdentity).
 * @throws IdentityError; JournalError `journal.locked` (the service runs), `journal.missing`, `journal.wrong_key` and others
 */
export async function rotateStationKey(order: RotationOrder): Promise<Rotation> {
  const { stateDirectory: directory, onStep = () => {}, ss58Prefix } = order;
  // Whoever rotates without a log wants another station: that is `key init` in another directory.
  openJournalReader(directory).close();
  const signsNext = () => readLogIdentity(directory)?.signsNext;
  const options = { ...order.seed, ss58Prefix, signsNext, finishRotation: true };
  const before = await loadIdentity(directory, options);
  const journal = await openLog(order, before);
  try {
    await journal.recordBoot(order.software);
    const store = new SeedStore(directory, order.seed);
    onStep('make-seed');
    const [present] = store.places();
    const next = await store.prepareNext(order.moveTo ?? (present ? store.kindOf(present) : 'file'));
    const after = await identityAt(store, next, { ss58Prefix });
    if (Buffer.compare(after.publicKey, before.publicKey) === 0) {
      throw new IdentityError(
        'identity.next_missing',
        `${next.name} is the seed that signs the log already`,
        {
          hint: 'put it in the place of root-seed, and make a new root-seed.next',
        },
      );
    }
    onStep('hand-over');
    const { index } = await rotateKey(journal, before, after, 'rotation');
    onStep('switch-names');
    const oldSeed = await store.promote(next, order.keepOld);
    onStep('done');
    return { origin: journal.origin, before, after, index, oldSeed };
  } finally {
    await journal.close();
  }
}

async function openLog(
  { stateDirectory: directory, clock, wallClock, highWater }: RotationOrder,
  signer: StationIdentity,
): Promise<Journal> {
  const origin = firstLogOrigin(readLogIdentity(directory)?.origin ?? '');
  // An old copy must not be signed on, by whatever command.
  const anchored = await signedForChain(directory, silentLog);
  return openJournal({
    ...{ directory, origin, signer, anchored, log: silentLog },
    ...(highWater && { highWater }),
    clock: {
      stamp: () => ({
        wallTimeMs: wallClock.nowWallMs(),
        clockStatus: wallClock.status(),
        sinceBootMs: Math.floor(clock.nowMonoMs()),
      }),
      sleep: (durationMs, signal) => clock.sleep(durationMs, signal),
    },
  });
}
