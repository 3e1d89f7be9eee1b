export { createLog, type LogOptions } from './log.ts';
export {
  kernelBootId,
  systemMonotonicClock,
  systemWallClock,
  type ClockStatus,
  type WallClock,
} from './system-clock.ts';
