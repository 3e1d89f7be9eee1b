import {
  mapPhases,
  NOMINAL_MAINS,
  stepMains,
  sumLoads,
  walk,
  type Electrical,
  type Mains,
} from './electrical.ts';
import { createRandom, type Random } from './random.ts';
import { SimulatedEvse } from './simulated-evse.ts';
import { SimulatedMeter } from './simulated-meter.ts';

export interface SiteMeter {
  readonly id: string;
  readonly model: string;
  readonly serial: string;
  /** What it measures: one EVSE with its vehicles (default), or all of them and the rest of the site. */
  readonly measures?: 'evse' | 'grid' | undefined;
  /** What its import counter showed at the start. */
  readonly startWh?: number | undefined;
  /** Current limit of the EVSE per phase; 32 A unless told. */
  readonly limitMilliA?: number | undefined;
}

export interface SiteOptions {
  readonly meters: readonly SiteMeter[];
  readonly seed: number;
  /** How much faster than life vehicles come, charge and go; power and energy stay physical. */
  readonly pace: number;
  /** Simulated time from one state of the circuits to the next. */
  readonly stepMs: number;
  /** How often a meter renews its registers; a multiple of the step. */
  readonly showEveryMs: number;
  readonly historyStates: number;
  /** Peak of a photovoltaic plant behind the grid meter: at times the site then exports. */
  readonly solarPeakW: number;
}

interface Branch {
  readonly meter: SimulatedMeter;
  readonly evse: SimulatedEvse | undefined;
  /** Meters renew their registers one after another, not all at the same moment. */
  readonly showOffsetSteps: number;
}

/**
 * The circuits of a station in fixed steps of time: the same seed gives the same course, step by step, however late the
 * steps are taken. Knows no sockets and no clock.
 */
export class SimulatedSite {
  readonly branches: readonly Branch[];
  readonly #options: SiteOptions;
  readonly #random: Random;
  #mains: Mains = NOMINAL_MAINS;
  #baseLoadMilliW: number;
  #solarMilliW = 0;
  #steps = 0;
  readonly #startMonoMs: number;

  constructor(options: SiteOptions, startMonoMs: number) {
    this.#options = options;
    this.#startMonoMs = startMonoMs;
    this.#random = createRandom(options.seed, 'mains');
    this.#baseLoadMilliW = this.#random.between(600_000, 2_500_000);
    this.branches = options.meters.map((meter, index) => this.#branch(meter, index));
    for (const { meter } of this.branches) meter.show(startMonoMs);
  }

  /** Takes all steps that are due at `nowMonoMs`; registers that are renewed show the new values from then on. */
  advanceTo(nowMonoMs: number): void {
    const { stepMs, showEveryMs } = this.#options;
    const due = new Set<SimulatedMeter>();
    const target = Math.floor((nowMonoMs - this.#startMonoMs) / stepMs);
    while (this.#steps < target) {
      this.#steps++;
      this.#step(this.#startMonoMs + this.#steps * stepMs);
      for (const { meter, showOffsetSteps } of this.branches) {
        if ((this.#steps + showOffsetSteps) % (showEveryMs / stepMs) === 0) due.add(meter);
      }
    }
    for (const meter of due) meter.show(nowMonoMs);
  }

  #step(atMonoMs: number): void {
    const { stepMs } = this.#options;
    this.#mains = stepMains(this.#mains, this.#random);
    const vehicleLoads: Electrical[] = [];
    for (const { meter, evse } of this.branches) {
      if (evse === undefined) continue;
      const next = evse.step(stepMs, meter.flow, this.#mains, atMonoMs);
      meter.step(stepMs, next);
      vehicleLoads.push(next);
    }
    const total = sumLoads(this.#mains, [...vehicleLoads, ...this.#restOfTheSite()]);
    for (const { meter, evse } of this.branches) if (evse === undefined) meter.step(stepMs, total);
  }

  /** Light, cooling and electronics (inductive, uneven), and the photovoltaic plant under passing clouds. */
  #restOfTheSite(): Pick<Electrical, 'activeMilliW' | 'reactiveMilliVar'>[] {
    const peak = this.#options.solarPeakW * 1_000;
    this.#baseLoadMilliW = walk(this.#baseLoadMilliW, 15_000, [400_000, 4_000_000], this.#random);
    this.#solarMilliW = walk(this.#solarMilliW, Math.ceil(peak / 20), [0, peak], this.#random);
    const base = this.#baseLoadMilliW;
    const active: readonly number[] = [Math.floor(base / 2), Math.floor(base / 3), Math.floor(base / 6)];
    return [
      {
        activeMilliW: mapPhases((phase) => active[phase] ?? 0),
        reactiveMilliVar: mapPhases((phase) => Math.floor((active[phase] ?? 0) / 4)),
      },
      {
        activeMilliW: mapPhases(() => -Math.floor(this.#solarMilliW / 3)),
        reactiveMilliVar: mapPhases(() => 0),
      },
    ];
  }

  #branch(options: SiteMeter, index: number): Branch {
    const { seed, pace, historyStates, showEveryMs, stepMs } = this.#options;
    const random = createRandom(seed, options.id);
    const meter = new SimulatedMeter({
      id: options.id,
      model: options.model,
      serial: options.serial,
      startWh: options.startWh ?? random.between(1_000_000, 9_000_000),
      historyStates,
    });
    const evse =
      options.measures === 'grid'
        ? undefined
        : new SimulatedEvse({ id: options.id, random, pace, limitMilliA: options.limitMilliA ?? 32_000 });
    return { meter, evse, showOffsetSteps: index % (showEveryMs / stepMs) };
  }
}
