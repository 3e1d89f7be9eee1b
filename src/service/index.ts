export { createLog, type LogOptions } from './log.ts';
export { systemMonotonicClock, systemWallClock, type ClockStatus, type WallClock } from './system-clock.ts';
