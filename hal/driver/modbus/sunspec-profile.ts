import {
  decimal,
  formatDecimal,
  spanOf,
  type MeterProfile,
  type ProbeRule,
  type ProfilePoint,
  type RegisterField,
  type RegisterPart,
} from '../../contract/index.ts';
import { decodePoint, decodeText } from './register-codec.ts';
import { SUNSPEC_COMMON, SUNSPEC_METERS, type SunSpecModel, type SunSpecPoint } from './sunspec-models.ts';
import type { SunSpecLayout } from './sunspec-walk.ts';

const HEADER_REGISTERS = 2;
/** "Not implemented" of int16 and of scale factors (SunSpec Device Information Model §4.4). */
const NO_INT16 = '0x8000';
/**
 * A counter that is not implemented is zero. Devices also show what other types use for it; a counter that really is at one
 * of these contents shows them for one count in four thousand million.
 */
const NO_COUNTER = ['0x80000000', '0xFFFFFFFF'];
const ZERO_COUNTER = '0x00000000';
/** A scale factor is a power of ten from -10 to 10 (§4.3.9). */
const MAX_SCALE_FACTOR = 10;
const COUNTER_RANGE = 2n ** 32n;

/**
 * The profile of one device: where its registers are and which of them it fills. Points that the model leaves to the maker
 * and whose registers say "not implemented" are left out; points that it demands stay, and are missing while they say so.
 * Identity, points and probe are the device's, everything else is from `generic`. Pure, never throws.
 */
export function sunSpecProfile(layout: SunSpecLayout, generic: MeterProfile): MeterProfile {
  const { meter, common, base } = layout;
  const model = SUNSPEC_METERS.get(meter.modelId);
  const text = (name: 'serial' | 'firmware' | 'maker' | 'model'): RegisterField =>
    textField(`1.${name}`, common.address + SUNSPEC_COMMON[name].offset, SUNSPEC_COMMON[name].registerCount);
  const firmware = text('firmware');
  return {
    ...generic,
    maker: textOf(layout, text('maker')) ?? generic.maker,
    model: textOf(layout, text('model')) ?? generic.model,
    identity: {
      serial: text('serial'),
      ...(textOf(layout, firmware) === undefined ? {} : { firmware }),
    },
    probe: [{ ...textField('SunS', base, 2), oneOf: ['SunS'] }, sunSpecLandmark(layout)],
    points: model === undefined ? [] : pointsOf(model, layout),
    vectors: [],
  };
}

/** The header of the meter's model. While it stands where it was found, so does everything behind it. */
export function sunSpecLandmark({ meter }: SunSpecLayout): ProbeRule {
  return {
    table: 'holding',
    registerAddress: meter.address,
    documentRef: `the header of model ${meter.modelId}`,
    type: 'u32',
    byteOrder: 'ABCD',
    oneOf: [String(meter.modelId * 0x10000 + meter.announcedLength)],
  };
}

function pointsOf(model: SunSpecModel, layout: SunSpecLayout): ProfilePoint[] {
  const end = layout.meter.address + HEADER_REGISTERS + layout.meter.length;
  return model.points.flatMap((point) => {
    const field = model.kind === 'integer' ? integerPoint(point, layout) : floatPoint(point, layout);
    const { registerAddress, registerCount } = spanOf(field);
    if (registerAddress + registerCount > end) return [];
    const unfilled = point.mandatory !== true && isAbsent(field, layout);
    return unfilled ? [] : [withRollover(field, layout)];
  });
}

function integerPoint(point: SunSpecPoint, { meter }: SunSpecLayout): ProfilePoint {
  const isCounter = COUNTERS.has(point.unit);
  const absent = isCounter
    ? [...(point.mandatory === true ? [] : [ZERO_COUNTER]), ...NO_COUNTER]
    : [NO_INT16];
  return {
    ...commonOf(point, meter.modelId),
    registerAddress: meter.address + point.integer.offset,
    type: isCounter ? 'u32' : 's16',
    absent,
    decimalExponentFrom: {
      registerAddress: meter.address + point.integer.scaleFactor,
      documentRef: `${meter.modelId}.${point.name} scale factor`,
      type: 's16',
      byteOrder: 'ABCD',
      absent: SCALE_FACTORS_THAT_ARE_NONE,
    },
  };
}

function floatPoint(point: SunSpecPoint, { meter }: SunSpecLayout): ProfilePoint {
  return {
    ...commonOf(point, meter.modelId),
    registerAddress: meter.address + point.float,
    type: 'float32',
  };
}

function commonOf({ name, obis, unit, direction }: SunSpecPoint, modelId: number) {
  return {
    obis,
    unit,
    table: 'holding',
    documentRef: `${modelId}.${name}`,
    byteOrder: 'ABCD',
    decimalExponent: 0,
    ...(direction === undefined ? {} : { direction }),
  } as const;
}

const COUNTERS: ReadonlySet<string> = new Set(['Wh', 'varh', 'VAh']);
const SCALE_FACTORS_THAT_ARE_NONE = [NO_INT16];

/** An integer counter begins again at 2^32 counts; what that is worth the scale factor says. */
function withRollover(field: ProfilePoint, layout: SunSpecLayout): ProfilePoint {
  const { decimalExponentFrom, type } = field;
  if (decimalExponentFrom === undefined || type !== 'u32') return field;
  const content = contentOf(layout, decimalExponentFrom, 1);
  const power = content === undefined ? undefined : Buffer.from(content).readInt16BE();
  if (power === undefined || Math.abs(power) > MAX_SCALE_FACTOR) return field;
  return { ...field, rolloverAt: formatDecimal(decimal(COUNTER_RANGE, power)) };
}

function isAbsent(field: ProfilePoint, layout: SunSpecLayout): boolean {
  const span = spanOf(field);
  const content = contentOf(layout, span, span.registerCount);
  return content !== undefined && decodePoint(field, content).kind === 'absent';
}

/** Registers of the meter's model as they were when it was found; undefined where they are not known. */
function contentOf(
  { meter }: SunSpecLayout,
  { registerAddress }: Pick<RegisterPart, 'registerAddress'>,
  registerCount: number,
): Uint8Array | undefined {
  const from = 2 * (registerAddress - meter.address - HEADER_REGISTERS);
  return meter.content?.subarray(from, from + 2 * registerCount);
}

function textOf({ common }: SunSpecLayout, field: RegisterField): string | undefined {
  const { registerAddress, registerCount } = spanOf(field);
  const from = 2 * (registerAddress - common.address - HEADER_REGISTERS);
  return decodeText(field, common.content.subarray(from, from + 2 * registerCount));
}

function textField(documentRef: string, registerAddress: number, registerCount: number): RegisterField {
  return {
    table: 'holding',
    registerAddress,
    documentRef,
    type: 'string',
    registerCount,
    byteOrder: 'ABCD',
  };
}
