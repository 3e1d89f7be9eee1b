import { randomBytes } from 'node:crypto';
import { ENERGY_IMPORT, POWER_ACTIVE, silentLog, type MeterSample } from '../../hal/contract/index.ts';
import { identityFromSeed, type StationIdentity } from '../../src/identity/index.ts';
import { openJournal, type Journal } from '../../src/journal/index.ts';
import { systemMonotonicClock } from '../../src/service/index.ts';

type ReadingMaker = (number: number) => MeterSample;

/** A full sample of a three-phase meter with everything its profile reads; number by number a little later and larger. */
export async function typicalReading(profileId = 'eastron-sdm630'): Promise<ReadingMaker> {
  const { loadProfile } = await import('../../hal/profile/index.ts');
  const { points } = await loadProfile(profileId);
  return (number) => ({
    ...headOf(profileId, number),
    values: points.map(({ obis, unit }, index) => ({
      obis,
      value: { mantissa: BigInt(2_300_000 + 1_000 * index + number), exponent: -1 },
      unit,
      quality: 'G',
    })),
  });
}

/** Two values, so that a log of 10^7 of them fits a disk. */
export function shortReading(number: number): MeterSample {
  const energy = { mantissa: BigInt(2_300_000 + number), exponent: 1 };
  return {
    ...headOf('eastron-sdm630', number),
    values: [
      { obis: ENERGY_IMPORT, value: energy, unit: 'Wh', quality: 'G' },
      { obis: POWER_ACTIVE, value: { mantissa: 110_000n, exponent: -1 }, unit: 'W', quality: 'G' },
    ],
  };
}

function headOf(profileId: string, number: number): Omit<MeterSample, 'values'> {
  return {
    meterSerial: '20261001',
    profileId,
    readBeginMonoMs: 1_000_000 + 1_000 * number,
    readEndMonoMs: 1_000_050 + 1_000 * number,
  };
}

const READY = 512;

/** The same readings, made before they are needed; after the last the first comes again. */
export function made(reading: ReadingMaker): ReadingMaker {
  const ready = Array.from({ length: READY }, (_, number) => reading(number));
  return (number) => ready[number % READY] ?? reading(number);
}

/**
 * The product's journal with its boot entry, groups that only their size commits, and a new key unless one is given or a number
 * gives one.
 */
export async function openTypicalLog(
  directory: string,
  groupEntries: number,
  key?: number | StationIdentity,
): Promise<Journal> {
  const identity = typeof key === 'object' ? key : identityFromSeed(seedOf(key));
  const journal = await openJournal({
    directory,
    origin: `delmonicos/${identity.chainAccount.ss58}`,
    signer: identity,
    clock: {
      stamp: () => ({
        wallTimeMs: Date.now(),
        clockStatus: 'S',
        sinceBootMs: systemMonotonicClock.nowMonoMs(),
      }),
      sleep: (durationMs, signal) => systemMonotonicClock.sleep(durationMs, signal),
    },
    groupCommitMs: 3_600_000,
    groupCommitEntries: groupEntries,
    log: silentLog,
  });
  await journal.recordBoot('bench');
  return journal;
}

function seedOf(number: number | undefined): Uint8Array {
  return new Uint8Array(number === undefined ? randomBytes(32) : Buffer.alloc(32, number));
}

/**
 * Appends `count` readings and waits until they are on disk. One group waits for its signatures and its commit while the
 * next one is handed over, which is how a station's samples come: nobody waits for one before taking the next. A group of one
 * is a billing entry, which has a commit of its own.
 */
export async function appendReadings(
  journal: Journal,
  reading: ReadingMaker,
  { from, count, groupEntries }: { from: number; count: number; groupEntries: number },
): Promise<void> {
  const durability = groupEntries === 1 ? 'billing' : 'sample';
  let before: Promise<unknown> = Promise.resolve();
  for (let done = 0; done < count; done += groupEntries) {
    const group: Promise<number>[] = [];
    for (let i = done; i < Math.min(done + groupEntries, count); i++) {
      group.push(journal.append('reading', reading(from + i), durability));
    }
    await before;
    before = Promise.all(group);
    if (group.length < groupEntries) await journal.flush();
  }
  await before;
}
