export type {
  BrokerFacts,
  ChainFactsOfSync,
  ClockFacts,
  ConfigurationFacts,
  ControlFacts,
  DiskFacts,
  FlashFacts,
  HealthFacts,
  JournalFacts,
  KeyFacts,
  LineFacts,
  MemoryFacts,
  MeterLiveness,
  ProcessMemory,
  ServiceFacts,
} from './facts.ts';
export { faultOf, FAULTS, isFaultCode, type FaultCode } from './fault-catalogue.ts';
export type { FaultEntry } from './fault-entry.ts';
export {
  CHECKS,
  HEALTH_STATES,
  nameOf,
  newsOf,
  worstFirst,
  worstState,
  type CheckName,
  type HealthItem,
  type HealthState,
} from './health-item.ts';
export { judgeAndStep, judgeHealth } from './judge-health.ts';
export { lookAtClock } from './judge-host.ts';
export { lookAtDisk, lookAtFlash } from './judge-storage.ts';
export type { Condition, IsRaised, Look } from './look.ts';
export { healthLine } from './status-line.ts';
export {
  isRaised,
  itemsOfOneLook,
  NO_MEMORY,
  stepHealth,
  type HealthChange,
  type HealthMemory,
  type HealthStep,
} from './step-health.ts';
