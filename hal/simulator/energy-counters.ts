import { magnitude, type Electrical } from './electrical.ts';

const COUNTED = [
  'energyImport',
  'energyExport',
  'energyImportL1',
  'energyImportL2',
  'energyImportL3',
  'reactiveEnergyImport',
  'reactiveEnergyExport',
  'apparentEnergy',
] as const;
type Counted = (typeof COUNTED)[number];

/** 1 mWh = 3.6 J = 3,600,000 milliwatt-milliseconds. */
const MILLI_UNIT_MS_PER_MILLI_UNIT_HOUR = 3_600_000n;

/**
 * The counters of one meter: integrals of power over time in milliwatt-milliseconds, exact, so that no energy is lost
 * between two displayed watt-hours however short the steps are. Import and export count the sum of the three phases
 * (as a billing meter does), the phase counters each phase alone.
 */
export class EnergyCounters {
  readonly #milliUnitMs: Record<Counted, bigint>;

  /** `startWh`: what the counters showed when the simulation began; those not named begin at 0. */
  constructor(startWh: Partial<Readonly<Record<Counted, number>>> = {}) {
    this.#milliUnitMs = Object.fromEntries(
      COUNTED.map((name) => [name, BigInt(startWh[name] ?? 0) * 1_000n * MILLI_UNIT_MS_PER_MILLI_UNIT_HOUR]),
    ) as Record<Counted, bigint>;
  }

  /** Adds what flowed, unchanged, for `dtMs` (an integer). */
  integrate(flow: Electrical, dtMs: number): void {
    const [p1, p2, p3] = flow.activeMilliW;
    const active = p1 + p2 + p3;
    const reactive = flow.reactiveMilliVar[0] + flow.reactiveMilliVar[1] + flow.reactiveMilliVar[2];
    this.#add('energyImport', active, dtMs);
    this.#add('energyExport', -active, dtMs);
    this.#add('energyImportL1', p1, dtMs);
    this.#add('energyImportL2', p2, dtMs);
    this.#add('energyImportL3', p3, dtMs);
    this.#add('reactiveEnergyImport', reactive, dtMs);
    this.#add('reactiveEnergyExport', -reactive, dtMs);
    this.#add('apparentEnergy', magnitude(active, reactive), dtMs);
  }

  /** Each counter in mWh (mvarh, mVAh), cut, never rounded up: a counter does not run ahead of the energy. */
  milliUnitHours(): Readonly<Record<Counted, bigint>> {
    return Object.fromEntries(
      COUNTED.map((name) => [name, this.#milliUnitMs[name] / MILLI_UNIT_MS_PER_MILLI_UNIT_HOUR]),
    ) as Record<Counted, bigint>;
  }

  #add(name: Counted, milliUnits: number, dtMs: number): void {
    if (milliUnits > 0) this.#milliUnitMs[name] += BigInt(milliUnits) * BigInt(dtMs);
  }
}
