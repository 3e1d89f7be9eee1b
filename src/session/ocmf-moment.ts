import {
  compareDecimal,
  ENERGY_IMPORT,
  type MeasuredValue,
  type MeterSample,
  type Quality,
} from '../../hal/contract/index.ts';
import type { EntryStamp, SessionBody } from '../journal/index.ts';
import type { MeterState, OcmfContent, ReadingReason } from '../ocmf/index.ts';
import type { IdToken } from './request.ts';

/** What was found at the begin or the end of a session. */
export interface SessionMoment {
  readonly reading: MeterSample;
  /** Of the entry that will carry it. */
  readonly stamp: EntryStamp;
  /** Why there is no value of the meter at all, when it did not answer; only at an end. */
  readonly silent?: Quality;
}

export interface SessionFinding {
  readonly state: MeterState;
  /** OCMF's EF: must not be billed. */
  readonly unusable: { readonly energy: boolean; readonly time: boolean };
  /** The total as it was read, good or not; undefined where there is none. */
  readonly total: MeasuredValue | undefined;
  /** What is to be put on record besides, by its code. */
  readonly faults: readonly ('session.meter_changed' | 'session.energy_fell' | 'session.meter_silent')[];
}

/** By this much the wall clock may disagree with the time since boot about how long a session took. */
const TIME_AGREES_WITHIN_MS = 1_000;

/** What a begin is worth by itself. */
export function judgeBegin({ reading }: SessionMoment): SessionFinding {
  const total = totalOf(reading);
  const state = stateOf(reading, total);
  return { state, unusable: { energy: state !== 'G', time: false }, total, faults: [] };
}

/**
 * What an end is worth, given its begin: the same meter, whose total has not fallen, and a time from which the duration follows. A
 * value that may not be billed is kept as it was read, and marked; one that was not read is not made up.
 */
export function judgeEnd(
  begin: { readonly body: SessionBody } & EntryStamp,
  { reading, stamp, silent }: SessionMoment,
): SessionFinding {
  const time = !agreesOnDuration(begin, stamp);
  const bad = (
    state: MeterState,
    total: MeasuredValue | undefined,
    fault: SessionFinding['faults'][number],
  ) => ({
    ...{ state, unusable: { energy: true, time }, total, faults: [fault] },
  });
  if (silent !== undefined) return bad(silent, undefined, 'session.meter_silent');
  const total = totalOf(reading);
  if (reading.meterSerial !== begin.body.reading.meterSerial) return bad('X', total, 'session.meter_changed');
  const state = stateOf(reading, total);
  const first = totalOf(begin.body.reading);
  if (total !== undefined && first !== undefined && compareDecimal(total.value, first.value) < 0) {
    return bad(state === 'G' ? 'O' : state, total, 'session.energy_fell');
  }
  return { state, unusable: { energy: state !== 'G', time }, total, faults: [] };
}

function totalOf({ values }: MeterSample): MeasuredValue | undefined {
  return values.find(({ obis, unit }) => obis === ENERGY_IMPORT && unit === 'Wh');
}

/** OCMF has the same letters for a meter as the journal has for a value. */
function stateOf({ missing = [] }: MeterSample, total: MeasuredValue | undefined): MeterState {
  if (total !== undefined) return total.quality;
  return missing.find(({ obis }) => obis === ENERGY_IMPORT)?.quality ?? 'N';
}

/**
 * Two synchronised clocks agree by themselves. Otherwise the time since boot, which never jumps, must confirm the duration; of
 * two boots nothing does.
 */
function agreesOnDuration(begin: EntryStamp, end: EntryStamp): boolean {
  if (begin.clock === 'S' && end.clock === 'S') return true;
  if (begin.bootCount !== end.bootCount) return false;
  const byWall = end.timeMs - begin.timeMs;
  const bySinceBoot = end.sinceBootMs - begin.sinceBootMs;
  return Math.abs(byWall - bySinceBoot) < TIME_AGREES_WITHIN_MS;
}

export interface RecordFrame {
  readonly station: { readonly name: string; readonly version: string };
  readonly evseId: string;
  readonly idToken: IdToken | undefined;
  readonly page: bigint;
  readonly reason: ReadingReason;
}

/** The record of the moment. Its time is when the last value had arrived, by the wall clock of the entry. */
export function ocmfContent(frame: RecordFrame, moment: SessionMoment, finding: SessionFinding): OcmfContent {
  const { station, evseId, idToken, page, reason } = frame;
  const { reading, stamp } = moment;
  const { total, state, unusable } = finding;
  const ageMs = Math.max(0, stamp.sinceBootMs - Math.floor(reading.readEndMonoMs));
  return {
    gateway: { identification: 'Delmonicos Inside', serial: station.name, version: station.version },
    pagination: { context: 'T', number: page },
    meter: { serial: reading.meterSerial },
    user: idToken
      ? { assigned: true, type: idToken.type, data: idToken.data }
      : { assigned: false, type: 'NONE' },
    chargePoint: { type: 'EVSEID', id: evseId },
    readings: [
      {
        time: { ms: Math.max(0, stamp.timeMs - ageMs), state: stamp.clock },
        reason,
        ...(total && { value: { amount: total.value, obis: total.obis, unit: 'Wh' } }),
        unusable,
        state,
      },
    ],
  };
}
