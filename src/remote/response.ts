/** One message of an answer: JSON, on `response/<client>` (docs/telemetry.md). A refusal, and an answer of one part, is the last. */
export type ResponsePart = {
  /** Nonce of the command, hexadecimal; null: it could not be read. */
  readonly request: string | null;
  /** From 0, without gaps. */
  readonly part: number;
  readonly last: boolean;
} & ({ readonly ok: true; readonly result: object } | { readonly ok: false; readonly error: ResponseError });

export interface ResponseError {
  /** One of docs/errors.md. */
  readonly code: string;
  readonly message: string;
  readonly hint: string | null;
}
