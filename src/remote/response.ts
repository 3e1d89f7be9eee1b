/** One message of an answer: JSON, on `response/<client>` (docs/telemetry.md). A refusal, and an answer of one part, is the last. */
export type ResponsePart = {
  /** Nonce of the command, hexadecimal; null: it could not be read. */
  readonly request: string | null;
  /** From 0, without gaps. */
  readonly part: number;
  readonly last: boolean;
  /** In part 0: the worth of the station's clock is unknown, so that its challenge alone said that the command is fresh. */
  readonly expiry?: 'unjudged';
} & ({ readonly ok: true; readonly result: object } | { readonly ok: false; readonly error: ResponseError });

export interface ResponseError {
  /** One of docs/errors.md. */
  readonly code: string;
  readonly message: string;
  readonly hint: string | null;
  /** With `remote.expired`: the station's time, ms since 1970. Whoever signs relative to it is obeyed although a clock is wrong. */
  readonly stationTimeMs?: number;
  /** With `remote.stale`: the challenge that a command must carry now, 32 hexadecimal digits. */
  readonly challenge?: string;
}
