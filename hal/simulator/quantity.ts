import { obis, type ObisCode, type Unit } from '../contract/index.ts';
import { magnitude, mapPhases, type Electrical, type PerPhase } from './electrical.ts';
import type { EnergyCounters } from './energy-counters.ts';

const of = (code: string, unit: Unit): { readonly obis: ObisCode; readonly unit: Unit } => ({
  obis: obis(`1-0:${code}*255`),
  unit,
});

/** What a meter of this simulator can show, with its OBIS code (IEC 62056-61, C and D groups) and unit. */
export const QUANTITIES = {
  energyImport: of('1.8.0', 'Wh'),
  energyExport: of('2.8.0', 'Wh'),
  energySum: of('15.8.0', 'Wh'),
  energyNet: of('16.8.0', 'Wh'),
  energyImportL1: of('21.8.0', 'Wh'),
  energyImportL2: of('41.8.0', 'Wh'),
  energyImportL3: of('61.8.0', 'Wh'),
  reactiveEnergyImport: of('3.8.0', 'varh'),
  reactiveEnergyExport: of('4.8.0', 'varh'),
  apparentEnergy: of('9.8.0', 'VAh'),
  voltageL1: of('32.7.0', 'V'),
  voltageL2: of('52.7.0', 'V'),
  voltageL3: of('72.7.0', 'V'),
  voltageMean: of('12.7.0', 'V'),
  currentL1: of('31.7.0', 'A'),
  currentL2: of('51.7.0', 'A'),
  currentL3: of('71.7.0', 'A'),
  currentSum: of('90.7.0', 'A'),
  currentNeutral: of('91.7.0', 'A'),
  power: of('16.7.0', 'W'),
  powerImport: of('1.7.0', 'W'),
  powerExport: of('2.7.0', 'W'),
  powerL1: of('36.7.0', 'W'),
  powerL2: of('56.7.0', 'W'),
  powerL3: of('76.7.0', 'W'),
  reactive: of('131.7.0', 'var'),
  reactiveL1: of('151.7.0', 'var'),
  reactiveL2: of('171.7.0', 'var'),
  reactiveL3: of('191.7.0', 'var'),
  apparent: of('9.7.0', 'VA'),
  apparentL1: of('29.7.0', 'VA'),
  apparentL2: of('49.7.0', 'VA'),
  apparentL3: of('69.7.0', 'VA'),
  powerFactor: of('13.7.0', '1'),
  powerFactorL1: of('33.7.0', '1'),
  powerFactorL2: of('53.7.0', '1'),
  powerFactorL3: of('73.7.0', '1'),
  frequency: of('14.7.0', 'Hz'),
} as const;

export type Quantity = keyof typeof QUANTITIES;

/** Each quantity in thousandths of its unit (mWh, mV, mW, ...), before a meter's resolution cuts it. */
export type Quantities = Readonly<Record<Quantity, bigint>>;

export function quantitiesOf(flow: Electrical, counters: EnergyCounters): Quantities {
  const { voltageMilliV: u, currentMilliA: i, activeMilliW: p, reactiveMilliVar: q } = flow;
  const s = mapPhases((phase) => magnitude(p[phase], q[phase]));
  const activeSum = sum(p);
  const apparentSum = magnitude(activeSum, sum(q));
  const energies = counters.milliUnitHours();
  return {
    ...energies,
    energySum: energies.energyImport + energies.energyExport,
    energyNet: energies.energyImport - energies.energyExport,
    ...perPhase('voltage', u),
    voltageMean: BigInt(Math.round(sum(u) / 3)),
    ...perPhase('current', i),
    currentSum: BigInt(sum(i)),
    currentNeutral: BigInt(neutral(i)),
    power: BigInt(activeSum),
    powerImport: BigInt(Math.max(0, activeSum)),
    powerExport: BigInt(Math.max(0, -activeSum)),
    ...perPhase('power', p),
    reactive: BigInt(sum(q)),
    ...perPhase('reactive', q),
    apparent: BigInt(apparentSum),
    ...perPhase('apparent', s),
    powerFactor: powerFactorMilli(activeSum, apparentSum),
    powerFactorL1: powerFactorMilli(p[0], s[0]),
    powerFactorL2: powerFactorMilli(p[1], s[1]),
    powerFactorL3: powerFactorMilli(p[2], s[2]),
    frequency: BigInt(flow.frequencyMilliHz),
  };
}

type PhaseKeys<Name extends string> = Readonly<Record<`${Name}${'L1' | 'L2' | 'L3'}`, bigint>>;

function perPhase<Name extends string>(name: Name, values: PerPhase): PhaseKeys<Name> {
  return Object.fromEntries(
    values.map((value, phase) => [`${name}L${phase + 1}`, BigInt(value)]),
  ) as PhaseKeys<Name>;
}

function sum(values: PerPhase): number {
  return values[0] + values[1] + values[2];
}

/** Phasor sum of three currents 120 degrees apart. */
function neutral([a, b, c]: PerPhase): number {
  return Math.round(Math.sqrt(Math.max(0, a * a + b * b + c * c - a * b - b * c - c * a)));
}

/** Thousandths, with the sign of the active power; without any load a meter shows 1. */
function powerFactorMilli(active: number, apparent: number): bigint {
  return apparent === 0 ? 1_000n : BigInt(Math.trunc((active * 1_000) / apparent));
}
