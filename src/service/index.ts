export { goesToJournald } from './journal-stream.ts';
export { groupMemoryOf, type GroupMemory } from './control-group.ts';
export { watchLoopDelay, type LoopDelay, type LoopDelayWatch } from './loop-delay.ts';
export { createLog, type LogOptions } from './log.ts';
export { RepeatedLines } from './repeated-lines.ts';
export { keepHeapSmall } from './small-heap.ts';
export {
  systemMonotonicClock,
  systemUptimeMs,
  systemWallClock,
  type ClockStatus,
  type WallClock,
} from './system-clock.ts';
export {
  openTimeStatus,
  type TimeReport,
  type TimeStatus,
  type TimeStatusOptions,
} from './time-status/time-status.ts';
export type { LeapState, TimeReading, TimeSourceName } from './time-status/time-reading.ts';
export { askControlSocket } from './control-client.ts';
export { openControlSocket, type ControlSocket, type ControlSocketOptions } from './control-socket.ts';
export { openMetricsSocket, type MetricsSocket, type MetricsSocketOptions } from './metrics-socket.ts';
export { ControlError, type ControlErrorCode } from './errors.ts';
export { openServiceNotify, type ServiceNotify, type ServiceNotifyOptions } from './notify/service-notify.ts';
export { keepWatchdog, type KeepWatchdogOptions, type Watchdog } from './notify/keep-watchdog.ts';
export { judgeLiveness, type Liveness, type LoopFacts, type WatchdogReason } from './notify/watchdog.ts';
export { dropInText, type Directive, type DropIn } from './unit-drop-ins/drop-in.ts';
export { DROP_INS, unitDropIns, type MachineFacts, type UnitDropIns } from './unit-drop-ins/unit-drop-ins.ts';
