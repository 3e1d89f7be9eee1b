// A process that holds telemetry until it is killed: `node --import tsx test/support/telemetry/telemetry-process.ts URL`.
import { sample, startTelemetry } from './telemetry-station.ts';

const { telemetry, logged } = startTelemetry(process.argv[2] ?? '');
telemetry.publishSample('evse1', sample(1));
await logged(({ event }) => event === 'telemetry.connected');
