// A station's log with a charging session in it, from a fixed seed: boot, readings once a minute, begin, end.
import {
  decimal,
  ENERGY_IMPORT,
  parseDecimal,
  POWER_ACTIVE,
  type MeterSample,
} from '../../../hal/contract/index.ts';
import { identityFromSeed } from '../../../src/identity/index.ts';
import {
  encodeEntry,
  type ClockStatus,
  type EntryBodies,
  type EntryKind,
  type JournalEntry,
} from '../../../src/journal/index.ts';
import { createOcmfRecord, type OcmfReading } from '../../../src/ocmf/index.ts';
import type { TestStation } from './receipt-fixture.ts';

const START_MS = Date.UTC(2026, 10, 21, 17, 2, 11, 400);
const MINUTE_MS = 60_000;
export const SESSION_ID = '7c2f0a8e-31';
export const EVSE_ID = 'DE*ACM*E0042*1';
export const METER = { meterSerial: 'SIM-240117', profileId: 'eastron-sdm630' };

export interface SessionLog extends TestStation {
  readonly beginIndex: number;
  readonly endIndex: number;
}

export interface SessionLogOptions {
  readonly minutes?: number;
  /** Minutes without a reading, as [first, last]; a `gap` entry tells of them. */
  readonly gap?: readonly [number, number];
  readonly clock?: ClockStatus;
  /** No power register: what is drawn follows from the energy. */
  readonly withoutPower?: boolean;
  /** Begin and end carry no OCMF record. */
  readonly withoutOcmf?: boolean;
  /** Changes what an entry says before it is signed. */
  readonly change?: (entry: JournalEntry) => JournalEntry;
}

/** What the vehicle draws in the n-th minute of the session, in W: a rise, a plateau, a taper. */
function wattsAt(minute: number, minutes: number): number {
  if (minute <= 0 || minute >= minutes) return 0;
  const rise = Math.min(1, minute / 3);
  const taper = Math.min(1, (minutes - minute) / (minutes * 0.3));
  return Math.round(11_040 * rise * taper + 40 * Math.sin(minute * 1.7));
}

export function sessionLog(options: SessionLogOptions = {}): SessionLog {
  const { minutes = 74, gap, clock = 'S', withoutPower = false, withoutOcmf = false } = options;
  const { change = (entry) => entry } = options;
  const identity = identityFromSeed(new Uint8Array(32).fill(3));
  const origin = `delmonicos/${identity.chainAccount.ss58}`;
  const log: Uint8Array[] = [];
  const append = <K extends EntryKind>(kind: K, body: EntryBodies[K], minute: number): number => {
    const sinceBootMs = 90_000 + minute * MINUTE_MS + log.length;
    const entry = {
      station: origin,
      index: log.length,
      kind,
      timeMs: START_MS + sinceBootMs,
      clock,
      bootCount: 7,
      sinceBootMs,
      body,
    } as JournalEntry;
    log.push(encodeEntry(change(entry), identity));
    return log.length - 1;
  };
  let tenthsOfWh = 48_213_376n;
  const sample = (minute: number): MeterSample => {
    const watts = wattsAt(minute, minutes);
    tenthsOfWh += BigInt(Math.round(watts / 6));
    const power = { obis: POWER_ACTIVE, value: parseDecimal(`${watts}.0`), unit: 'W', quality: 'G' } as const;
    const energy = { obis: ENERGY_IMPORT, value: decimal(tenthsOfWh, -1), unit: 'Wh', quality: 'G' } as const;
    const readBeginMonoMs = 90_000 + minute * MINUTE_MS;
    const values = withoutPower ? [energy] : [energy, power];
    return { ...METER, readBeginMonoMs, readEndMonoMs: readBeginMonoMs + 70, values };
  };
  const { ocmf, chainAccount, publicKey } = identity;
  const birth = { chainAccount: chainAccount.publicKey, ocmfKey: ocmf.publicKey };
  append('boot', { bootId: new Uint8Array(16), software: 'test 1.0', birthKey: publicKey, birth }, -1);
  const told: OcmfReading[] = [];
  const session = (minute: number, reason: 'B' | 'E') => {
    const reading = sample(minute);
    const [energy] = reading.values;
    const time = { ms: START_MS + 90_000 + minute * MINUTE_MS, state: clock };
    const value = { amount: energy!.value, obis: ENERGY_IMPORT, unit: 'Wh' } as const;
    told.push({ time, reason, value, state: 'G' });
    const record = createOcmfRecord(
      {
        gateway: { identification: 'Delmonicos Inside', serial: 'DE-ACME-0042' },
        pagination: { context: 'T', number: 11 + told.length },
        meter: { serial: METER.meterSerial },
        user: { assigned: true, type: 'ISO14443', data: '04A1B2C3D4' },
        chargePoint: { type: 'EVSEID', id: EVSE_ID },
        readings: told,
      },
      ocmf,
    );
    const body = { sessionId: SESSION_ID, evseId: EVSE_ID, reading };
    return withoutOcmf ? body : { ...body, ocmf: record };
  };
  const beginIndex = append('session-begin', session(0, 'B'), 0);
  append('tariff', { tariffId: 'day', sessionId: SESSION_ID, tariff: '0.49 EUR/kWh' }, 0);
  for (let minute = 1; minute < minutes; minute++) {
    const reading = sample(minute);
    if (gap === undefined || minute < gap[0] || minute > gap[1]) append('reading', reading, minute);
    else if (minute === gap[1]) {
      const [first, last] = gap.map((each) => 90_000 + each * MINUTE_MS);
      const body = { meterId: 'evse1', fromMonoMs: first!, toMonoMs: last!, reason: 'meter.timeout' };
      append('gap', { ...body, missing: gap[1] - gap[0] + 1 }, minute);
    }
  }
  const endIndex = append('session-end', session(minutes, 'E'), minutes);
  append('reading', sample(minutes + 1), minutes + 1);
  return { identity, origin, log, beginIndex, endIndex };
}

/** Every entry from begin to end. */
export function sessionIndices({ beginIndex, endIndex }: SessionLog): number[] {
  return [0, ...Array.from({ length: endIndex - beginIndex + 1 }, (_, i) => beginIndex + i)];
}
