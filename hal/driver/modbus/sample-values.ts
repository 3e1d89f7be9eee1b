import {
  type MeasuredValue,
  type MeterProfile,
  type MissingValue,
  type ProfilePoint,
  type QualityRule,
  type RegisterField,
} from '../../contract/index.ts';
import { decodePoint, decodeText } from './register-codec.ts';

/** The bytes of each field's span; a field that the meter does not have is not in it. */
export type FieldContents = ReadonlyMap<RegisterField, Uint8Array>;

export interface SampleValues {
  readonly values: MeasuredValue[];
  readonly missing: MissingValue[];
}

/** What the registers of one pass say of `points`, and what the meter says of the worth of it. Never throws. */
export function decodeSample(
  points: readonly ProfilePoint[],
  { quality: rules = [] }: MeterProfile,
  contents: FieldContents,
): SampleValues {
  const held = rules.filter((rule) => holds(rule, contents.get(rule)));
  const values: MeasuredValue[] = [];
  const missing: MissingValue[] = [];
  for (const point of points) {
    const { obis, unit } = point;
    const content = contents.get(point);
    const reading = content === undefined ? undefined : decodePoint(point, content);
    const rule = held.find(({ affects }) => affects === undefined || affects.includes(obis));
    if (reading?.kind === 'number') {
      values.push({ obis, value: reading.value, unit, quality: rule?.quality ?? 'G' });
    } else if (reading === undefined) missing.push({ obis, unit, quality: 'R' });
    else missing.push({ obis, unit, quality: reading.kind === 'absent' ? 'N' : 'O' });
  }
  return { values, missing };
}

/** A status register that the meter lacks, or that says nothing, is no complaint. */
function holds(rule: QualityRule, content: Uint8Array | undefined): boolean {
  const found = content === undefined ? undefined : decodeText(rule, content);
  return found !== undefined && rule.when.includes(found);
}
