import type { CheckName } from './health-item.ts';

export interface FaultEntry {
  readonly check: CheckName;
  /**
   * `fault`: something that the station is there for does not work (reading, storing, anchoring, reporting) until somebody does
   * something. `warning`: it works, and is doubtful or will not for long.
   */
  readonly severity: 'warning' | 'fault';
  /** So long the condition must hold before it is raised, and be gone before it is cleared, in ms. */
  readonly raiseMs: number;
  readonly clearMs: number;
  /** Without the two times, which the catalogue's page adds. */
  readonly raisedWhen: string;
  readonly clearedWhen: string;
  readonly means: string;
  readonly advice: string;
  /**
   * Whether it is put on record as `fault` entries. `own room`: the room that finds it does so. `health`: raise and clear are
   * recorded when the list shows them, once an hour at most.
   */
  readonly onRecord: 'no' | 'own room' | 'health';
  /** Found by `delmonicos doctor` only, never by the running service. */
  readonly byDoctorOnly?: true;
}

export const SECOND = 1_000;
export const MINUTE = 60 * SECOND;
