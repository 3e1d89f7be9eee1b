import { randomBytes } from 'node:crypto';
import { silentLog, type MeterSample } from '../../hal/contract/index.ts';
import { loadProfile } from '../../hal/profile/index.ts';
import { identityFromSeed } from '../../src/identity/index.ts';
import { openJournal, type Journal } from '../../src/journal/index.ts';
import { systemMonotonicClock } from '../../src/service/index.ts';

/** A full sample of a three-phase meter with everything its profile reads; number by number a little later and larger. */
export async function typicalReading(profileId = 'eastron-sdm630'): Promise<(number: number) => MeterSample> {
  const { points } = await loadProfile(profileId);
  return (number) => ({
    meterSerial: '20261001',
    profileId,
    readBeginMonoMs: 1_000_000 + 1_000 * number,
    readEndMonoMs: 1_000_050 + 1_000 * number,
    values: points.map(({ obis, unit }, index) => ({
      obis,
      value: { mantissa: BigInt(2_300_000 + 1_000 * index + number), exponent: -1 },
      unit,
      quality: 'G',
    })),
  });
}

/** The product's journal with its boot entry, a new key, and groups that only their size commits. */
export async function openTypicalLog(directory: string, groupEntries: number): Promise<Journal> {
  const identity = identityFromSeed(new Uint8Array(randomBytes(32)));
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

/** Appends `count` readings in groups and waits until they are on disk. */
export async function appendReadings(
  journal: Journal,
  reading: (number: number) => MeterSample,
  { from, count, groupEntries }: { from: number; count: number; groupEntries: number },
): Promise<void> {
  for (let done = 0; done < count; done += groupEntries) {
    const group = Array.from({ length: Math.min(groupEntries, count - done) }, (_, i) =>
      journal.append('reading', reading(from + done + i), 'sample'),
    );
    await journal.flush();
    await Promise.all(group);
  }
}
