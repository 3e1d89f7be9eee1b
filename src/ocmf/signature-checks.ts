import { fail, Tally, type OcmfFinding } from './check.ts';
import { isPoint, verifyEcdsa } from './ecdsa.ts';
import { OcmfError } from './errors.ts';
import { isSameKey, parsePublicKey, type PublicKey } from './public-key.ts';
import type { FoundRecord } from './read-ocmf.ts';
import { signaturesOf } from './record-signature.ts';
import { DEFAULT_ALGORITHM, parseAlgorithm, type SignatureAlgorithm } from './signature-algorithm.ts';

export interface SignatureFindings {
  readonly 'signature-algorithm': OcmfFinding;
  readonly 'public-key': OcmfFinding;
  readonly signature: OcmfFinding;
  readonly 'same-key': OcmfFinding;
}

/** Says which record a finding is about, where there is more than one. */
export type NameRecord = (index: number) => string;

interface Tallies {
  readonly algorithm: Tally;
  readonly key: Tally;
  readonly signature: Tally;
}

/**
 * @param given for each record the key that whoever asks knows to be its maker's; without it, the key that came with a record is
 *   used, which shows that nothing was changed since, and not who made the record; an error where what was given is no key
 */
export function checkSignatures(
  found: readonly FoundRecord[],
  given: readonly PublicKey[] | OcmfError | undefined,
  nameOf: NameRecord,
): SignatureFindings {
  if (given instanceof OcmfError) return checkSignaturesWithoutKey(found, given, nameOf);
  const trusted = given;
  const tallies = { algorithm: new Tally(), key: new Tally(), signature: new Tally() };
  const departures: string[] = [];
  const brought = found.map((one, index) =>
    broughtKey(one, trusted === undefined, nameOf(index), tallies.key),
  );
  for (const [index, one] of found.entries()) {
    const where = nameOf(index);
    const key = trusted === undefined ? brought[index] : trusted[index];
    const algorithm = algorithmOf(one, key, where, tallies.algorithm, departures);
    if (key === undefined && one.publicKey === undefined) {
      tallies.key.unknown(`${where}no key was given, and none came with the record`);
    }
    checkOne(one, { key, algorithm, where }, tallies, departures);
  }
  if (trusted === undefined && brought.some((key) => key !== undefined)) {
    tallies.key.unknown('the key came with the record: nobody vouches for it');
  }
  const noted = departures.length === 0 ? '' : ` (${[...new Set(departures)].join('; ')})`;
  return {
    'signature-algorithm': tallies.algorithm.finding(`known${noted}`),
    'public-key': tallies.key.finding('the key that was given'),
    signature: tallies.signature.finding(`${found.length} of ${found.length} verify`),
    'same-key': sameKey(brought, trusted, nameOf),
  };
}

/** Another key than the one that was meant must not take its place. */
function checkSignaturesWithoutKey(
  found: readonly FoundRecord[],
  unusable: OcmfError,
  nameOf: NameRecord,
): SignatureFindings {
  const bare = found.map((one) => ({ ...one, publicKey: undefined }));
  return { ...checkSignatures(bare, undefined, nameOf), 'public-key': fail(unusable.message) };
}

function broughtKey(
  { publicKey }: FoundRecord,
  isNeeded: boolean,
  where: string,
  tally: Tally,
): PublicKey | undefined {
  if (publicKey === undefined) return undefined;
  try {
    return parsePublicKey(publicKey);
  } catch (error) {
    if (!(error instanceof OcmfError)) throw error;
    if (isNeeded) tally.wrong(`${where}${error.message}`);
    return undefined;
  }
}

/** "If it is omitted, the default value is effective" (table 8); a key that names its curve knows better. */
function algorithmOf(
  { record }: FoundRecord,
  key: PublicKey | undefined,
  where: string,
  tally: Tally,
  departures: string[],
): SignatureAlgorithm | undefined {
  const name = record.signature.algorithm;
  if (name === undefined) {
    if (key?.curve === undefined || key.curve === DEFAULT_ALGORITHM.curve) return DEFAULT_ALGORITHM;
    departures.push('SA is missing and its default is not the curve of the key');
    return { ...DEFAULT_ALGORITHM, curve: key.curve };
  }
  const parsed = parseAlgorithm(name);
  if (parsed === undefined) {
    tally.wrong(`${where}SA names no algorithm of OCMF: ${JSON.stringify(name.slice(0, 60))}`);
    return undefined;
  }
  if (parsed.departs) departures.push(`SA is not in table 22: ${name}`);
  return parsed.algorithm;
}

function checkOne(
  { record }: FoundRecord,
  context: {
    readonly key: PublicKey | undefined;
    readonly algorithm: SignatureAlgorithm | undefined;
    readonly where: string;
  },
  { key: keys, signature: signatures }: Tallies,
  departures: string[],
): void {
  const { key, algorithm, where } = context;
  if (algorithm === undefined) return signatures.unknown(`${where}the algorithm is not known`);
  if (key === undefined) return signatures.unknown(`${where}there is no key to check it with`);
  const { curve } = algorithm;
  if ((key.curve ?? curve) !== curve || !isPoint(curve, key.point)) {
    keys.wrong(`${where}the key is none of ${curve}, with which the record says it was signed`);
    return signatures.unknown(`${where}the key does not fit the algorithm`);
  }
  const candidates = signaturesOf(record.signature, curve);
  if (candidates.length === 0) return signatures.wrong(`${where}SD is no signature of ${curve}`);
  const good = candidates.find(({ signature }) =>
    verifyEcdsa(algorithm, record.signedBytes, signature, key.point),
  );
  if (good === undefined) return signatures.wrong(`${where}it is not the key's signature of this payload`);
  if (good.departs !== undefined) departures.push(good.departs);
}

function sameKey(
  brought: readonly (PublicKey | undefined)[],
  trusted: readonly PublicKey[] | undefined,
  nameOf: NameRecord,
): OcmfFinding {
  const tally = new Tally();
  const present = brought.flatMap((key, index) => (key === undefined ? [] : [{ key, index }]));
  for (const { key, index } of present) {
    const reference = trusted === undefined ? present[0]?.key : trusted[index];
    if (reference !== undefined && !isSameKey(key, reference)) {
      tally.wrong(`${nameOf(index)}another key came with it`);
    }
  }
  if (trusted !== undefined) return tally.finding('no other key than the one that was given');
  if (present.length === 0) return tally.finding('no key came with the records');
  return tally.finding(brought.length === 1 ? 'one record' : 'one key for all');
}
