import { isObisCode, QUALITIES, UNITS } from '../../../hal/contract/index.ts';
import type { MeasuredValue, MeterSample, ObisCode, Quality } from '../../../hal/contract/index.ts';
import type { CborWriter } from './cbor-encode.ts';
import {
  bytes,
  decimalFraction,
  FieldError,
  int,
  list,
  placed,
  record,
  text,
  textOf,
  tuple,
  uint,
} from './cbor-field.ts';
import type { Field } from './cbor-field.ts';
import { commandBody } from './command-body.ts';
import { KEY_BYTES, SIGNATURE_BYTES } from './ed25519.ts';
import {
  CLOCK_STATUSES,
  CLOCK_STEP_REASONS,
  METER_RECORD_RESULTS,
  RETENTION_REASONS,
} from './entry-types.ts';
import type {
  BootBody,
  ClockStatus,
  ClockStepBody,
  CompanionKeys,
  ConfigBody,
  DroppedKind,
  EntryBodies,
  EntryKind,
  EntryRange,
  FaultBody,
  FaultFact,
  GapBody,
  JournalEntry,
  MeterGapBody,
  KeyRotation,
  MeterRecord,
  MeterSwapBody,
  RetentionGapBody,
  SessionBody,
  TariffBody,
  TreeHead,
} from './entry-types.ts';

const clockStatus = textOf(CLOCK_STATUSES, 'clock status');
/** A station reads the same few codes all its life: those that were found good are not parsed again. */
const MAX_KNOWN_CODES = 1_024;
const knownCodes = new Set<string>();
const obis: Field<ObisCode> = textOf((code): code is ObisCode => {
  if (knownCodes.has(code)) return true;
  if (!isObisCode(code)) return false;
  if (knownCodes.size < MAX_KNOWN_CODES) knownCodes.add(code);
  return true;
}, 'full OBIS code');
const quality = textOf(Object.keys(QUALITIES) as Quality[], 'quality');

const measuredValue = tuple<MeasuredValue>({
  obis,
  value: decimalFraction,
  unit: textOf(UNITS, 'unit'),
  quality,
});

/** Rounded outwards: the value was true at some moment within the interval, and still is within the wider one. */
const readInterval: Field<{ begin: number; end: number }> = {
  write({ begin, end }, to) {
    readIntervalWire.write({ begin: Math.floor(begin), end: Math.ceil(end) }, to);
  },
  decode(value) {
    const interval = readIntervalWire.decode(value);
    if (interval.end < interval.begin) throw new FieldError('ends before it begins');
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
  write({ readBeginMonoMs: begin, readEndMonoMs: end, meterSerial, profileId, values }, to) {
    if (end < begin) throw new FieldError('ends before it begins');
    readingWire.write({ meterSerial, profileId, read: { begin, end }, values }, to);
  },
  decode(value) {
    const { read, meterSerial, profileId, values } = readingWire.decode(value);
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
  write: (value, to) => configRecord.write(oneChange(value), to),
  decode: (value) => oneChange(configRecord.decode(value)),
};
function oneChange(body: ConfigBody): ConfigBody {
  if ((body.digest === undefined) === (body.rotation === undefined)) {
    throw new FieldError('names neither a file nor a key, or both');
  }
  return body;
}

const rangeWire = tuple<EntryRange>({ from: uint, to: uint });
const entryRange: Field<EntryRange> = {
  write: (range, to) => rangeWire.write(notEmpty(range), to),
  decode: (value) => notEmpty(rangeWire.decode(value)),
};

function notEmpty(range: EntryRange): EntryRange {
  if (range.to <= range.from) throw new FieldError('is an empty range');
  return range;
}

const meterGap = record<MeterGapBody>({
  meterId: [1, text],
  fromMonoMs: [2, uint],
  toMonoMs: [3, uint],
  missing: [4, uint],
  reason: [5, text],
});
const RANGES_KEY = 6;
const retentionGap = record<RetentionGapBody>({
  reason: [5, textOf(RETENTION_REASONS, 'reason of retention')],
  ranges: [RANGES_KEY, list(entryRange)],
  dropped: [7, list(tuple<DroppedKind>({ kind: textOf(['reading'], 'kind that may go'), entries: uint }))],
  stretch: [8, entryRange],
  keepSpan: { optional: [9, uint] },
  root: [10, bytes(32)],
});
/** Two kinds of gap, told apart by the ranges. */
const gap: Field<GapBody> = {
  write: (value, to) => ('ranges' in value ? retentionGap.write(value, to) : meterGap.write(value, to)),
  decode: (value) =>
    value instanceof Map && value.has(RANGES_KEY) ? retentionGap.decode(value) : meterGap.decode(value),
};

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
  gap,
  'session-begin': session,
  'session-end': session,
  tariff: record<TariffBody>({ tariffId: [1, text], sessionId: { optional: [2, text] }, tariff: [3, text] }),
  fault: record<FaultBody>({
    code: [1, text],
    message: [2, text],
    facts: { optional: [3, list(tuple<FaultFact>({ name: text, value: text }))] },
    holes: { optional: [4, list(entryRange)] },
    tree: { optional: [5, tuple<TreeHead>({ size: uint, root: bytes(32) })] },
  }),
  command: commandBody,
};

export const ENTRY_KINDS = Object.keys(BODIES) as readonly EntryKind[];

interface PayloadWire {
  station: string;
  index: number;
  kind: EntryKind;
  timeMs: number;
  clock: ClockStatus;
  sinceBoot: { bootCount: number; sinceBootMs: number };
  /** Written: the entry, whose kind says which field its body is. Read: not decoded yet. */
  body: unknown;
  previous?: number;
}
const bodyOfKind: Field<unknown> = {
  write(entry, to) {
    const { kind, body } = entry as JournalEntry;
    (BODIES[kind] as Field<unknown>).write(body, to);
  },
  decode: (value) => value,
};
const payload = record<PayloadWire>({
  station: [1, text],
  index: [2, uint],
  kind: [3, textOf(ENTRY_KINDS, 'kind of entry')],
  timeMs: [4, uint],
  clock: [5, clockStatus],
  sinceBoot: [6, tuple<PayloadWire['sinceBoot']>({ bootCount: uint, sinceBootMs: uint })],
  body: [7, bodyOfKind],
  previous: { optional: [8, uint] },
});

/** Writes the payload (docs/formats.cddl: entry-payload). @throws TypeError naming the field */
export function writePayload(entry: JournalEntry, to: CborWriter): void {
  const { station, index, kind, timeMs, clock, bootCount, sinceBootMs, previous } = entry;
  checkLink(kind, previous);
  const sinceBoot = { bootCount, sinceBootMs };
  const link = previous === undefined ? {} : { previous };
  payload.write({ station, index, kind, timeMs, clock, sinceBoot, body: entry, ...link }, to);
}

/** @throws TypeError naming the field */
export function payloadFromCbor(value: unknown): JournalEntry {
  const { station, index, kind, timeMs, clock, sinceBoot, body, ...link } = payload.decode(value);
  const { bootCount, sinceBootMs } = sinceBoot;
  checkLink(kind, link.previous);
  const decoded = decodeBody(kind, body);
  const stamp = { timeMs, clock, bootCount, sinceBootMs, ...link };
  return { station, index, kind, ...stamp, body: decoded } as JournalEntry;
}

function checkLink(kind: EntryKind, previous: number | undefined): void {
  if (kind === 'reading' && previous !== undefined) throw new FieldError('is not for a reading', 'previous');
}

function decodeBody(kind: EntryKind, body: unknown): unknown {
  try {
    return (BODIES[kind] as Field<unknown>).decode(body);
  } catch (error) {
    throw placed(error, 'body');
  }
}
