import {
  compareDecimal,
  subtractDecimal,
  type Decimal,
  type MeasuredValue,
  type MeterSample,
  type ObisCode,
} from '../../hal/contract/index.ts';

/** What is remembered of a meter between samples: its good energy registers and when they were read. */
export interface EnergyHistory {
  readonly meterSerial: string;
  readonly readEndMonoMs: number;
  readonly energy: ReadonlyMap<ObisCode, Decimal>;
}

export interface Plausibility {
  /** No station delivers more; energy that rises faster than this is not believed. In watts. */
  readonly maxPowerW: number;
}

/** One megawatt: above any EVSE and its grid connection, far below what a shifted register shows. */
export const DEFAULT_PLAUSIBILITY: Plausibility = { maxPowerW: 1_000_000 };

export interface Finding {
  readonly obis: ObisCode;
  readonly rule: 'decreased' | 'rose_too_fast';
  readonly before: Decimal;
  readonly after: Decimal;
}

export interface Judgement {
  readonly sample: MeterSample;
  readonly history: EnergyHistory;
  readonly findings: readonly Finding[];
}

/** Total energy registers, import or export, active, reactive or apparent, whatever the tariff (IEC 62056-61: D = 8). */
const ENERGY = /^1-\d+:\d+\.8\.\d+\*255$/;

/**
 * Marks energy values that cannot be as `O` (out of range): a register that fell, or rose faster than any power could make
 * it. The last good value stays the measure, so that one wild sample does not make the next good one look wrong.
 * A meter with another serial number starts anew.
 */
export function judgeSample(
  sample: MeterSample,
  history: EnergyHistory | undefined,
  rules: Plausibility = DEFAULT_PLAUSIBILITY,
): Judgement {
  const known = history?.meterSerial === sample.meterSerial ? history : undefined;
  const energy = new Map(known?.energy);
  const findings: Finding[] = [];
  const values = sample.values.map((value): MeasuredValue => {
    if (value.quality !== 'G' || !ENERGY.test(value.obis)) return value;
    const before = known?.energy.get(value.obis);
    const rule =
      before && brokenRule(before, value.value, sample.readEndMonoMs - (known?.readEndMonoMs ?? 0), rules);
    if (before === undefined || rule === undefined) {
      energy.set(value.obis, value.value);
      return value;
    }
    findings.push({ obis: value.obis, rule, before, after: value.value });
    return { ...value, quality: 'O' };
  });
  // Time moves on only for a sample that was believed as a whole: otherwise a register that stayed wrong would be given
  // less and less time for the same rise.
  const readEndMonoMs =
    findings.length === 0 || known === undefined ? sample.readEndMonoMs : known.readEndMonoMs;
  return {
    sample: findings.length === 0 ? sample : { ...sample, values },
    history: { meterSerial: sample.meterSerial, readEndMonoMs, energy },
    findings,
  };
}

function brokenRule(
  before: Decimal,
  after: Decimal,
  elapsedMs: number,
  rules: Plausibility,
): Finding['rule'] | undefined {
  if (compareDecimal(after, before) < 0) return 'decreased';
  // Wh = W * ms / 3,600,000; one second more and one kWh of grace cover the meter's own update interval and resolution.
  const allowedWh =
    BigInt(Math.ceil((rules.maxPowerW * (Math.max(0, elapsedMs) + 1_000)) / 3_600_000)) + 1_000n;
  return compareDecimal(subtractDecimal(after, before), { mantissa: allowedWh, exponent: 0 }) > 0
    ? 'rose_too_fast'
    : undefined;
}
