// A station's journal in a temporary directory: fixed seed, virtual time.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { obis, silentLog, type MeterSample } from '../../../hal/contract/index.ts';
import { identityFromSeed } from '../../../src/identity/index.ts';
import { openJournal, type Journal, type JournalOptions } from '../../../src/journal/index.ts';
import { VirtualClock } from '../virtual-clock.ts';

export const SIGNER = identityFromSeed(new Uint8Array(32).fill(7));
export const ORIGIN = `delmonicos/${SIGNER.chainAccount.ss58}`;
export const START_MS = Date.UTC(2026, 0, 1);

export function temporaryDirectory(): { directory: string; remove: () => void } {
  const directory = mkdtempSync(path.join(tmpdir(), 'journal-'));
  return { directory, remove: () => rmSync(directory, { recursive: true, force: true }) };
}

/** Wall time and time since boot move together, in sync. */
export class JournalVirtualClock extends VirtualClock {
  stamp() {
    const sinceBootMs = this.nowMonoMs();
    return { wallTimeMs: START_MS + sinceBootMs, clockStatus: 'S' as const, sinceBootMs };
  }
}

export function journalOptions(directory: string, options: Partial<JournalOptions> = {}): JournalOptions {
  return {
    directory,
    origin: ORIGIN,
    signer: SIGNER,
    clock: new JournalVirtualClock(),
    log: silentLog,
    bootId: new Uint8Array(16).fill(1),
    ...options,
  };
}

/** Opened and with its boot recorded. */
export async function openTestJournal(
  directory: string,
  options: Partial<JournalOptions> = {},
): Promise<Journal> {
  const journal = await openJournal(journalOptions(directory, options));
  try {
    await journal.recordBoot('test 1.0');
    return journal;
  } catch (error) {
    await journal.close();
    throw error;
  }
}

export function reading(number: number, values = 2): MeterSample {
  return {
    meterSerial: 'SIM-0001',
    profileId: 'eastron-sdm630',
    readBeginMonoMs: 1_000 + number,
    readEndMonoMs: 1_050 + number,
    values: Array.from({ length: values }, (_, i) => ({
      obis: obis(`1-0:${1 + i}.8.0*255`),
      value: { mantissa: BigInt(100_000 + number), exponent: -1 },
      unit: 'Wh',
      quality: 'G',
    })),
  };
}

/** Boot entry and readings, so that the log has `size` entries. */
export async function writeTestLog(directory: string, size: number, options: Partial<JournalOptions> = {}) {
  const journal = await openTestJournal(directory, options);
  const missing = Math.max(0, size - journal.size);
  const appended = Array.from({ length: missing }, (_, i) => journal.append('reading', reading(i), 'sample'));
  await journal.flush();
  await Promise.all(appended);
  const checkpoint = await journal.checkpoint();
  await journal.close();
  return checkpoint;
}
