import { unreachable } from '../../../hal/contract/index.ts';
import type { ClockStatus, NoteKey } from '../../journal/index.ts';
import { envelopeKeyId, isSignedBy } from '../../identity/index.ts';
import type { ProvisioningErrorCode } from '../errors.ts';
import { ANY_STATION, type ReadConfiguration } from './signed-configuration.ts';

// Decides whether a signed configuration may come into force. No I/O, no clock.

/** What a station knows when one arrives, or is looked at again at a start. */
export interface AdmissionFacts {
  readonly oemKeys: readonly NoteKey[];
  readonly stationName: string;
  /** The keys of the station's log, hexadecimal: one that was rotated still names it. */
  readonly publicKeys: readonly string[];
}

export interface ArrivalFacts extends AdmissionFacts {
  /** The highest that was ever accepted here; 0: none was. */
  readonly highestSequence: number;
  /** Ids (`ReadConfiguration.id`) of the one in force and the one that was tried last and failed. */
  readonly presentId: string | null;
  readonly failedId: string | null;
  readonly wallTimeMs: number;
  readonly clockStatus: ClockStatus;
}

/** `name` and key id in hexadecimal of the OEM's key. */
export type SignedBy = string;

export type Refusal = {
  readonly verdict: 'refused';
  readonly code: ProvisioningErrorCode;
  readonly why: string;
};
export type Admission = { readonly verdict: 'admitted'; readonly signedBy: SignedBy } | Refusal;
export type Arrival =
  | { readonly verdict: 'new'; readonly signedBy: SignedBy }
  /** It is in force already: nothing is to be done, and nothing is wrong. */
  | { readonly verdict: 'present'; readonly signedBy: SignedBy }
  | Refusal;

/** Whether the OEM signed it, for this station. The rest of an arrival's questions are not asked again at each start. */
export function admit(configuration: ReadConfiguration, facts: AdmissionFacts): Admission {
  const { content, envelope } = configuration;
  const named = facts.oemKeys.filter(({ publicKey }) => same(envelopeKeyId(publicKey), envelope.keyId));
  if (named.length === 0)
    return refused(
      'provisioning.config_unknown_key',
      `it is signed by key ${hex(envelope.keyId)}, which is none of the ${facts.oemKeys.length} that are believed here`,
    );
  const key = named.find(({ publicKey }) => isSignedBy(envelope, publicKey));
  if (key === undefined) return refused('provisioning.config_bad_signature', 'its signature is wrong');
  const isForUs =
    content.station === ANY_STATION ||
    content.station === facts.stationName ||
    facts.publicKeys.includes(content.station.toLowerCase());
  if (!isForUs)
    return refused(
      'provisioning.config_other_station',
      `it is for ${content.station}, this is ${facts.stationName}`,
    );
  return { verdict: 'admitted', signedBy: `${key.keyName}+${hex(envelope.keyId)}` };
}

/** Whether one that was brought to the station is to be tried. */
export function judgeArrival(configuration: ReadConfiguration, facts: ArrivalFacts): Arrival {
  const admission = admit(configuration, facts);
  if (admission.verdict === 'refused') return admission;
  const { content, id } = configuration;
  if (id === facts.presentId) return { verdict: 'present', signedBy: admission.signedBy };
  if (id === facts.failedId)
    return refused(
      'provisioning.config_failed_before',
      `number ${content.sequence} was tried here and the station did not get well with it; sign it anew to try again`,
    );
  if (content.sequence <= facts.highestSequence)
    return refused(
      'provisioning.config_replayed',
      `its number is ${content.sequence}, and ${facts.highestSequence} was accepted before`,
    );
  return outOfTime(configuration, facts) ?? { verdict: 'new', signedBy: admission.signedBy };
}

/** The window limits how long a file may lie about before it is brought; what nobody vouches for judges nothing. */
function outOfTime({ content }: ReadConfiguration, facts: ArrivalFacts): Refusal | undefined {
  if (!isTrusted(facts.clockStatus)) return undefined;
  const { notBeforeMs, notAfterMs } = content;
  if (notBeforeMs !== undefined && facts.wallTimeMs < notBeforeMs)
    return refused('provisioning.config_not_yet', `it is valid from ${iso(notBeforeMs)} on`);
  if (notAfterMs !== undefined && facts.wallTimeMs > notAfterMs)
    return refused('provisioning.config_expired', `it was valid until ${iso(notAfterMs)}`);
  return undefined;
}

function isTrusted(status: ClockStatus): boolean {
  switch (status) {
    case 'S':
      return true;
    case 'U':
    case 'I':
    case 'R':
      return false;
    default:
      return unreachable(status);
  }
}

function refused(code: ProvisioningErrorCode, why: string): Refusal {
  return { verdict: 'refused', code, why };
}

function iso(timeMs: number): string {
  const date = new Date(timeMs);
  return Number.isNaN(date.getTime()) ? `${timeMs} ms` : date.toISOString();
}

function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('hex');
}

function same(a: Uint8Array, b: Uint8Array): boolean {
  return Buffer.compare(a, b) === 0;
}
