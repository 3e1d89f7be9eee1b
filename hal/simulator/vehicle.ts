import type { ControlPilotState } from '../contract/index.ts';
import type { Random } from './random.ts';

/**
 * What a vehicle does at one EVSE, from arrival to departure:
 * away (A) - plugged (B) - rampUp, charging, taper (C) - full (B) - away (A).
 */
export type VehiclePhase = 'away' | 'plugged' | 'rampUp' | 'charging' | 'taper' | 'full';

export interface Vehicle {
  readonly phase: VehiclePhase;
  readonly inPhaseMs: number;
  /** How long this phase lasts; phases that end with the energy delivered have none. */
  readonly phaseLastsMs: number | undefined;
  /** Which phases of the line its charger uses. */
  readonly usesPhases: 1 | 2 | 3;
  readonly currentLimitMilliA: number;
  /** Displacement factor of its charger in thousandths; capacitive. */
  readonly powerFactorMilli: number;
  /** Active energy it still wants, and when it starts to take less, in milliwatt-milliseconds. */
  readonly wantsMilliWattMs: number;
  readonly taperFromMilliWattMs: number;
}

/** IEC 61851-1 Annex A: a current below 6 A cannot be signalled; a vehicle draws at least that or nothing. */
const LEAST_CURRENT_MILLI_A = 6_000;
const SECOND = 1_000;
const MINUTE = 60 * SECOND;

/** At this pace a minute shows a vehicle coming, charging and going; for the demo. */
export const DEMO_PACE = 300;

/** How much faster than life vehicles come, charge and go: their waits and the energy they want are divided by it. */
export interface Pace {
  readonly pace: number;
  readonly random: Random;
}

/** The first vehicle is on its way and comes within half an hour, at pace 1, so that a short run shows something. */
export function firstVehicle(pace: Pace): Vehicle {
  return { ...nextVehicle(pace), phaseLastsMs: wait(pace, MINUTE, 30 * MINUTE) };
}

function nextVehicle({ random, pace }: Pace): Vehicle {
  const usesPhases = random.pick<1 | 2 | 3>([3, 3, 3, 2, 1]);
  const currentLimitMilliA = random.pick([16_000, 16_000, 20_000, 32_000]);
  // It wants what 20 minutes to 3 hours at its own limit would give it (230 V).
  const chargingMs = wait({ random, pace }, 20 * MINUTE, 180 * MINUTE);
  const wantsMilliWattMs = currentLimitMilliA * 230 * usesPhases * chargingMs;
  return {
    phase: 'away',
    inPhaseMs: 0,
    phaseLastsMs: wait({ random, pace }, 8 * MINUTE, 40 * MINUTE),
    usesPhases,
    currentLimitMilliA,
    powerFactorMilli: random.between(975, 999),
    wantsMilliWattMs,
    taperFromMilliWattMs: Math.floor(wantsMilliWattMs / random.between(5, 9)),
  };
}

/**
 * The vehicle `dtMs` later, after it took `deliveredMilliWattMs` of active energy in that time. At most one change of
 * phase happens in a step.
 */
export function stepVehicle(
  vehicle: Vehicle,
  dtMs: number,
  deliveredMilliWattMs: number,
  pace: Pace,
): Vehicle {
  const inPhaseMs = vehicle.inPhaseMs + dtMs;
  const wantsMilliWattMs = Math.max(0, vehicle.wantsMilliWattMs - deliveredMilliWattMs);
  const later = { ...vehicle, inPhaseMs, wantsMilliWattMs };
  const over = vehicle.phaseLastsMs !== undefined && inPhaseMs >= vehicle.phaseLastsMs;
  const enter = (phase: VehiclePhase, phaseLastsMs?: number): Vehicle => ({
    ...later,
    phase,
    phaseLastsMs,
    inPhaseMs: 0,
  });
  switch (vehicle.phase) {
    case 'away':
      return over ? enter('plugged', wait(pace, 20 * SECOND, 90 * SECOND)) : later;
    case 'plugged':
      return over ? enter('rampUp', wait(pace, 15 * SECOND, 45 * SECOND)) : later;
    case 'rampUp':
      return over ? enter('charging') : later;
    case 'charging':
      return wantsMilliWattMs <= vehicle.taperFromMilliWattMs ? enter('taper') : later;
    case 'taper':
      return wantsMilliWattMs === 0 ? enter('full', wait(pace, MINUTE, 15 * MINUTE)) : later;
    case 'full':
      return over ? nextVehicle(pace) : later;
  }
}

/** IEC 61851-1 Annex A, as seen by the EVSE. */
export function controlPilotOf(phase: VehiclePhase): ControlPilotState {
  switch (phase) {
    case 'away':
      return 'A';
    case 'plugged':
    case 'full':
      return 'B';
    case 'rampUp':
    case 'charging':
    case 'taper':
      return 'C';
  }
}

/** Current per used phase in milliampere, never more than the EVSE allows. */
export function currentDrawnMilliA(vehicle: Vehicle, evseLimitMilliA: number): number {
  const limit = Math.min(vehicle.currentLimitMilliA, evseLimitMilliA);
  if (controlPilotOf(vehicle.phase) !== 'C' || limit < LEAST_CURRENT_MILLI_A) return 0;
  const span = limit - LEAST_CURRENT_MILLI_A;
  if (vehicle.phase === 'rampUp') {
    const share = vehicle.inPhaseMs / (vehicle.phaseLastsMs ?? 1);
    return LEAST_CURRENT_MILLI_A + Math.floor(span * Math.min(1, share));
  }
  if (vehicle.phase === 'taper') {
    const share = vehicle.wantsMilliWattMs / vehicle.taperFromMilliWattMs;
    return LEAST_CURRENT_MILLI_A + Math.floor(span * Math.min(1, share));
  }
  return limit;
}

/** A wait that is at least one step long at every pace. */
function wait({ random, pace }: Pace, lowMs: number, highMs: number): number {
  return Math.max(SECOND, Math.floor(random.between(lowMs, highMs) / pace));
}
