import { isSignedBy } from '../identity/index.ts';
import { COMMANDS, type Command, type CommandName } from './command-catalogue.ts';
import { readCommand, type UnverifiedCommand } from './command-envelope.ts';
import { commandName, isCommandName, parseCommand, shown } from './command-parameters.ts';
import { RemoteError, type RemoteErrorCode } from './errors.ts';
import type { Operator } from './operators.ts';
import type { ResponseError } from './response.ts';

/** A command that is valid for longer could be kept back, and let loose when nobody thinks of it any more. */
export const MAX_VALIDITY_MS = 600_000;

/** What the station knows when a command comes. */
export interface CommandFacts {
  /** Milliseconds since 1970, by the wall clock. */
  readonly wallTimeMs: number;
  /** What that is worth, in OCMF's letters. */
  readonly clockStatus: 'U' | 'I' | 'S' | 'R';
  /** The broker had it lying there. Default: false. */
  readonly isRetained?: boolean;
}

/** What a command is held against. */
export interface CommandLaw {
  /** `station.name`. */
  readonly station: string;
  readonly operators: readonly Operator[];
  /** 32 hexadecimal digits: the one that stands in `status`. */
  readonly challenge: string;
  /** Nonces of the commands that were accepted under this challenge, hexadecimal. */
  readonly usedNonces: ReadonlySet<string>;
}

export interface AcceptedCommand {
  readonly verdict: 'accepted';
  readonly command: Command;
  readonly operator: Operator;
  /** 32 hexadecimal digits; names the request in every answer. */
  readonly nonce: string;
  /** False: the clock's worth is unknown, and the challenge alone said that it is fresh (part 0 says so: `expiry`). */
  readonly isExpiryJudged: boolean;
}

export interface RefusedCommand {
  readonly verdict: 'refused';
  readonly code: RemoteErrorCode;
  /** What whoever asked is told, where they are. */
  readonly error: ResponseError;
  /** False: no known key signed it, so an answer would let a stranger make the station publish. */
  readonly isAnswered: boolean;
  /** What it claims to be, where that is a command at all; otherwise empty. */
  readonly command: CommandName | '';
  /** Name of the key, where a known one signed it. */
  readonly operator?: string;
  /** 32 hexadecimal digits; null: it could not be read. */
  readonly nonce: string | null;
}

/** Is this command to be obeyed? The order of the checks is that of docs/remote-commands.md: no later one is made for a stranger. */
export function judgeCommand(
  bytes: Uint8Array,
  facts: CommandFacts,
  law: CommandLaw,
): AcceptedCommand | RefusedCommand {
  let read: UnverifiedCommand | undefined;
  let operator: Operator | undefined;
  try {
    read = readCommand(bytes);
    operator = signerOf(read, law.operators);
    const nonce = hex(read.nonce);
    checkPlaceAndFreshness(read, facts, law);
    const isExpiryJudged = checkExpiry(read, facts);
    if (law.usedNonces.has(nonce)) throw refusal('remote.replayed', 'this command was carried out before');
    checkPermission(commandName(read.name), operator);
    const command = parseCommand(read.name, read.parameters);
    return { verdict: 'accepted', command, operator, nonce, isExpiryJudged };
  } catch (error) {
    if (!(error instanceof RemoteError)) throw error;
    return refused(error, read, operator, facts, law);
  }
}

function signerOf({ envelope }: UnverifiedCommand, operators: readonly Operator[]): Operator {
  const keyId = hex(envelope.keyId);
  const operator = operators.find((one) => one.keyId === keyId);
  if (operator === undefined)
    throw refusal('remote.unknown_key', `key ${keyId} is not one of telemetry.operators`);
  if (!isSignedBy(envelope, operator.publicKey))
    throw refusal('remote.bad_signature', `it is not signed with the key of ${operator.name}, as it says`);
  return operator;
}

function checkPlaceAndFreshness(
  read: UnverifiedCommand,
  { isRetained }: CommandFacts,
  law: CommandLaw,
): void {
  if (read.station !== law.station)
    throw refusal(
      'remote.other_station',
      `it is for ${shown(read.station)}, and this is ${shown(law.station)}`,
    );
  if (isRetained === true)
    throw refusal('remote.stale', 'it lay at the broker', 'Publish commands without the retain flag.');
  if (hex(read.challenge) !== law.challenge)
    throw refusal(
      'remote.stale',
      "its challenge is not the station's",
      'Read challenge in the retained document status, and sign anew; it changes when the service starts.',
    );
}

/** False: there is no clock to judge it by. */
function checkExpiry({ notAfterMs }: UnverifiedCommand, { wallTimeMs, clockStatus }: CommandFacts): boolean {
  if (clockStatus === 'U') return false;
  const leftMs = notAfterMs - wallTimeMs;
  const hint = 'Sign anew, relative to stationTimeMs in this answer: one of the two clocks is wrong.';
  if (leftMs < 0)
    throw refusal('remote.expired', `by the station's clock it was valid until ${-leftMs} ms ago`, hint);
  if (leftMs > MAX_VALIDITY_MS)
    throw refusal(
      'remote.expired',
      `by the station's clock it would be valid for ${leftMs} ms, and ${MAX_VALIDITY_MS} is the most`,
      hint,
    );
  return true;
}

function checkPermission(name: CommandName, { may, name: who }: Operator): void {
  if (COMMANDS[name] === 'act' && may !== 'act')
    throw refusal(
      'remote.not_allowed',
      `${name} needs a key that may act, and that of ${who} may only read`,
      'telemetry.operators in the configuration of the station says what a key may (may: act).',
    );
}

function refused(
  error: RemoteError,
  read: UnverifiedCommand | undefined,
  operator: Operator | undefined,
  { wallTimeMs }: CommandFacts,
  { challenge }: CommandLaw,
): RefusedCommand {
  const { code, message, hint } = error;
  return {
    ...{ verdict: 'refused', code, isAnswered: operator !== undefined },
    error: {
      ...{ code, message, hint: hint ?? null },
      ...(code === 'remote.expired' && { stationTimeMs: Math.floor(wallTimeMs) }),
      ...(code === 'remote.stale' && { challenge }),
    },
    command: read !== undefined && isCommandName(read.name) ? read.name : '',
    ...(operator !== undefined && { operator: operator.name }),
    nonce: read === undefined ? null : hex(read.nonce),
  };
}

function refusal(code: RemoteErrorCode, message: string, hint?: string): RemoteError {
  return new RemoteError(code, message, hint === undefined ? {} : { hint });
}

function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('hex');
}
