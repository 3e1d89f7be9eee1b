import { StationError, type StationErrorOptions } from '../../hal/contract/index.ts';

/** Why the chain, or the gateway to it, could not do what was asked; each is listed in docs/errors.md. */
export const CHAIN_ERROR_CODES = [
  'chain.gateway_start_failed',
  'chain.gateway_exited',
  'chain.gateway_silent',
  'chain.gateway_too_big',
  'chain.protocol',
  'chain.timeout',
  'chain.unreachable',
  'chain.spec_unreadable',
  'chain.boot_node_invalid',
  'chain.clock_wrong',
  'chain.wrong_chain',
  'chain.call_missing',
  'chain.call_mismatch',
  'chain.unsupported',
  'chain.refused',
  'chain.bad_answer',
  'chain.not_connected',
] as const;
export type ChainErrorCode = (typeof CHAIN_ERROR_CODES)[number];

export class ChainError extends StationError {
  declare readonly code: ChainErrorCode;
  constructor(code: ChainErrorCode, message: string, options: Partial<StationErrorOptions> = {}) {
    super(code, message, { remedy: 'retry', ...options });
  }
}
