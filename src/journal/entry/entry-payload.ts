import { isObisCode, QUALITIES, UNITS } from '../../../hal/contract/index.ts';
import type { MeasuredValue, MeterSample, ObisCode, Quality } from '../../../hal/contract/index.ts';
import { bytes, decimalFraction, int, list, record, text, textOf, tuple, uint, wrong } from './cbor-field.ts';
import type { Field } from './cbor-field.ts';
import { KEY_BYTES, SIGNATURE_BYTES } from './ed25519.ts';
import { CLOCK_STATUSES, CLOCK_STEP_REASONS, METER_RECORD_RESULTS } from './entry-types.ts';
import type {
  BootBody,
  ClockStatus,
  ClockStepBody,
  CompanionKeys,
  ConfigBody,
  EntryBodies,
  EntryKind,
  EntryRange,
  FaultBody,
  FaultFact,
  GapBody,
  JournalEntry,
  KeyRotation,
  MeterRecord,
  MeterSwapBody,
  SessionBody,
  TariffBody,
} from './entry-types.ts';

const clockStatus = textOf(CLOCK_STATUSES, 'clock status');
const obis: Field<ObisCode> = textOf(isObisCode, 'full OBIS code');
const quality = textOf(Object.keys(QUALITIES) as Quality[], 'quality');

const measuredValue = tuple<MeasuredValue>({
  obis,
  value: decimalFraction,
  unit: textOf(UNITS, 'unit'),
  quality,
});

/** Rounded outwards: the value was true at some moment within the interval, and still is within the wider one. */
const readInterval: Field<{ begin: number; end: number }> = {
  encode({ begin, end }, where) {
    return readIntervalWire.encode({ begin: Math.floor(begin), end: Math.ceil(end) }, where);
  },
  decode(value, where) {
    const interval = readIntervalWire.decode(value, where);
    if (interval.end < interval.begin) throw wrong(where, 'ends before it begins');
    return interval;
  },
};
const readIntervalWire = tuple<{ begin: number; end: number }>({ begin: uint, end: uint });

interface ReadingWire {
  meterSerial: string;
  profileId: string;
  read: { begin: number; end: number };
  values: readonly MeasuredValue[];
}
const readingWire = record<ReadingWire>({
  meterSerial: [1, text],
  profileId: [2, text],
  read: [3, readInterval],
  values: [4, list(measuredValue)],
});
const reading: Field<MeterSample> = {
  encode({ readBeginMonoMs: begin, readEndMonoMs: end, ...rest }, where) {
    if (end < begin) throw wrong(where, 'ends before it begins');
    return readingWire.encode({ ...rest, read: { begin, end } }, where);
  },
  decode(value, where) {
    const { read, meterSerial, profileId, values } = readingWire.decode(value, where);
    return { meterSerial, profileId, readBeginMonoMs: read.begin, readEndMonoMs: read.end, values };
  },
};

const meterRecord = record<MeterRecord>({
  format: [1, text],
  encoding: [2, text],
  data: [3, text],
  result: [4, textOf(METER_RECORD_RESULTS, 'result of a check')],
  why: { optional: [5, text] },
});
const session = record<SessionBody>({
  sessionId: [1, text],
  evseId: [2, text],
  reading: [3, reading],
  ocmf: { optional: [4, text] },
  meterRecord: { optional: [5, meterRecord] },
  meterId: { optional: [6, text] },
});

/** An uncompressed point of P-256 (SEC 1 §2.3.3). */
const P256_POINT_BYTES = 65;
const companionKeys = record<CompanionKeys>({
  chainAccount: [1, bytes(KEY_BYTES)],
  ocmfKey: [2, bytes(P256_POINT_BYTES)],
});

const keyRotation = record<KeyRotation>({
  oldKey: [1, bytes(KEY_BYTES)],
  newKey: [2, bytes(KEY_BYTES)],
  chainAccount: [3, bytes(KEY_BYTES)],
  ocmfKey: [4, bytes(P256_POINT_BYTES)],
  signature: [5, bytes(SIGNATURE_BYTES)],
});

const configRecord = record<ConfigBody>({
  digest: { optional: [1, bytes(32)] },
  reason: [2, text],
  rotation: { optional: [3, keyRotation] },
});
/** One thing changes at a time: the file or the key. */
const config: Field<ConfigBody> = {
  encode: (value, where) => configRecord.encode(oneChange(value, where), where),
  decode: (value, where) => oneChange(configRecord.decode(value, where), where),
};
function oneChange(body: ConfigBody, where: string): ConfigBody {
  if ((body.digest === undefined) === (body.rotation === undefined)) {
    throw wrong(where, 'names neither a file nor a key, or both');
  }
  return body;
}

const rangeWire = tuple<EntryRange>({ from: uint, to: uint });
const entryRange: Field<EntryRange> = {
  encode: (range, where) => rangeWire.encode(notEmpty(range, where), where),
  decode: (value, where) => notEmpty(rangeWire.decode(value, where), where),
};

function notEmpty(range: EntryRange, where: string): EntryRange {
  if (range.to <= range.from) throw wrong(where, 'is an empty range');
  return range;
}

const BODIES: { readonly [K in EntryKind]: Field<EntryBodies[K]> } = {
  boot: record<BootBody>({
    bootId: [1, bytes(16)],
    software: [2, text],
    birthKey: { optional: [3, bytes(KEY_BYTES)] },
    birth: { optional: [4, companionKeys] },
    opening: { optional: [5, uint] },
  }),
  reading,
  'meter-swap': record<MeterSwapBody>({
    meterId: [1, text],
    profileId: [2, text],
    oldSerial: [3, text],
    newSerial: [4, text],
  }),
  'clock-step': record<ClockStepBody>({
    stepMs: [1, int],
    before: [2, clockStatus],
    after: [3, clockStatus],
    reason: { optional: [4, textOf(CLOCK_STEP_REASONS, 'reason of a step')] },
    source: { optional: [5, text] },
    maxErrorMs: { optional: [6, uint] },
  }),
  config,
  gap: record<GapBody>({
    meterId: [1, text],
    fromMonoMs: [2, uint],
    toMonoMs: [3, uint],
    missing: [4, uint],
    reason: [5, text],
  }),
  'session-begin': session,
  'session-end': session,
  tariff: record<TariffBody>({ tariffId: [1, text], sessionId: { optional: [2, text] }, tariff: [3, text] }),
  fault: record<FaultBody>({
    code: [1, text],
    message: [2, text],
    facts: { optional: [3, list(tuple<FaultFact>({ name: text, value: text }))] },
    holes: { optional: [4, list(entryRange)] },
  }),
};

export const ENTRY_KINDS = Object.keys(BODIES) as readonly EntryKind[];

interface PayloadWire {
  station: string;
  index: number;
  kind: EntryKind;
  timeMs: number;
  clock: ClockStatus;
  sinceBoot: { bootCount: number; sinceBootMs: number };
  body: unknown;
}
const opaque: Field<unknown> = { encode: (value) => value, decode: (value) => value };
const payload = record<PayloadWire>({
  station: [1, text],
  index: [2, uint],
  kind: [3, textOf(ENTRY_KINDS, 'kind of entry')],
  timeMs: [4, uint],
  clock: [5, clockStatus],
  sinceBoot: [6, tuple<PayloadWire['sinceBoot']>({ bootCount: uint, sinceBootMs: uint })],
  body: [7, opaque],
});

/** The CBOR structure of the payload (docs/formats.cddl: entry-payload). @throws TypeError naming the field */
export function payloadToCbor(entry: JournalEntry): unknown {
  const { station, index, kind, timeMs, clock, bootCount, sinceBootMs } = entry;
  const body = (BODIES[kind] as Field<unknown>).encode(entry.body, kind);
  return payload.encode(
    { station, index, kind, timeMs, clock, sinceBoot: { bootCount, sinceBootMs }, body },
    'entry',
  );
}

/** @throws TypeError naming the field */
export function payloadFromCbor(value: unknown): JournalEntry {
  const { sinceBoot, body, ...rest } = payload.decode(value, 'entry');
  const decoded = (BODIES[rest.kind] as Field<unknown>).decode(body, rest.kind);
  return { ...rest, ...sinceBoot, body: decoded } as JournalEntry;
}
