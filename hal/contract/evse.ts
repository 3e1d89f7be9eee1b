/** IEC 61851-1 Annex A: what the voltage on the control pilot says of the vehicle. */
export type ControlPilotState =
  | 'A' // no vehicle
  | 'B' // vehicle connected, not ready
  | 'C' // vehicle ready, charging
  | 'D' // vehicle ready, charging, ventilation required
  | 'E' // fault: no power on the pilot
  | 'F'; // EVSE not available

/** One place to charge (OCPP 2.x: EVSE). Events come in the order in which the pilot changed. */
export interface Evse {
  readonly id: string;
  readonly controlPilotState: ControlPilotState;
  /** Calls back on every change; returns the function that ends it. */
  onControlPilotState(listener: (state: ControlPilotState, atMonoMs: number) => void): () => void;
}
