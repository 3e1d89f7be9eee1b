import type { IdentificationType, ReadingReason } from '../ocmf/index.ts';
import { SessionError } from './errors.ts';

/** Who charges, as the charging software knows it; written into the OCMF record, and so into the log. */
export interface IdToken {
  /** OCMF, table 17; neither NONE nor DENIED. */
  readonly type: IdentificationType;
  readonly data: string;
}

export interface BeginRequest {
  readonly sessionId: string;
  readonly evseId: string;
  readonly meterId: string;
  readonly idToken?: IdToken;
}

/** Why a session ends: OCMF's TX letters E, L, R, A, P. */
export const END_REASONS = {
  ended: 'E',
  local: 'L',
  remote: 'R',
  aborted: 'A',
  'power-failure': 'P',
} as const satisfies Record<string, ReadingReason>;
export type EndReason = keyof typeof END_REASONS;

export interface EndRequest {
  readonly sessionId: string;
  readonly reason?: EndReason;
}

export type SessionRequest =
  | ({ readonly session: 'begin' } & BeginRequest)
  | ({ readonly session: 'end' } & EndRequest)
  | { readonly session: 'status'; readonly sessionId?: string };

/** Without NONE and DENIED, which say that nobody is assigned: then there is no token. */
const ID_TYPES: readonly IdentificationType[] = [
  ...(['UNDEFINED', 'ISO14443', 'ISO15693', 'EMAID', 'EVCCID', 'EVCOID'] as const),
  ...(['ISO7812', 'CARD_TXN_NR', 'CENTRAL', 'CENTRAL_1', 'CENTRAL_2', 'LOCAL', 'LOCAL_1'] as const),
  ...(['LOCAL_2', 'PHONE_NUMBER', 'KEY_CODE'] as const),
];
/** With all of these at their longest an OCMF record still fits the 1,875 bytes of OCPP 2.0.1. */
const MAX_ID = 64;
const MAX_TOKEN = 128;

const KEYS: Readonly<Record<string, readonly string[]>> = {
  begin: ['session', 'sessionId', 'evseId', 'meterId', 'idToken'],
  end: ['session', 'sessionId', 'reason'],
  status: ['session', 'sessionId'],
};

/**
 * One request of the charging software, as it came over the socket. Unknown keys are refused: a misspelt `idToken` must not become
 * a session of nobody.
 * @throws SessionError `session.bad_request`
 */
export function parseSessionRequest(value: unknown): SessionRequest {
  const given = fieldsOf(value, 'the request');
  const { session } = given;
  if (typeof session !== 'string' || !Object.hasOwn(KEYS, session)) {
    throw bad('`session` is begin, end or status');
  }
  const unknown = Object.keys(given).find((key) => !KEYS[session]?.includes(key));
  if (unknown !== undefined) throw bad(`\`${session}\` has no key \`${unknown}\``);
  if (session === 'status') {
    return given['sessionId'] === undefined ? { session } : { session, sessionId: idOf(given, 'sessionId') };
  }
  const sessionId = idOf(given, 'sessionId');
  if (session === 'end') {
    const reason = reasonOf(given['reason']);
    return { session, sessionId, ...(reason && { reason }) };
  }
  const idToken = idTokenOf(given['idToken']);
  return {
    ...{ session: 'begin', sessionId, evseId: idOf(given, 'evseId'), meterId: idOf(given, 'meterId') },
    ...(idToken && { idToken }),
  };
}

function idOf(given: Readonly<Record<string, unknown>>, name: string): string {
  return textOf(given[name], name, MAX_ID);
}

function textOf(value: unknown, name: string, max: number): string {
  if (typeof value !== 'string') throw bad(`\`${name}\` must be text`);
  // Printable ASCII: what every reader of an OCMF record shows alike.
  if (value.length === 0 || value.length > max || !/^[\x21-\x7e]([\x20-\x7e]*[\x21-\x7e])?$/.test(value)) {
    throw bad(`\`${name}\` must be 1 to ${max} printable ASCII characters`);
  }
  return value;
}

function idTokenOf(value: unknown): IdToken | undefined {
  if (value === undefined) return undefined;
  const { type, data, ...others } = fieldsOf(value, '`idToken`');
  const [unknown] = Object.keys(others);
  if (unknown !== undefined) throw bad(`\`idToken\` has no key \`${unknown}\``);
  const known = ID_TYPES.find((one) => one === type);
  if (known === undefined) throw bad(`\`idToken.type\` is one of ${ID_TYPES.join(', ')}`);
  return { type: known, data: textOf(data, 'idToken.data', MAX_TOKEN) };
}

function reasonOf(value: unknown): EndReason | undefined {
  if (value === undefined) return undefined;
  if (typeof value === 'string' && Object.hasOwn(END_REASONS, value)) return value as EndReason;
  throw bad(`\`reason\` is one of ${Object.keys(END_REASONS).join(', ')}`);
}

function fieldsOf(value: unknown, what: string): Readonly<Record<string, unknown>> {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw bad(`${what} must be a JSON object`);
  }
  return value as Record<string, unknown>;
}

function bad(message: string): SessionError {
  return new SessionError('session.bad_request', message);
}
