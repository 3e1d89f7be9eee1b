import { TelemetryError } from '../errors.ts';

export interface BrokerAddress {
  readonly host: string;
  readonly port: number;
  readonly tls: boolean;
}

const DEFAULT_PORT = { 'mqtt:': 1883, 'mqtts:': 8883 } as const;

/**
 * Reads `mqtt://host[:port]` or `mqtts://host[:port]`.
 * @throws TelemetryError `config.telemetry_url` for anything else; a user or password in the URL is refused, because
 *   the configuration holds no secret.
 */
export function parseBrokerUrl(url: string): BrokerAddress {
  const parsed = URL.canParse(url) ? new URL(url) : undefined;
  const scheme = parsed?.protocol;
  if (
    parsed === undefined ||
    (scheme !== 'mqtt:' && scheme !== 'mqtts:') ||
    !/^[^%]+$/.test(parsed.hostname)
  ) {
    throw refuse('the broker URL is not mqtt://host[:port] or mqtts://host[:port]');
  }
  if (parsed.username !== '' || parsed.password !== '') {
    throw refuse('the broker URL holds a user or password; name credential files instead');
  }
  if (!['', '/'].includes(parsed.pathname) || parsed.search !== '' || parsed.hash !== '') {
    throw refuse('the broker URL has a path, a query or a fragment, which MQTT over TCP does not know');
  }
  return {
    host: parsed.hostname.replace(/^\[(.*)\]$/, '$1'),
    port: parsed.port === '' ? DEFAULT_PORT[scheme] : Number(parsed.port),
    tls: scheme === 'mqtts:',
  };
}

/** The URL itself stays out of the message: it may hold the password that is being refused. */
function refuse(message: string): TelemetryError {
  return new TelemetryError('config.telemetry_url', message, {
    remedy: 'operator',
    hint: 'example: telemetry: { mqtt: { url: "mqtts://broker.example:8883" } }',
  });
}
