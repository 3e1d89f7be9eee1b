import { readEnvelope, sealEnvelope, type Envelope, type EnvelopeKey } from '../identity/index.ts';
import { RemoteError } from './errors.ts';

export const COMMAND_CONTENT_TYPE = 'application/vnd.delmonicos.command+cbor';
/** Bounds what an unknown sender can make a station decode. */
export const MAX_COMMAND_BYTES = 4_096;
export const CHALLENGE_BYTES = 16;
export const NONCE_BYTES = 16;

/** Payload keys (docs/formats.cddl: command-payload). */
const KEY = { station: 1, challenge: 2, nonce: 3, notAfter: 4, command: 5, parameters: 6 } as const;
const KEYS = Object.values(KEY).length;

export interface CommandToSign {
  /** `station.name`, as its topics carry it. */
  readonly station: string;
  /** 16 bytes, as they stand in the station's `status`. */
  readonly challenge: Uint8Array;
  /** 16 random bytes, used for this one command only. */
  readonly nonce: Uint8Array;
  /** Milliseconds since 1970; the station does not obey after it, nor accepts one more than ten minutes ahead of its own time. */
  readonly notAfterMs: number;
  readonly command: string;
  readonly parameters: object;
}

/** A command that is read, and not believed yet. */
export interface UnverifiedCommand {
  readonly envelope: Envelope;
  readonly station: string;
  readonly challenge: Uint8Array;
  readonly nonce: Uint8Array;
  readonly notAfterMs: number;
  /** As it stands there: it may be no command at all. */
  readonly name: string;
  /** As it stands there: a text that should be a JSON object. */
  readonly parameters: string;
}

/**
 * The operator's side: a command as it is published on `request`.
 * @throws RemoteError `remote.malformed` when a part does not fit the format, or the whole is larger than MAX_COMMAND_BYTES
 */
export function signCommand(order: CommandToSign, key: EnvelopeKey): Uint8Array {
  const { station, challenge, nonce, notAfterMs, command, parameters } = order;
  const payload = new Map<number, string | number | Uint8Array>([
    [KEY.station, station],
    [KEY.challenge, challenge],
    [KEY.nonce, nonce],
    [KEY.notAfter, notAfterMs],
    [KEY.command, command],
    [KEY.parameters, JSON.stringify(parameters)],
  ]);
  const bytes = sealEnvelope(COMMAND_CONTENT_TYPE, payload, key);
  readCommand(bytes);
  return bytes;
}

/**
 * Accepts exactly what `signCommand` writes: any other encoding of the same content is refused. Nothing is believed yet.
 * @throws RemoteError `remote.malformed`
 */
export function readCommand(bytes: Uint8Array): UnverifiedCommand {
  if (bytes.length > MAX_COMMAND_BYTES) throw malformed(`it is larger than ${MAX_COMMAND_BYTES} bytes`);
  const envelope = opened(bytes);
  if (envelope.contentType !== COMMAND_CONTENT_TYPE)
    throw malformed(`its content type is not ${COMMAND_CONTENT_TYPE}`);
  const { payload } = envelope;
  if (payload.size !== KEYS) throw malformed(`its payload does not have the keys 1 to ${KEYS} and no other`);
  const notAfterMs = payload.get(KEY.notAfter);
  if (typeof notAfterMs !== 'number' || notAfterMs < 0)
    throw malformed(`its key ${KEY.notAfter} is no unsigned integer`);
  return {
    envelope,
    station: text(payload.get(KEY.station), KEY.station),
    challenge: bytesOf(payload.get(KEY.challenge), KEY.challenge, CHALLENGE_BYTES),
    nonce: bytesOf(payload.get(KEY.nonce), KEY.nonce, NONCE_BYTES),
    notAfterMs,
    name: text(payload.get(KEY.command), KEY.command),
    parameters: text(payload.get(KEY.parameters), KEY.parameters),
  };
}

function opened(bytes: Uint8Array): Envelope {
  try {
    return readEnvelope(bytes);
  } catch (cause) {
    throw malformed(cause instanceof Error ? cause.message : String(cause), cause);
  }
}

function text(value: unknown, key: number): string {
  if (typeof value !== 'string') throw malformed(`its key ${key} is no text`);
  return value;
}

/** A copy: what was decoded is a part of a larger buffer. */
function bytesOf(value: unknown, key: number, length: number): Uint8Array {
  if (!(value instanceof Uint8Array) || value.length !== length)
    throw malformed(`its key ${key} is not ${length} bytes`);
  return Uint8Array.from(value);
}

function malformed(why: string, cause?: unknown): RemoteError {
  return new RemoteError('remote.malformed', `it is no command: ${why}`, { cause });
}
