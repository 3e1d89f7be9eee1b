export { keepClock, type ClockKeeper, type ClockKeeperOptions, type TimeWorth } from './clock-watch.ts';
export type { EvidenceLog } from './evidence-log.ts';
export {
  startMetering,
  type Metering,
  type MeteringEvent,
  type MeteringOptions,
  type RecallHistory,
  type ScheduledMeter,
} from './metering.ts';
export type { MeterFacts, MeterStatus } from './meter-status.ts';
export { historyOfReading } from './plausibility.ts';
export { readingDocument, type ReadingDocument } from './reading-document.ts';
