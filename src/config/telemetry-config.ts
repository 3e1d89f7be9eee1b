import { parseSizeBytes } from './quantity.ts';
import type { StationFile } from './schema.ts';
import type { LOG_LEVELS, PERMISSIONS } from './telemetry-schema.ts';

export interface MqttConfig {
  readonly url: string;
  readonly username?: string;
  /** Name in the broker's certificate, where it is not the host of the URL. */
  readonly serverName?: string;
  /** What telemetry may cost a day on the wire; null: nothing is held back. */
  readonly bytesPerDay: number | null;
  /** Lines of the log that are published. */
  readonly logLevel: (typeof LOG_LEVELS)[number];
  readonly homeAssistant?: { readonly prefix: string };
}

/** Who may send commands. */
export interface OperatorConfig {
  /** C2SP verifier key. */
  readonly key: string;
  readonly may: (typeof PERMISSIONS)[number];
}

export interface TelemetryConfig {
  readonly mqtt?: MqttConfig;
  readonly operators: readonly OperatorConfig[];
  readonly prometheus?: { readonly socket: string };
}

const USUAL_BYTES_PER_DAY = '10MiB';

/** As the file says it, with every default filled in. */
export function telemetryConfig({
  mqtt,
  operators = [],
  prometheus,
}: StationFile['telemetry'] = {}): TelemetryConfig {
  return {
    ...(mqtt && { mqtt: mqttConfig(mqtt) }),
    operators: operators.map(({ key, may = 'read' }) => ({ key, may })),
    ...(prometheus && { prometheus: { socket: prometheus.socket } }),
  };
}

function mqttConfig(mqtt: NonNullable<NonNullable<StationFile['telemetry']>['mqtt']>): MqttConfig {
  const {
    url,
    username,
    serverName,
    bytesPerDay = USUAL_BYTES_PER_DAY,
    log = 'warning',
    homeAssistant,
  } = mqtt;
  return {
    ...{ url, logLevel: log },
    bytesPerDay: bytesPerDay === 'unlimited' ? null : parseSizeBytes(bytesPerDay),
    ...(username !== undefined && { username }),
    ...(serverName !== undefined && { serverName }),
    ...(homeAssistant && { homeAssistant: { prefix: homeAssistant.prefix ?? 'homeassistant' } }),
  };
}
