export { ConfigError } from './errors.ts';
export { loadStationConfigWith, parseStationConfigWith, type MeterProfiles } from './load-with-profiles.ts';
export type { ConfigContext } from './parse-config.ts';
export { parseDurationMs, parseSizeBytes, type DayWindow, type LowBalance } from './quantity.ts';
export {
  GENERIC_SS58_PREFIX,
  loadStationConfig,
  parseStationConfig,
  readStationText,
  type AnchorField,
  type ChainConfig,
  type ChainTransport,
  type IdentityConfig,
  type ClockConfig,
  type JournalConfig,
  type LineConfig,
  type MeterConfig,
  type MeteredConfig,
  type ModbusMeterConfig,
  type PublishedKind,
  type StationConfig,
  type StreamMeterConfig,
} from './station-config.ts';
export type { MqttConfig, OperatorConfig, TelemetryConfig } from './telemetry-config.ts';
import stationSchema from './station.schema.json' with { type: 'json' };

/** JSON Schema (2020-12 subset) of station.yaml, for editors; generated from schema.ts. */
export const STATION_JSON_SCHEMA: object = stationSchema;
