import { TelemetryError, type TelemetryErrorCode } from '../errors.ts';

/** CONNACK refusals, by reason code of MQTT 5 §3.2.2.2 or return code of MQTT 3.1.1 §3.2.2.3 (1 to 5). */
const REFUSED_VERSION: readonly number[] = [0x84, 1];
const REFUSED_LOGIN: readonly number[] = [0x86, 0x87, 0x8a, 0x8c, 4, 5];
/** DISCONNECT: another client connected with our client id (MQTT 5 §3.14.2.1). */
const SESSION_TAKEN_OVER = 0x8e;

/** The broker answered CONNECT with anything but success. */
export function connectRefused(reasonCode: number): TelemetryError {
  const details = { reasonCode };
  if (REFUSED_VERSION.includes(reasonCode)) {
    return failure('telemetry.protocol_version', 'the broker refuses this version of MQTT', { details });
  }
  if (REFUSED_LOGIN.includes(reasonCode)) {
    return failure('telemetry.not_authorized', 'the broker refuses the credentials', {
      details,
      remedy: 'operator',
      hint: 'check the user, password or client certificate of this station at the broker',
    });
  }
  return failure('telemetry.refused', 'the broker refuses the connection', { details });
}

/** The broker ended the session with DISCONNECT (MQTT 5 only). */
export function disconnectedByBroker(reasonCode: number): TelemetryError {
  const details = { reasonCode };
  if (reasonCode !== SESSION_TAKEN_OVER) {
    return failure('telemetry.connection_lost', 'the broker ended the session', { details });
  }
  return failure('telemetry.session_taken_over', 'another client connected with the same client id', {
    details,
    remedy: 'operator',
    hint: 'two stations share a name or a client id',
  });
}

/** The socket could not be opened. `phase` tells a refused handshake from an unreachable host. */
export function connectFailed(cause: unknown, phase: 'tcp' | 'tls'): TelemetryError {
  const details = { cause: errorCode(cause) };
  if (phase === 'tcp') {
    return failure('telemetry.unreachable', 'the broker cannot be reached', { details, cause });
  }
  return failure('telemetry.tls_failed', 'the TLS handshake with the broker failed', {
    details,
    cause,
    remedy: 'operator',
    hint: 'check the CA, the name in the certificate of the broker and the clock of the station',
  });
}

export function failure(
  code: TelemetryErrorCode,
  message: string,
  options: ConstructorParameters<typeof TelemetryError>[2] = {},
): TelemetryError {
  return new TelemetryError(code, message, options);
}

/** Node's or OpenSSL's own code, such as ECONNREFUSED or CERT_HAS_EXPIRED: short, and free of secrets. */
function errorCode(cause: unknown): string {
  return cause instanceof Error && 'code' in cause && typeof cause.code === 'string' ? cause.code : 'unknown';
}
