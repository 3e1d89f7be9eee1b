import {
  ENERGY_IMPORT,
  formatDecimal,
  subtractDecimal,
  type MeasuredValue,
} from '../../hal/contract/index.ts';
import { formatTime, type SessionBody } from '../journal/index.ts';
import type { Session, SessionEntry } from './session-book.ts';

/** A session for whoever asks: what the charging software gets as JSON. Amounts are decimal text, exact. */
export interface SessionView {
  readonly sessionId: string;
  readonly evseId: string;
  readonly meterId: string;
  readonly state: 'open' | 'ended';
  readonly begin: MomentView;
  readonly end: MomentView | null;
  /** Energy from begin to end in Wh; null while it is open, and when one of the two may not be billed. */
  readonly energyWh: string | null;
}

export interface MomentView {
  /** Of the entry in the log. */
  readonly index: number;
  readonly time: string;
  /** What that time is worth, docs/time.md. */
  readonly clock: string;
  readonly meterSerial: string;
  /** The total as it was read; null where there is none. */
  readonly totalWh: string | null;
  /** `G` good, otherwise why it may not be billed. */
  readonly quality: string;
  readonly ocmf: string | null;
  readonly meterRecord: SessionBody['meterRecord'] | null;
}

export function viewOf({ sessionId, evseId, meterId, begin, end }: Session): SessionView {
  return {
    ...{ sessionId, evseId, meterId },
    state: end === undefined ? 'open' : 'ended',
    begin: momentOf(begin),
    end: end === undefined ? null : momentOf(end),
    energyWh: end === undefined ? null : energyOf(begin.body, end.body),
  };
}

function momentOf({ index, timeMs, clock, body }: SessionEntry): MomentView {
  const total = totalOf(body);
  return {
    ...{ index, time: formatTime(timeMs), clock, meterSerial: body.reading.meterSerial },
    totalWh: total === undefined ? null : formatDecimal(total.value),
    quality: total?.quality ?? 'N',
    ocmf: body.ocmf ?? null,
    meterRecord: body.meterRecord ?? null,
  };
}

function totalOf({ reading }: SessionBody): MeasuredValue | undefined {
  return reading.values.find(({ obis, unit }) => obis === ENERGY_IMPORT && unit === 'Wh');
}

function energyOf(begin: SessionBody, end: SessionBody): string | null {
  const [from, to] = [totalOf(begin), totalOf(end)];
  if (from?.quality !== 'G' || to?.quality !== 'G') return null;
  if (begin.reading.meterSerial !== end.reading.meterSerial) return null;
  const energy = subtractDecimal(to.value, from.value);
  return energy.mantissa < 0n ? null : formatDecimal(energy);
}
