import type * as v from 'valibot';
import { HEALTH_CHANGE, HEALTH_DOCUMENT } from './health-schemas.ts';
import { CREDIT, LOG_LINE, RESPONSE, SAMPLE, STATUS } from './message-schemas.ts';
import { LINE_STATUS, METER_STATUS } from './meter-schemas.ts';
import { CONFIGURATION_RESULT, JOURNAL_DOCUMENT, STATION_STATE } from './station-schemas.ts';
import { SYNC_DOCUMENT } from './sync-schema.ts';

/** What a message holds: JSON of a schema, or bytes of a content type. */
export type Payload = { readonly schema: v.GenericSchema } | { readonly contentType: string };

/** By the keys of `TOPICS`: what a station publishes. */
export const PUBLISHED = {
  status: { schema: STATUS },
  state: { schema: STATION_STATE },
  journal: { schema: JOURNAL_DOCUMENT },
  sync: { schema: SYNC_DOCUMENT },
  health: { schema: HEALTH_DOCUMENT },
  configResult: { schema: CONFIGURATION_RESULT },
  meterStatus: { schema: METER_STATUS },
  meterSample: { schema: SAMPLE },
  meterHistory: { schema: SAMPLE },
  lineStatus: { schema: LINE_STATUS },
  healthChange: { schema: HEALTH_CHANGE },
  log: { schema: LOG_LINE },
  response: { schema: RESPONSE },
  entries: { contentType: 'application/cbor-seq' },
} as const satisfies Record<string, Payload>;

/** By the keys of `LISTENED`: what a station is sent. */
export const HEARD = {
  configuration: { contentType: 'application/vnd.delmonicos.config+cbor' },
  request: { contentType: 'application/vnd.delmonicos.command+cbor' },
  credit: { schema: CREDIT },
} as const satisfies Record<string, Payload>;
