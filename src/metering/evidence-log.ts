import type { MeterSample } from '../../hal/contract/index.ts';

/** What metering has to say besides readings; each is committed at once, before anything else happens on account of it. */
export type MeteringRecord =
  | {
      readonly kind: 'fault';
      readonly code: string;
      readonly state: 'raised' | 'cleared';
      /** Id of the meter concerned. */
      readonly subject: string;
    }
  | { readonly kind: 'meter-swap'; readonly meterId: string; readonly before: string; readonly after: string }
  | { readonly kind: 'clock-step'; readonly stepMs: number };

/**
 * Where readings become evidence. Both resolve with the leaf index once the entry is on disk and reject with a
 * `StationError` when it is not; calls keep their order.
 */
export interface EvidenceLog {
  /** Committed with its group, some seconds later. */
  reading(sample: MeterSample): Promise<number>;
  /** Committed at once. */
  event(record: MeteringRecord): Promise<number>;
}
