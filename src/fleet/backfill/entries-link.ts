import type { CreditMessage, EntriesParameters, ResponsePart } from '../../remote/index.ts';

/** What comes of a transfer, in whatever order the broker delivers it; nobody is believed for having got it through. */
export interface EntriesHeard {
  /** A part of the answer to the command, as it was parsed. */
  part(part: ResponsePart): void;
  /** A message on `entries/<request>/<index>`. */
  chunk(index: number, payload: Uint8Array): void;
  /** The session with the broker ended: what was on its way may be lost. */
  broken(): void;
}

export interface EntriesRequest {
  /** Nonce of the command, hexadecimal. */
  readonly request: string;
  /** Publishes more credit on `credit`. Must not throw; what does not arrive shows by silence. */
  credit(message: CreditMessage): void;
  /** Ends the subscriptions. Never rejects. */
  end(): Promise<void>;
}

/** The way to one station, as a transfer of entries needs it. */
export interface EntriesLink {
  /**
   * Signs the command `journal entries` and sends it, after subscribing to its answer and to `entries/<nonce>/+`. Waits for a
   * session with the broker when there is none. Rejects with a FleetError when it cannot be sent.
   */
  open(parameters: EntriesParameters, heard: EntriesHeard): Promise<EntriesRequest>;
}
