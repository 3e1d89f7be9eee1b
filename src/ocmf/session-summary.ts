import { formatDecimal, shiftDecimal, subtractDecimal } from '../../hal/contract/index.ts';
import { parseRecord } from './parse-record.ts';
import type { FoundRecord } from './read-ocmf.ts';
import type { OcmfRecord, RecordReading } from './record.ts';
import { energyDirection, inWattHours, isBegin, isEnd, registersOf, type Register } from './register.ts';
import { ENERGY_UNITS, type TimeState } from './vocabulary.ts';

/** What the records of one session say, whether or not they verify. Numbers are exact decimal text. */
export interface OcmfSessionSummary {
  readonly meterSerial: string | undefined;
  readonly gatewaySerial: string | undefined;
  /** IT and ID. */
  readonly user: { readonly type: string | undefined; readonly data: string | undefined };
  /** CI. */
  readonly chargePoint: string | undefined;
  /** PG of each record, in order. */
  readonly pages: readonly string[];
  readonly begin: SessionMoment | undefined;
  readonly end: SessionMoment | undefined;
  /** Registers with a begin and an end. */
  readonly registers: readonly RegisterTotal[];
  /** Of the first import register with begin and end, in Wh; undefined where there is none. */
  readonly energyWh: string | undefined;
  /** What the records themselves say must not be billed (EF, TX of X). */
  readonly unusable: { readonly energy: boolean; readonly time: boolean };
}

export interface SessionMoment {
  /** ISO 8601 in UTC; undefined where TM cannot be read. */
  readonly time: string | undefined;
  /** Milliseconds since 1970. */
  readonly ms: number | undefined;
  /** Table 19. */
  readonly state: TimeState | undefined;
  /** TX. */
  readonly reason: string;
}

export interface RegisterTotal {
  readonly obis: string | undefined;
  readonly direction: 'import' | 'export' | undefined;
  /** As the meter has it at the begin, `kWh` or `Wh`; the end is converted where it is in the other. */
  readonly unit: string;
  readonly begin: string;
  readonly end: string;
  /** end - begin in Wh. */
  readonly wh: string;
}

/** For records that are known to belong together: a session's begin and end. @throws OcmfError `ocmf.malformed` for text that is no record */
export function ocmfSessionSummary(records: readonly (OcmfRecord | string)[]): OcmfSessionSummary {
  return summarize(
    records.map((record) => ({
      record: typeof record === 'string' ? parseRecord(record).record : record,
      publicKey: undefined,
      transactionId: undefined,
    })),
  );
}

export function summarize(session: readonly FoundRecord[]): OcmfSessionSummary {
  const records = session.map(({ record }) => record);
  const readings = records.flatMap((record) => record.readings);
  const first = <T>(pick: (record: OcmfRecord) => T | undefined): T | undefined =>
    records.map(pick).find((value) => value !== undefined && value !== '');
  const registers = registersOf(session).flatMap(totalOf);
  const imported = registers.find(({ direction }) => direction === 'import');
  const flags = readings.map(({ errorFlags }) => errorFlags).join('');
  const hasException = readings.some(({ reason }) => reason === 'X');
  return {
    meterSerial: first(({ meter }) => meter.serial),
    gatewaySerial: first(({ gateway }) => gateway.serial),
    user: { type: first(({ user }) => user.type), data: first(({ user }) => user.data) },
    chargePoint: first(({ chargePoint }) => chargePoint.id),
    pages: records.map(({ pagination }) => (pagination ? `${pagination.context}${pagination.number}` : '?')),
    begin: momentOf(readings.find(isBegin)),
    end: momentOf(readings.findLast(isEnd)),
    registers,
    energyWh: imported?.wh,
    unusable: { energy: hasException || flags.includes('E'), time: hasException || flags.includes('t') },
  };
}

function momentOf(reading: RecordReading | undefined): SessionMoment | undefined {
  if (reading === undefined) return undefined;
  const { time, reason = '' } = reading;
  return {
    time: time === undefined ? undefined : new Date(time.ms).toISOString(),
    ms: time?.ms,
    state: time?.state,
    reason,
  };
}

function totalOf({ obis, readings }: Register): readonly RegisterTotal[] {
  const begin = readings.find(({ reading }) => isBegin(reading))?.value;
  const end = readings.findLast(({ reading }) => isEnd(reading))?.value;
  if (begin === undefined || end === undefined) return [];
  const [from, to] = [inWattHours(begin), inWattHours(end)];
  if (from === undefined || to === undefined || begin.unit === undefined) return [];
  const difference = subtractDecimal(to, from);
  const last = end.unit === begin.unit ? end.amount : shiftDecimal(to, -(ENERGY_UNITS[begin.unit] ?? 0));
  return [
    {
      obis,
      direction: energyDirection(obis),
      unit: begin.unit,
      begin: formatDecimal(begin.amount),
      end: formatDecimal(last),
      wh: formatDecimal(difference),
    },
  ];
}
