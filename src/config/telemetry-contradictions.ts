import { hash } from 'node:crypto';
import type { Locate, Problem } from '../../hal/strict-yaml/index.ts';
import { parseSizeBytes } from './quantity.ts';
import type { StationFile } from './schema.ts';

/** Less would not carry what a station says of itself once, and its meters a few times a day. */
const MIN_BYTES_PER_DAY = 64 * 1024;

/** What the keys of `telemetry` allow each by itself, and together do not. */
export function telemetryContradictions({ telemetry, control }: StationFile, locate: Locate): Problem[] {
  if (telemetry === undefined) return [];
  const { mqtt, prometheus } = telemetry;
  const problems: Problem[] = [];
  if (mqtt?.serverName !== undefined && mqtt.url.startsWith('mqtt://'))
    problems.push(
      locate(['telemetry', 'mqtt', 'serverName'], 'is for mqtts:// only: without TLS no name is checked'),
    );
  const { bytesPerDay = 'unlimited' } = mqtt ?? {};
  if (bytesPerDay !== 'unlimited' && parseSizeBytes(bytesPerDay) < MIN_BYTES_PER_DAY)
    problems.push(
      locate(
        ['telemetry', 'mqtt', 'bytesPerDay'],
        'must be at least 64KiB: with less a station could not even say how it is',
      ),
    );
  if (prometheus !== undefined && prometheus.socket === control?.socket)
    problems.push(locate(['telemetry', 'prometheus', 'socket'], 'is the control.socket already'));
  return [...problems, ...operatorContradictions(telemetry, locate)];
}

function operatorContradictions(
  { mqtt, operators = [] }: NonNullable<StationFile['telemetry']>,
  locate: Locate,
): Problem[] {
  if (operators.length > 0 && mqtt === undefined)
    return [locate(['telemetry', 'operators'], 'needs telemetry.mqtt: that is how commands come')];
  const names = operators.map(({ key }) => key.slice(0, key.indexOf('+')));
  const keys = operators.map(({ key }) => key.slice(key.lastIndexOf('+') + 1));
  return operators.flatMap(({ key }, i) => {
    const at = ['telemetry', 'operators', i, 'key'];
    const fault = verifierKeyFault(key);
    if (fault !== undefined) return [locate(at, fault)];
    if (names.indexOf(names[i] ?? '') < i)
      return [
        locate(at, `the name ${names[i]} is taken by an earlier key: the journal could not tell them apart`),
      ];
    return keys.indexOf(keys[i] ?? '') < i ? [locate(at, 'the same key is there already')] : [];
  });
}

/** Signature type byte of plain Ed25519 notes. */
const ED25519_TYPE = 1;
const TYPED_KEY_BYTES = 33;

/**
 * Why a text of the shape NAME+ID+KEY is no Ed25519 verifier key (C2SP signed-note); undefined: it is one. The journal's own
 * reader of such keys stands beside this room; a test holds the two against each other.
 */
export function verifierKeyFault(text: string): string | undefined {
  const [name = '', id = '', ...rest] = text.split('+');
  const encoded = rest.join('+');
  const typed = Buffer.from(encoded, 'base64');
  // NEL is a space to the specification of signed notes, and none to the pattern of the key in telemetry-schema.ts.
  if (name.includes('\u0085')) return 'has a space in its name';
  if (typed.toString('base64') !== encoded || typed.length !== TYPED_KEY_BYTES || typed[0] !== ED25519_TYPE)
    return 'is no Ed25519 verifier key; `delmonicos key operator` makes one';
  const expected = hash('sha256', Buffer.concat([Buffer.from(`${name}\n`), typed]), 'buffer');
  if (expected.subarray(0, 4).toString('hex') !== id)
    return 'is not a verifier key: its name, its id and its key do not belong together; was a part of it changed?';
  return undefined;
}
