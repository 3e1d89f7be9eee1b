export { asyncApiDocument, type ContractParts } from './asyncapi.ts';
export type { Published, Sent } from './fields.ts';
export { HEALTH_CHANGE, HEALTH_DOCUMENT } from './health-schemas.ts';
export { CREDIT, LOG_LINE, RESPONSE, SAMPLE, STATUS } from './message-schemas.ts';
export { HEARD, PUBLISHED, type Payload } from './messages.ts';
export { LINE_STATUS, METER_STATUS } from './meter-schemas.ts';
export { BOOT_REASON, CONFIGURATION_RESULT, JOURNAL_DOCUMENT, STATION_STATE } from './station-schemas.ts';
export { SYNC_DOCUMENT } from './sync-schema.ts';
