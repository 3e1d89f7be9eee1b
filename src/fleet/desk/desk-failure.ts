import type { Effect } from '../../../hal/contract/index.ts';
import type { TelemetryError } from '../../telemetry/index.ts';
import { FleetError, type FleetErrorCode } from '../errors.ts';

/** OpenSSL's words for a chain that does not end at a CA we trust (node:tls, "X509 certificate error codes"). */
const NOT_TRUSTED = new Set([
  'SELF_SIGNED_CERT_IN_CHAIN',
  'DEPTH_ZERO_SELF_SIGNED_CERT',
  'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
  'UNABLE_TO_GET_ISSUER_CERT',
  'UNABLE_TO_GET_ISSUER_CERT_LOCALLY',
  'CERT_UNTRUSTED',
  'CERT_SIGNATURE_FAILURE',
]);
const OUT_OF_DATE = new Set(['CERT_HAS_EXPIRED', 'CERT_NOT_YET_VALID']);
const NAME_NOT_FOUND = new Set(['ENOTFOUND', 'EAI_AGAIN', 'EAI_NODATA', 'EAI_NONAME']);
/** Reason codes of SUBACK and PUBACK (MQTT 5 §3.9.3, §3.4.2.1); 0x80 is all that 3.1.1 knows. */
const NOT_AUTHORIZED = 0x87;
const UNSPECIFIED = 0x80;

/** The same failure in the words of whoever sits at the desk. */
export function deskFailure(error: TelemetryError, host: string, effect: Effect = 'none'): FleetError {
  const cause = typeof error.details['cause'] === 'string' ? error.details['cause'] : 'unknown';
  const at = `the broker ${host}`;
  const make = (code: FleetErrorCode, message: string, hint?: string): FleetError =>
    new FleetError(code, message, {
      remedy: 'retry',
      effect,
      cause: error,
      details: error.details,
      ...(hint && { hint }),
    });
  switch (error.code) {
    case 'telemetry.unreachable':
      return NAME_NOT_FOUND.has(cause)
        ? make(
            'fleet.host_unknown',
            `no address is known for ${host} (${cause})`,
            'Check the name in --broker and the DNS.',
          )
        : make('fleet.unreachable', `${at} cannot be reached (${cause})`, unreachableHint(cause));
    case 'telemetry.tls_failed':
      return tlsFailure(make, at, cause);
    case 'telemetry.credentials_unreadable':
      return make('fleet.credentials_unreadable', error.message, 'Check the path and who may read it.');
    case 'telemetry.not_authorized':
      return make(
        'fleet.login_refused',
        `${at} refuses the login`,
        'Check --username and the password (--password-file, DELMONICOS_BROKER_PASSWORD), or the client certificate.',
      );
    case 'telemetry.bad_packet':
      return make(
        'fleet.bad_packet',
        `${at} sent what no MQTT broker may send here`,
        'Is it an MQTT port? mqtts:// is 8883, mqtt:// 1883.',
      );
    case 'telemetry.no_connack':
    case 'telemetry.no_acknowledgement':
      return make(
        'fleet.no_acknowledgement',
        `${at} does not answer: ${error.message}`,
        'Is it an MQTT port? A port that wants TLS is silent to mqtt://.',
      );
    case 'telemetry.protocol_version':
      return make('fleet.refused', `${at} speaks neither MQTT 5 nor 3.1.1`);
    case 'telemetry.refused':
      return make(
        'fleet.refused',
        `${at} refuses the connection (reason code ${String(error.details['reasonCode'])})`,
      );
    case 'telemetry.connection_lost':
      return make(
        'fleet.connection_lost',
        `the connection to ${at} ended`,
        'It is tried again. A port that wants TLS ends what comes without: mqtts://.',
      );
    default:
      return make('fleet.connection_lost', `the connection to ${at} ended: ${error.message}`);
  }
}

type Make = (code: FleetErrorCode, message: string, hint?: string) => FleetError;

function tlsFailure(make: Make, at: string, cause: string): FleetError {
  if (cause === 'ERR_TLS_CERT_ALTNAME_INVALID') {
    return make(
      'fleet.tls_name_differs',
      `${at} has a certificate of another name`,
      'Give the name that stands in it with --server-name, if you know that broker by it.',
    );
  }
  if (OUT_OF_DATE.has(cause)) {
    return make(
      'fleet.tls_not_trusted',
      `${at} has a certificate that is out of date (${cause})`,
      "Check this machine's clock, or renew the certificate.",
    );
  }
  if (NOT_TRUSTED.has(cause)) {
    return make(
      'fleet.tls_not_trusted',
      `${at} has a certificate that nobody trusted here has signed (${cause})`,
      'Name its CA with --ca.',
    );
  }
  return make(
    'fleet.tls_failed',
    `the TLS handshake with ${at} failed (${cause})`,
    'Is it a TLS port, and does it want a client certificate (--cert, --cert-key)?',
  );
}

function unreachableHint(cause: string): string {
  if (cause === 'ECONNREFUSED') return 'Nothing listens there: check the port (mqtt:// 1883, mqtts:// 8883).';
  return 'Check the address, the route and the firewall.';
}

/** The broker does not let us subscribe or publish. */
export function topicRefused(
  what: 'subscribe' | 'publish',
  topic: string,
  reasonCode: number | undefined,
): FleetError {
  const details = { topic, ...(reasonCode !== undefined && { reasonCode }) };
  const code = reasonCode === undefined ? '' : ` (reason code 0x${reasonCode.toString(16)})`;
  const verb = what === 'subscribe' ? 'subscribing to' : 'publishing to';
  if (reasonCode === NOT_AUTHORIZED || reasonCode === UNSPECIFIED) {
    return new FleetError('fleet.not_allowed', `the broker does not allow ${verb} ${topic}${code}`, {
      details,
      hint: "This user's access list at the broker lacks it: docs/ask.md names the topics that are needed.",
    });
  }
  return new FleetError('fleet.refused', `the broker refuses ${verb} ${topic}${code}`, { details });
}
