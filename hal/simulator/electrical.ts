import type { Random } from './random.ts';

export type PerPhase = readonly [l1: number, l2: number, l3: number];

/** What flows through a meter during one step. Integers; positive power is import, positive reactive is inductive. */
export interface Electrical {
  readonly voltageMilliV: PerPhase;
  readonly currentMilliA: PerPhase;
  readonly activeMilliW: PerPhase;
  readonly reactiveMilliVar: PerPhase;
  readonly frequencyMilliHz: number;
}

/** The mains before any load: a slow random walk inside of EN 50160's limits. */
export interface Mains {
  readonly voltageMilliV: PerPhase;
  readonly frequencyMilliHz: number;
}

/** Impedance of the service line: what makes the voltage of a phase fall with its load (milliohm). */
const LINE_MILLI_OHM = 110;

export const NOMINAL_MAINS: Mains = { voltageMilliV: [230_500, 233_500, 225_500], frequencyMilliHz: 50_000 };

/** Far enough apart that an EVSE's phases never show the same voltage, loaded or not: so that a mix-up shows. */
const VOLTAGE_RANGES = [
  [229_500, 231_500],
  [232_500, 234_500],
  [225_000, 226_000],
] as const;

export function stepMains(mains: Mains, random: Random): Mains {
  return {
    voltageMilliV: mapPhases((phase) => walk(mains.voltageMilliV[phase], 60, VOLTAGE_RANGES[phase], random)),
    frequencyMilliHz: walk(mains.frequencyMilliHz, 4, [49_950, 50_050], random),
  };
}

export function walk(
  value: number,
  step: number,
  [low, high]: readonly [number, number],
  random: Random,
): number {
  return Math.min(high, Math.max(low, value + random.between(-step, step)));
}

/** A vehicle's charger: the current is what it sets; it is slightly capacitive, and its phases differ a little. */
export function chargerLoad(
  mains: Mains,
  charger: { readonly currentMilliA: number; readonly usesPhases: number; readonly powerFactorMilli: number },
  random: Random,
): Electrical {
  const currentMilliA = mapPhases((phase) =>
    phase < charger.usesPhases && charger.currentMilliA > 0
      ? charger.currentMilliA - phase * 25 + random.between(-20, 0)
      : 0,
  );
  const voltageMilliV = mapPhases((phase) => sag(mains.voltageMilliV[phase], currentMilliA[phase]));
  const activeMilliW = mapPhases((phase) =>
    Math.floor((voltageMilliV[phase] * currentMilliA[phase] * charger.powerFactorMilli) / 1_000_000),
  );
  const reactiveMilliVar = mapPhases((phase) => {
    const apparent = (voltageMilliV[phase] * currentMilliA[phase]) / 1_000;
    const active = activeMilliW[phase];
    return active === 0 ? 0 : -Math.round(Math.sqrt(Math.max(0, apparent * apparent - active * active)));
  });
  return {
    voltageMilliV,
    currentMilliA,
    activeMilliW,
    reactiveMilliVar,
    frequencyMilliHz: mains.frequencyMilliHz,
  };
}

/** The point of supply: the sum of all loads behind it, to the milliwatt; its current follows from the sum. */
export function sumLoads(
  mains: Mains,
  loads: readonly Pick<Electrical, 'activeMilliW' | 'reactiveMilliVar'>[],
): Electrical {
  const total = (key: 'activeMilliW' | 'reactiveMilliVar') =>
    mapPhases((phase) => loads.reduce((sum, load) => sum + load[key][phase], 0));
  const activeMilliW = total('activeMilliW');
  const reactiveMilliVar = total('reactiveMilliVar');
  const apparent = mapPhases((phase) => magnitude(activeMilliW[phase], reactiveMilliVar[phase]));
  const voltageMilliV = mapPhases((phase) =>
    sag(mains.voltageMilliV[phase], Math.round((apparent[phase] * 1_000) / mains.voltageMilliV[phase])),
  );
  const currentMilliA = mapPhases((phase) => Math.round((apparent[phase] * 1_000) / voltageMilliV[phase]));
  return {
    voltageMilliV,
    currentMilliA,
    activeMilliW,
    reactiveMilliVar,
    frequencyMilliHz: mains.frequencyMilliHz,
  };
}

/** Length of the power triangle's long side, rounded to the unit of its arguments. */
export function magnitude(active: number, reactive: number): number {
  return Math.round(Math.sqrt(active * active + reactive * reactive));
}

export function mapPhases(each: (phase: 0 | 1 | 2) => number): PerPhase {
  return [each(0), each(1), each(2)];
}

function sag(voltageMilliV: number, currentMilliA: number): number {
  return voltageMilliV - Math.floor((currentMilliA * LINE_MILLI_OHM) / 1_000);
}
