// The picture of a session's power, as numbers. Pure. In order of the log, on a time axis of the clock that never jumps.
import { ENERGY_IMPORT, POWER_ACTIVE, parseDecimal, subtractDecimal } from '../../hal/contract/index.ts';
import type { Statement } from '../receipt/index.ts';

export interface CurvePoint {
  /** Since the first reading. */
  readonly atMs: number;
  readonly watts: number;
}

export interface PowerCurve {
  /** Lines between gaps, each of two points or more. */
  readonly lines: readonly (readonly CurvePoint[])[];
  readonly gaps: readonly { readonly fromMs: number; readonly toMs: number }[];
  readonly durationMs: number;
  readonly maxWatts: number;
  readonly minWatts: number;
  /** Whether the meter measured the power, or it follows from the energy between readings. */
  readonly source: 'measured' | 'derived';
}

interface Sample {
  readonly atMs: number;
  readonly bootCount: number;
  readonly watts: number | undefined;
  /** Import register, in Wh. */
  readonly wh: string | undefined;
}

/** A hole is what is wider than this many usual distances between two readings. */
const GAP_FACTOR = 3;
/** Two codes for active power: of all phases with sign, and of import only. */
const POWER_CODES = [POWER_ACTIVE as string, '1-0:1.7.0*255'];

/** The power by one meter's readings; undefined when they are too few to draw. */
export function powerCurve(statements: readonly Statement[], meterSerial: string): PowerCurve | undefined {
  const samples = samplesOf(statements.filter((statement) => statement.meterSerial === meterSerial));
  const measured = samples.filter(({ watts }) => watts !== undefined);
  const isMeasured = measured.length >= 2 && measured.length * 2 >= samples.length;
  const used = isMeasured ? measured : samples.filter(({ wh }) => wh !== undefined);
  if (used.length < 2) return undefined;
  const limit = GAP_FACTOR * usualStep(used);
  const lines: CurvePoint[][] = [[]];
  const gaps: { fromMs: number; toMs: number }[] = [];
  for (const [i, sample] of used.entries()) {
    const before = used[i - 1];
    const isHole =
      before !== undefined && (sample.atMs - before.atMs > limit || sample.bootCount !== before.bootCount);
    if (isHole) {
      gaps.push({ fromMs: before.atMs, toMs: sample.atMs });
      lines.push([]);
    }
    const line = lines.at(-1)!;
    if (isMeasured) line.push({ atMs: sample.atMs, watts: sample.watts! });
    else if (before !== undefined && !isHole) line.push(...step(before, sample));
  }
  const drawn = lines.filter((line) => line.length > 1);
  const all = drawn.flat().map(({ watts }) => watts);
  if (all.length === 0) return undefined;
  return {
    lines: drawn,
    gaps,
    durationMs: used.at(-1)!.atMs,
    maxWatts: Math.max(...all),
    minWatts: Math.min(...all),
    source: isMeasured ? 'measured' : 'derived',
  };
}

/** The meter to draw when there is no session: the one with the most readings. */
export function mostRead(statements: readonly Statement[]): string | undefined {
  const counts = new Map<string, number>();
  for (const { meterSerial } of statements) {
    if (meterSerial !== undefined) counts.set(meterSerial, (counts.get(meterSerial) ?? 0) + 1);
  }
  return [...counts].sort(([, a], [, b]) => b - a)[0]?.[0];
}

function samplesOf(statements: readonly Statement[]): Sample[] {
  const samples: Sample[] = [];
  let offsetMs = 0;
  let last: Statement | undefined;
  for (const statement of statements) {
    // The running clock starts anew with the station: only there the wall clock must help out, and never backwards.
    if (last === undefined) offsetMs = -statement.sinceBootMs;
    else if (statement.bootCount !== last.bootCount) {
      const apartMs = Math.max(0, Date.parse(statement.time) - Date.parse(last.time) || 0);
      offsetMs += last.sinceBootMs + apartMs - statement.sinceBootMs;
    }
    last = statement;
    const good = (code: string) =>
      statement.values?.find(({ obis, quality }) => obis === code && quality === 'G');
    const power = POWER_CODES.map(good).find((value) => value?.unit === 'W');
    const energy = good(ENERGY_IMPORT);
    samples.push({
      atMs: statement.sinceBootMs + offsetMs,
      bootCount: statement.bootCount,
      watts: power === undefined ? undefined : Number(power.value),
      wh: energy?.unit === 'Wh' ? energy.value : undefined,
    });
  }
  // A forged receipt may go back in time; what cannot be drawn is left out.
  return samples.filter(({ atMs }, i) => i === 0 || atMs > samples[i - 1]!.atMs);
}

/** Constant power between two readings of the register; the difference is exact before it becomes a pixel. */
function step(before: Sample, after: Sample): CurvePoint[] {
  const { mantissa, exponent } = subtractDecimal(parseDecimal(after.wh!), parseDecimal(before.wh!));
  const hours = (after.atMs - before.atMs) / 3_600_000;
  const watts = (Number(mantissa) * 10 ** exponent) / hours;
  return [
    { atMs: before.atMs, watts },
    { atMs: after.atMs, watts },
  ];
}

function usualStep(samples: readonly Sample[]): number {
  const steps = samples.slice(1).map(({ atMs }, i) => atMs - samples[i]!.atMs);
  return steps.sort((a, b) => a - b)[Math.floor(steps.length / 2)]!;
}
