import { StationError } from '../../hal/contract/index.ts';

export type ProofErrorCode =
  'chain.extrinsics_root_mismatch' | 'chain.extrinsic_missing' | 'chain.header_malformed';

/** What a node or a receipt gave cannot be proved, or is no block header. */
export class ProofError extends StationError {
  constructor(code: ProofErrorCode, message: string, details: Readonly<Record<string, unknown>> = {}) {
    super(code, message, { remedy: 'degrade', effect: 'none', details });
  }
}
