import { obis, type EnergyDirection, type ObisCode, type Unit } from '../../contract/index.ts';

// The AC meter models of SunSpec as a table (sunspec/models, json/model_201 to model_214). Offsets count registers from the
// model's id. The integer models 201 to 204 have one layout, the float models 211 to 214 another; they differ in which
// phases there are. Left out: line-to-line voltages, averages and sums of currents, which have no OBIS code of ours, and the
// power factor, which some makers give in percent and others as a number, with signs of two conventions.

/** One quantity: where it is in either layout, and what it is. */
export interface SunSpecPoint {
  /** As the model definition names it. */
  readonly name: string;
  readonly obis: ObisCode;
  readonly unit: Unit;
  readonly direction?: EnergyDirection;
  /** Register of the value and of its scale factor in 201 to 204. */
  readonly integer: { readonly offset: number; readonly scaleFactor: number };
  /** Register of the value in 211 to 214. */
  readonly float: number;
  /** Counters may be zero only where the model demands them: elsewhere zero says that there is no counter (acc32). */
  readonly mandatory?: boolean;
}

export interface SunSpecModel {
  readonly kind: 'integer' | 'float';
  /** Length as the definition has it; the header is not counted. */
  readonly length: number;
  /** The shortest that holds imported and exported energy. */
  readonly leastLength: number;
  readonly points: readonly SunSpecPoint[];
}

type Scale = 'A' | 'V' | 'Hz' | 'W' | 'VA' | 'VAR' | 'TotWh' | 'TotVAh' | 'TotVArh';
const SCALE_FACTORS: Readonly<Record<Scale, number>> = {
  A: 6,
  V: 15,
  Hz: 17,
  W: 22,
  VA: 27,
  VAR: 32,
  TotWh: 54,
  TotVAh: 71,
  TotVArh: 104,
};

function at(scale: Scale, integer: number, float: number): Pick<SunSpecPoint, 'integer' | 'float'> {
  return { integer: { offset: integer, scaleFactor: SCALE_FACTORS[scale] }, float };
}

/**
 * A positive power is imported, as the names of the reactive counters have it (imported in quadrants 1 and 2). SolarEdge's meters
 * have powers the other way round; their counters say import and export like all others.
 */
const IN = { direction: 'import' } as const;
const OUT = { direction: 'export' } as const;
const MUST = { mandatory: true } as const;

const TOTALS: readonly SunSpecPoint[] = [
  { name: 'TotWhImp', obis: obis('1-0:1.8.0*255'), unit: 'Wh', ...IN, ...at('TotWh', 46, 68), ...MUST },
  { name: 'TotWhExp', obis: obis('1-0:2.8.0*255'), unit: 'Wh', ...OUT, ...at('TotWh', 38, 60), ...MUST },
  { name: 'W', obis: obis('1-0:16.7.0*255'), unit: 'W', ...IN, ...at('W', 18, 28), ...MUST },
  { name: 'Hz', obis: obis('1-0:14.7.0*255'), unit: 'Hz', ...at('Hz', 16, 26), ...MUST },
  { name: 'VA', obis: obis('1-0:9.7.0*255'), unit: 'VA', ...at('VA', 23, 36) },
  { name: 'VAR', obis: obis('1-0:131.7.0*255'), unit: 'var', ...IN, ...at('VAR', 28, 44) },
  { name: 'TotVAhImp', obis: obis('1-0:9.8.0*255'), unit: 'VAh', ...IN, ...at('TotVAh', 63, 84) },
  { name: 'TotVAhExp', obis: obis('1-0:10.8.0*255'), unit: 'VAh', ...OUT, ...at('TotVAh', 55, 76) },
  { name: 'TotVArhImpQ1', obis: obis('1-0:5.8.0*255'), unit: 'varh', ...at('TotVArh', 72, 92) },
  { name: 'TotVArhImpQ2', obis: obis('1-0:6.8.0*255'), unit: 'varh', ...at('TotVArh', 80, 100) },
  { name: 'TotVArhExpQ3', obis: obis('1-0:7.8.0*255'), unit: 'varh', ...at('TotVArh', 88, 108) },
  { name: 'TotVArhExpQ4', obis: obis('1-0:8.8.0*255'), unit: 'varh', ...at('TotVArh', 96, 116) },
];

/** A meter of one phase may leave the registers of its phase empty: what it measures is in the totals. */
const ONLY_PHASE: readonly SunSpecPoint[] = [
  { name: 'PhV', obis: obis('1-0:32.7.0*255'), unit: 'V', ...at('V', 7, 10), ...MUST },
  { name: 'A', obis: obis('1-0:31.7.0*255'), unit: 'A', ...at('A', 2, 2), ...MUST },
];

/** `phase` 0 is A (L1). OBIS counts 20 on for each phase, the integer model one or two registers, the float model two. */
function phasePoints(phase: 0 | 1 | 2): SunSpecPoint[] {
  const letter = 'ABC'.charAt(phase);
  const code = (quantity: number, measured: 7 | 8): ObisCode =>
    obis(`1-0:${quantity + 20 * (phase + 1)}.${measured}.0*255`);
  const one = (scale: Scale, integer: number, float: number) => at(scale, integer + phase, float + 2 * phase);
  const two = (scale: Scale, integer: number, float: number) =>
    at(scale, integer + 2 * phase, float + 2 * phase);
  return [
    { name: `PhVph${letter}`, obis: code(12, 7), unit: 'V', ...one('V', 8, 12) },
    { name: `Aph${letter}`, obis: code(11, 7), unit: 'A', ...one('A', 3, 4), ...MUST },
    { name: `Wph${letter}`, obis: code(16, 7), unit: 'W', ...IN, ...one('W', 19, 30) },
    { name: `VAph${letter}`, obis: code(9, 7), unit: 'VA', ...one('VA', 24, 38) },
    {
      name: `VARph${letter}`,
      obis: obis(`1-0:${151 + 20 * phase}.7.0*255`),
      unit: 'var',
      ...IN,
      ...one('VAR', 29, 46),
    },
    { name: `TotWhImpPh${letter}`, obis: code(1, 8), unit: 'Wh', ...IN, ...two('TotWh', 48, 70) },
    { name: `TotWhExpPh${letter}`, obis: code(2, 8), unit: 'Wh', ...OUT, ...two('TotWh', 40, 62) },
  ];
}

const SINGLE = [...TOTALS, ...ONLY_PHASE];
const SPLIT = [...TOTALS, ...phasePoints(0), ...phasePoints(1)];
const THREE = [...SPLIT, ...phasePoints(2)];

const INTEGER = { kind: 'integer', length: 105, leastLength: 53 } as const;
const FLOAT = { kind: 'float', length: 124, leastLength: 68 } as const;

/** By model id: one phase, split phase, three phases with and without neutral. */
export const SUNSPEC_METERS: ReadonlyMap<number, SunSpecModel> = new Map<number, SunSpecModel>([
  [201, { ...INTEGER, points: SINGLE }],
  [202, { ...INTEGER, points: SPLIT }],
  [203, { ...INTEGER, points: THREE }],
  [204, { ...INTEGER, points: THREE }],
  [211, { ...FLOAT, points: SINGLE }],
  [212, { ...FLOAT, points: SPLIT }],
  [213, { ...FLOAT, points: THREE }],
  [214, { ...FLOAT, points: THREE }],
]);

/** Texts of the common model, offsets from its id (json/model_1). */
export const SUNSPEC_COMMON = {
  id: 1,
  leastLength: 64,
  maker: { offset: 2, registerCount: 16 },
  model: { offset: 18, registerCount: 16 },
  firmware: { offset: 42, registerCount: 8 },
  serial: { offset: 50, registerCount: 16 },
} as const;
