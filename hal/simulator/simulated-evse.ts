import type { ControlPilotState, Evse } from '../contract/index.ts';
import { chargerLoad, type Electrical, type Mains } from './electrical.ts';
import type { Random } from './random.ts';
import { controlPilotOf, currentDrawnMilliA, firstVehicle, stepVehicle, type Vehicle } from './vehicle.ts';

type Listener = (state: ControlPilotState, atMonoMs: number) => void;

/** A place to charge with the vehicles that come to it, one after another. */
export class SimulatedEvse implements Evse {
  readonly id: string;
  readonly #random: Random;
  readonly #pace: number;
  readonly #limitMilliA: number;
  readonly #listeners = new Set<Listener>();
  #vehicle: Vehicle;

  constructor(options: { id: string; random: Random; pace: number; limitMilliA: number }) {
    this.id = options.id;
    this.#random = options.random;
    this.#pace = options.pace;
    this.#limitMilliA = options.limitMilliA;
    this.#vehicle = firstVehicle({ pace: this.#pace, random: this.#random });
  }

  get controlPilotState(): ControlPilotState {
    return controlPilotOf(this.#vehicle.phase);
  }

  get vehicle(): Vehicle {
    return this.#vehicle;
  }

  onControlPilotState(listener: Listener): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** The vehicle lives `dtMs` on, in which `flow` went into it; returns what it draws from now on. */
  step(dtMs: number, flow: Electrical, mains: Mains, atMonoMs: number): Electrical {
    const [p1, p2, p3] = flow.activeMilliW;
    const before = this.controlPilotState;
    const pace = { pace: this.#pace, random: this.#random };
    this.#vehicle = stepVehicle(this.#vehicle, dtMs, (p1 + p2 + p3) * dtMs, pace);
    const state = this.controlPilotState;
    if (state !== before) for (const listener of this.#listeners) listener(state, atMonoMs);
    const { usesPhases, powerFactorMilli } = this.#vehicle;
    const currentMilliA = currentDrawnMilliA(this.#vehicle, this.#limitMilliA);
    return chargerLoad(mains, { currentMilliA, usesPhases, powerFactorMilli }, this.#random);
  }
}
