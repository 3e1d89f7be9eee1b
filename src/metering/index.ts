export { keepClock, type ClockKeeper, type ClockKeeperOptions, type TimeWorth } from './clock-watch.ts';
export type { EvidenceLog } from './evidence-log.ts';
export {
  startMetering,
  type Metering,
  type MeteringEvent,
  type MeteringOptions,
  type MeterStatus,
  type RecallHistory,
  type ScheduledMeter,
} from './metering.ts';
export { historyOfReading } from './plausibility.ts';
