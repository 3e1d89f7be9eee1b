/**
 * - `devnet.bad_input`: an option, a hex string or an encoded message that cannot be used
 * - `devnet.unsupported`: a message of a protocol in a form this network does not speak
 * - `devnet.runtime_failed`: the runtime panicked or refused a block
 * - `devnet.unknown_block`: no such block on this chain
 * - `devnet.state_pruned`: the block is known, its state is no longer kept
 * - `devnet.not_running`: the process that serves the network has ended, or did not come up
 */
export type DevnetErrorCode =
  | 'devnet.bad_input'
  | 'devnet.unsupported'
  | 'devnet.runtime_failed'
  | 'devnet.unknown_block'
  | 'devnet.state_pruned'
  | 'devnet.not_running';

/** Everything that this network throws. Decide on `code`; the message is for people. */
export class DevnetError extends Error {
  readonly code: DevnetErrorCode;

  constructor(code: DevnetErrorCode, message: string, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause });
    this.name = 'DevnetError';
    this.code = code;
  }
}

/** The message of whatever was thrown. */
export function messageOf(thrown: unknown): string {
  return thrown instanceof Error ? thrown.message : String(thrown);
}
