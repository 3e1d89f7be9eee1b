import { createHash } from 'node:crypto';
import { readEnvelope, sealEnvelope, type Envelope, type EnvelopeKey } from '../../identity/index.ts';
import { ProvisioningError } from '../errors.ts';

export const CONFIGURATION_CONTENT_TYPE = 'application/vnd.delmonicos.config+cbor';
/**
 * Largest signed configuration, in bytes: one of forty meters has 8 KiB, and whatever is larger costs memory and time before
 * its signature is known.
 */
export const MAX_CONFIGURATION_BYTES = 64 * 1024;
/** For every station of whoever holds the key. */
export const ANY_STATION = '*';

const KEY = { station: 1, sequence: 2, yaml: 3, notBefore: 4, notAfter: 5 } as const;

/** What the OEM signs (docs/formats.cddl, signed-configuration). */
export interface SignedConfiguration {
  /** Which station it is for: its name, its ed25519 public key in 64 hexadecimal digits, or `*`. */
  readonly station: string;
  /** From 1; a station never goes back to a lower one. */
  readonly sequence: number;
  /** A station.yaml. */
  readonly yaml: string;
  /** In which time it may be brought to a station, in ms since 1970 UTC. */
  readonly notBeforeMs?: number;
  readonly notAfterMs?: number;
}

/** One that is read, and not believed yet. */
export interface ReadConfiguration {
  readonly content: SignedConfiguration;
  readonly envelope: Envelope;
  /** SHA-256 of the whole file, hexadecimal: names it. */
  readonly id: string;
}

/** @throws ProvisioningError `provisioning.config_malformed`, `provisioning.config_too_large` */
export function signConfiguration(content: SignedConfiguration, key: EnvelopeKey): Uint8Array {
  const { station, sequence, yaml, notBeforeMs, notAfterMs } = content;
  const bytes = sealEnvelope(
    CONFIGURATION_CONTENT_TYPE,
    new Map<number, string | number>([
      [KEY.station, station],
      [KEY.sequence, sequence],
      [KEY.yaml, yaml],
      ...(notBeforeMs === undefined ? [] : [[KEY.notBefore, notBeforeMs] as const]),
      ...(notAfterMs === undefined ? [] : [[KEY.notAfter, notAfterMs] as const]),
    ]),
    key,
  );
  readConfiguration(bytes); // what no station would read is not written
  return bytes;
}

/**
 * Reads a signed configuration without believing it.
 * @throws ProvisioningError `provisioning.config_malformed`, `provisioning.config_too_large`
 */
export function readConfiguration(bytes: Uint8Array): ReadConfiguration {
  if (bytes.length > MAX_CONFIGURATION_BYTES)
    throw new ProvisioningError(
      'provisioning.config_too_large',
      `a signed configuration has at most ${MAX_CONFIGURATION_BYTES} bytes`,
    );
  try {
    const envelope = readEnvelope(bytes);
    if (envelope.contentType !== CONFIGURATION_CONTENT_TYPE)
      throw new TypeError('it is signed as something else than a configuration');
    return { content: contentOf(envelope), envelope, id: sha256(bytes) };
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new ProvisioningError('provisioning.config_malformed', `no signed configuration: ${why}`, {
      cause,
    });
  }
}

/** As far as it can be read; 0: there is none. */
export function sequenceOf(bytes: Uint8Array | undefined): number {
  if (bytes === undefined) return 0;
  try {
    return readConfiguration(bytes).content.sequence;
  } catch {
    return 0;
  }
}

function contentOf({ payload }: Envelope): SignedConfiguration {
  const known = new Set<number>(Object.values(KEY));
  for (const key of payload.keys())
    if (!known.has(key)) throw new TypeError(`its payload has the unknown key ${key}`);
  const time = (key: number, name: string): Record<string, number> => {
    const value = payload.get(key);
    if (value === undefined) return {};
    if (typeof value !== 'number' || value < 0) throw new TypeError(`its ${name} is no time`);
    return { [name]: value };
  };
  const [station, sequence, yaml] = [KEY.station, KEY.sequence, KEY.yaml].map((key) => payload.get(key));
  if (typeof station !== 'string' || !/^([A-Za-z0-9][A-Za-z0-9_.-]{0,63}|\*)$/.test(station))
    throw new TypeError('it names no station');
  if (typeof sequence !== 'number' || sequence < 1) throw new TypeError('it has no sequence number from 1');
  if (typeof yaml !== 'string') throw new TypeError('it has no configuration');
  return {
    ...{ station, sequence, yaml },
    ...time(KEY.notBefore, 'notBeforeMs'),
    ...time(KEY.notAfter, 'notAfterMs'),
  };
}

export function sha256(bytes: Uint8Array | string): string {
  return createHash('sha256').update(bytes).digest('hex');
}
