import * as v from 'valibot';
import { added, code, count, decimal, METER, milliseconds, sinceBoot, text } from './fields.ts';

/** `meters/<meter>/status`. Counters are since the start of the service. */
export const METER_STATUS = v.object({
  meter: METER,
  state: v.picklist(['unknown', 'answering', 'failing', 'silent']),
  failure: v.nullable(code('Of the last failure, while it fails')),
  samples: count('Readings'),
  failures: count('Reads that failed'),
  skippedSlots: count('Slots that passed unread because the read before took too long'),
  implausible: count('Values that were marked as implausible'),
  lastSampleMs: v.nullable(sinceBoot('End of the last complete reading')),
  line: added(text('Name of its line in the configuration')),
  unitId: added(v.nullable(count('Its Modbus address; null for a meter that is no Modbus meter'))),
  everyMs: added(milliseconds('From one slot to the next')),
  missing: added(count('Quantities that the last read had no value for')),
  implausibleNow: added(count('Quantities whose last value was marked as implausible')),
  unit: added(
    v.nullable(
      v.object({
        answers: count('Exchanges that it answered'),
        failures: count('Exchanges that failed, repetitions included'),
        consecutiveFailures: count('Since its last answer'),
        breaker: v.pipe(
          v.picklist(['healthy', 'failing', 'quarantined']),
          v.description('quarantined: failed so often that it is left alone between two probes'),
        ),
      }),
    ),
  ),
});

/** `lines/<line>/status`. Counters are since the start of the service; null where a line that only listens has none. */
export const LINE_STATUS = v.object({
  line: v.object({
    id: text('Name of the line in the configuration'),
    kind: v.picklist(['serial', 'tcp', 'rtuOverTcp']),
    device: text('What is opened, and how: `/dev/ttyS1 19200 8E1`, `192.0.2.10:502`'),
    meters: count('Meters that are read on it'),
    listens: v.pipe(v.boolean(), v.description('Whether its meter sends by itself')),
  }),
  state: v.pipe(
    v.picklist(['closed', 'opening', 'open', 'waiting']),
    v.description('waiting: it cannot be opened, and is tried again. closed: nothing was asked on it yet.'),
  ),
  failure: v.nullable(code('Why it is not open, where that is known')),
  opened: count('How often it was opened'),
  requests: v.nullable(count('Put on the wire, repetitions included')),
  answers: v.nullable(count('Requests that were answered')),
  errors: v.pipe(
    v.record(v.string(), count('How often')),
    v.description('Rejected exchanges and failed attempts, by stable code'),
  ),
  bytes: v.object({
    sent: count('Bytes'),
    received: count('Bytes'),
    discarded: v.nullable(count('Bytes that belonged to no open request: late answers, duplicates, noise')),
  }),
  latencyMs: v.nullable(
    v.object({
      last: decimal('From sending a request to its whole answer, in ms'),
      mean: decimal('Of all answers, in ms'),
      max: decimal('The longest, in ms'),
    }),
  ),
  busyPermille: v.nullable(count('Share of the time since the document before with an exchange in flight')),
  queued: v.nullable(count('Exchanges that wait for their turn')),
});
