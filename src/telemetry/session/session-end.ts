import type { MqttClient } from 'mqtt';
import type { GuardedStream } from './broker-socket.ts';
import { connectFailed, connectRefused, disconnectedByBroker, failure } from './connection-failure.ts';
import { TelemetryError } from '../errors.ts';

/** Follows the library's events to one reason: the first that explains the end. Never rejects. */
export function endOf(client: MqttClient, stream: GuardedStream): Promise<TelemetryError> {
  let reason: TelemetryError | undefined;
  let connected = false;
  client.once('connect', () => (connected = true));
  client.on('error', (error: Error & { code?: unknown }) => {
    reason ??= connected ? explainLoss(error, stream.destroyed) : explainRefusal(error);
    stream.destroy();
  });
  client.on('disconnect', (packet) => {
    reason ??= disconnectedByBroker(packet.reasonCode ?? 0);
    stream.destroy();
  });
  stream.on('error', (error) => {
    if (error instanceof TelemetryError) reason ??= error;
  });
  return new Promise((resolve) => {
    stream.once('close', () => {
      client.end(true);
      resolve(
        reason ??
          failure(
            'telemetry.connection_lost',
            connected ? 'the connection ended' : 'closed instead of CONNACK',
          ),
      );
    });
  });
}

/** The library drops the stream before it reports a missed keep-alive, and after it reports a malformed packet. */
function explainLoss(cause: Error & { code?: unknown }, dropped: boolean): TelemetryError {
  if (cause instanceof TelemetryError) return cause;
  if (typeof cause.code === 'string' || (dropped && cause.code === undefined)) {
    return failure('telemetry.connection_lost', 'the connection ended', { cause });
  }
  return failure('telemetry.bad_packet', 'the MQTT library refuses what the broker sent', { cause });
}

function explainRefusal(error: Error & { code?: unknown }): TelemetryError {
  if (error instanceof TelemetryError) return error;
  if (typeof error.code === 'number') return connectRefused(error.code);
  // With TLS 1.3 a client certificate is judged only after the handshake has ended on our side.
  if (typeof error.code === 'string' && error.code.startsWith('ERR_SSL')) return connectFailed(error, 'tls');
  if (typeof error.code === 'string') {
    return failure('telemetry.connection_lost', 'the connection ended before CONNACK', { cause: error });
  }
  return failure('telemetry.bad_packet', 'the broker answered CONNECT with a malformed packet', {
    cause: error,
  });
}
