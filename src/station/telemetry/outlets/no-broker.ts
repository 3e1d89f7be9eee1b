import type { Telemetry, TelemetryStatistics } from '../../../telemetry/index.ts';

const NOTHING: TelemetryStatistics = {
  connected: false,
  protocolVersion: '5',
  ...{ sent: 0, dropped: 0, queued: 0, sessions: 0, bytesSent: 0, bytesReceived: 0 },
};

/** What is published where no broker is configured: nothing. Documents are made all the same, for whoever else shows them. */
export const NO_BROKER: Telemetry = {
  announce: () => {},
  publishSample: () => {},
  publishState: () => {},
  publishNote: () => {},
  reply: () => false,
  setChallenge: () => {},
  statistics: () => NOTHING,
  close: () => Promise.resolve(),
};
