import type { RecoveryProgress } from '../../journal/index.ts';

/**
 * How far a start or a stop has come, for whoever supervises it. `reading`: the journal is open and meters are being read. A
 * recovery tells its progress often, in the middle of its work.
 */
export type StationPhase =
  | { readonly phase: 'configuration' | 'clock' | 'keys' | 'journal' | 'reading' }
  | { readonly phase: 'recovery'; readonly progress: RecoveryProgress }
  /** One step of the stop begins, which takes `atMostMs`. */
  | { readonly phase: 'stop'; readonly what: string; readonly atMostMs: number };

/** Must be quick, and must not throw. */
export type OnStationPhase = (phase: StationPhase) => void;
