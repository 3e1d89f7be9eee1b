import { EnergyCounters } from './energy-counters.ts';
import { mapPhases, NOMINAL_MAINS, type Electrical } from './electrical.ts';
import { SimulatorError } from './errors.ts';
import { METER_MODELS } from './meter-models.ts';
import { quantitiesOf, type Quantities } from './quantity.ts';
import { readRegisters, showAll, type ReadRefusal, type Shown } from './register-image.ts';
import type { MeterModel, RegisterTable } from './register-map.ts';
import { ShownHistory } from './shown-history.ts';

export interface SimulatedMeterOptions {
  readonly id: string;
  readonly model: string;
  readonly serial: string;
  readonly startWh: number;
  readonly historyStates: number;
}

/**
 * Float32 registers in kWh show each watt-hour below 16,384 kWh only. With the counters that start a little higher than the
 * import, this leaves a day of full load until a truth to the watt-hour could not be kept.
 */
const MOST_START_WH = 15_000_000;

const NOTHING_FLOWS: Electrical = {
  voltageMilliV: NOMINAL_MAINS.voltageMilliV,
  currentMilliA: mapPhases(() => 0),
  activeMilliW: mapPhases(() => 0),
  reactiveMilliVar: mapPhases(() => 0),
  frequencyMilliHz: NOMINAL_MAINS.frequencyMilliHz,
};

/** A meter: counts what flows through it, and now and then renews what its registers show, as real ones do. */
export class SimulatedMeter {
  readonly id: string;
  readonly serial: string;
  readonly model: MeterModel;
  readonly history: ShownHistory;
  readonly #counters: EnergyCounters;
  #flow: Electrical = NOTHING_FLOWS;
  #shown: Shown;

  /** @throws SimulatorError `simulator.bad_option` for an unknown model or a serial number that it cannot hold. */
  constructor(options: SimulatedMeterOptions) {
    const model = METER_MODELS.get(options.model);
    if (model === undefined) {
      const known = [...METER_MODELS.keys()].join(', ');
      throw new SimulatorError('simulator.bad_option', `no such meter model: ${options.model}`, {
        hint: `Known models: ${known}.`,
      });
    }
    if (!model.serialPattern.test(options.serial)) {
      throw new SimulatorError(
        'simulator.bad_option',
        `${model.id} cannot hold the serial number "${options.serial}" (${model.serialPattern.source})`,
      );
    }
    if (options.startWh > MOST_START_WH || !Number.isInteger(options.startWh) || options.startWh < 0)
      throw new SimulatorError(
        'simulator.bad_option',
        `startWh of ${options.id} is no integer between 0 and ${MOST_START_WH}: ${options.startWh}`,
      );
    this.id = options.id;
    this.serial = options.serial;
    this.model = model;
    this.history = new ShownHistory(model, options.historyStates);
    this.#counters = new EnergyCounters(shareOut(options.startWh));
    this.#shown = showAll(model, this.quantities());
  }

  /** What flows now, until told otherwise. */
  get flow(): Electrical {
    return this.#flow;
  }

  /** Counts what has flowed for `dtMs`, then takes over what flows from now on. */
  step(dtMs: number, nextFlow: Electrical): void {
    this.#counters.integrate(this.#flow, dtMs);
    this.#flow = nextFlow;
  }

  /** Everything to the thousandth, whatever the registers show. */
  quantities(): Quantities {
    return quantitiesOf(this.#flow, this.#counters);
  }

  /** Renews the registers; from this moment on the meter answers with the new ones. */
  show(nowMonoMs: number): void {
    const shown = showAll(this.model, this.quantities());
    this.history.add(shown, nowMonoMs);
    this.#shown = shown;
  }

  /** One request is answered from one state: nothing is renewed between two of its registers. */
  read(table: RegisterTable, address: number, count: number): readonly number[] | ReadRefusal {
    return readRegisters(this.model, this.serial, this.#shown, { table, address, count });
  }
}

/** What a meter with that import so far would also have counted; plausible, and different for each register. */
function shareOut(startWh: number): ConstructorParameters<typeof EnergyCounters>[0] {
  const l1 = Math.floor(startWh * 0.38);
  const l2 = Math.floor(startWh * 0.33);
  return {
    energyImport: startWh,
    energyExport: Math.floor(startWh / 997),
    energyImportL1: l1,
    energyImportL2: l2,
    energyImportL3: startWh - l1 - l2,
    reactiveEnergyImport: Math.floor(startWh / 83),
    reactiveEnergyExport: Math.floor(startWh / 19),
    apparentEnergy: startWh + Math.floor(startWh / 51),
  };
}
