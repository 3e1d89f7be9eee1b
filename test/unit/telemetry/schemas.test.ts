import { readFileSync } from 'node:fs';
import path from 'node:path';
import fc from 'fast-check';
import * as v from 'valibot';
import { describe, expect, it } from 'vitest';
import { obis, UNITS } from '../../../hal/contract/index.ts';
import { FAULTS, type FaultCode, type HealthItem } from '../../../src/health/index.ts';
import { healthDocument } from '../../../src/station/health/health-document.ts';
import { journalDocument } from '../../../src/station/telemetry/journal-document.ts';
import { LineDocumentMaker } from '../../../src/station/telemetry/line-document.ts';
import { meterDocument } from '../../../src/station/telemetry/meter-document.ts';
import { StateDocumentMaker } from '../../../src/station/telemetry/state-document.ts';
import { CREDIT, PUBLISHED, RESPONSE } from '../../../src/telemetry/contract/schemas/index.ts';
import { encodeDocument, onlineDocument, sampleDocument } from '../../../src/telemetry/index.ts';
import { problemsOf, topicKey } from '../../support/telemetry/contract-check.ts';
import { EXAMPLE_TOPICS, EXAMPLES, STATE } from '../../support/telemetry/telemetry-examples.ts';
import { BIRTH } from '../../support/telemetry/telemetry-station.ts';

const ROOT = path.resolve(import.meta.dirname, '../../..');

const schemaOf = (key: keyof typeof PUBLISHED): v.GenericSchema => {
  const published = PUBLISHED[key];
  if (!('schema' in published)) throw new Error(`${key} is no JSON`);
  return published.schema;
};
/** As it comes off the wire. */
const sent = (document: object): unknown => JSON.parse(encodeDocument(document).toString());

const count = fc.nat();
const ms = fc.double({ min: 0, max: 1e12, noNaN: true });
const orNull = <T>(arbitrary: fc.Arbitrary<T>): fc.Arbitrary<T | null> => fc.option(arbitrary, { nil: null });
const clock = fc.constantFrom('U', 'I', 'S', 'R');
const time = fc.integer({ min: 0, max: 4e12 });
const code = fc.constantFrom(...(Object.keys(FAULTS) as FaultCode[]));
const evidence = fc.record({
  lastCommitMonoMs: orNull(ms),
  waiting: count,
  oldestWaitingSinceMonoMs: orNull(ms),
  refusedBecause: orNull(fc.constant('journal.disk_full')),
});
const flash = fc.option(
  fc.record({
    devices: fc.array(
      fc.record({
        device: fc.string(),
        lifeUsedPercent: orNull(count),
        reserveBlocks: fc.constant(null),
      }),
    ),
    bytesPerDay: orNull(fc.double({ min: 0, noNaN: true })),
    lifeDays: orNull(fc.double({ min: 0, noNaN: true })),
  }),
  { nil: undefined },
);
const peer = fc.record({
  answers: count,
  failures: count,
  consecutiveFailures: count,
  state: fc.constantFrom('healthy', 'failing', 'quarantined'),
});
const askedLine = fc.record({
  id: fc.constant('l'),
  kind: fc.constantFrom('serial', 'tcp', 'rtuOverTcp'),
  state: fc.constantFrom('closed', 'opening', 'open', 'waiting'),
  ...{ requests: count, answers: count, bytesSent: count, bytesReceived: count, bytesDiscarded: count },
  errors: fc.dictionary(fc.constantFrom('meter.timeout', 'line.closed'), count),
  latencyMs: fc.record({ last: ms, mean: ms, max: ms }),
  ...{ busyMs: ms, queued: count, opened: count },
  peers: fc.dictionary(fc.constantFrom('1', '2'), peer),
});
const heardLine = fc.record({
  id: fc.constant('l'),
  state: fc.constantFrom('closed', 'opening', 'open', 'waiting'),
  ...{ bytesReceived: count, bytesSent: count, opened: count },
});
const line = fc.option(fc.oneof(askedLine, heardLine), { nil: undefined });
const stamp = { now: ms, time, clock };

describe('the schemas of the contract', () => {
  it.each(Object.keys(EXAMPLES))('accept the example "%s" of docs/telemetry.md, key by key', (name) => {
    expect(problemsOf(schemaOf(EXAMPLE_TOPICS[name] ?? 'status'), sent(EXAMPLES[name] ?? {}))).toEqual([]);
  });

  it('accept an older document, which lacks what was added since, and keys that nobody knows yet', () => {
    const { uptimeMs, time: at, clock: worth, configHash, configuration, rssBytes, telemetry } = STATE;
    const { connected, protocolVersion, sent: acknowledged, dropped, queued } = telemetry;
    const { sessions, bytesSent, bytesReceived } = telemetry;
    const figures = {
      ...{ connected, protocolVersion, sent: acknowledged, dropped, queued },
      ...{ sessions, bytesSent, bytesReceived },
    };
    const old = { uptimeMs, time: at, clock: worth, configHash, configuration, rssBytes, telemetry: figures };
    expect(problemsOf(schemaOf('state'), sent(old))).toEqual([]);
    expect(v.is(schemaOf('state'), { ...old, colour: 'green' })).toBe(true);
    expect(problemsOf(schemaOf('state'), { ...old, colour: 'green' })).toEqual(['colour: not in the schema']);
  });

  it('refuse a document in which any value is of another kind', () => {
    for (const [name, example] of Object.entries(EXAMPLES)) {
      const schema = schemaOf(EXAMPLE_TOPICS[name] ?? 'status');
      const document = sent(example) as Record<string, unknown>;
      for (const key of Object.keys(document))
        expect([name, key, v.is(schema, { ...document, [key]: { odd: 1.5 } })]).toEqual([
          name,
          key,
          isOpen(key),
        ]);
    }
  });

  it('take no reading as a number', () => {
    const document = sent(EXAMPLES['sample'] ?? {}) as { values: { value: unknown }[] };
    const [first] = document.values;
    expect(v.is(schemaOf('meterSample'), { ...document, values: [{ ...first, value: 1_234_567 }] })).toBe(
      false,
    );
  });
});

/** What holds whatever belongs to an event, or counts by code, is an object of its own. */
const isOpen = (key: string): boolean => key === 'fields';

describe('whatever the station knows', () => {
  it('is a journal document of the contract', () => {
    fc.assert(
      fc.property(
        fc.record({ size: count, bytes: count, anchoredSize: count, maxSizeBytes: count, dropped: count }),
        evidence,
        flash,
        ({ size, bytes, anchoredSize, maxSizeBytes, dropped }, stored, worn) => {
          const journal = { size, root: new Uint8Array(32), diskBytes: () => bytes };
          const lost = { completeFrom: size, dropped };
          const facts = { journal, anchoredSize, maxSizeBytes, lost, evidence: stored, flash: worn };
          expect(problemsOf(schemaOf('journal'), sent(journalDocument(facts)))).toEqual([]);
        },
      ),
    );
  });

  it('is a meter document of the contract', () => {
    const status = fc.record({
      meterId: fc.string({ minLength: 1 }),
      profileId: fc.string(),
      state: fc.constantFrom('unknown', 'answering', 'failing', 'silent'),
      serial: orNull(fc.string()),
      errorCode: orNull(fc.constant('meter.timeout')),
      ...{ samples: count, failures: count, skippedSlots: count, implausible: count, missing: count },
      lastSampleMonoMs: orNull(ms),
    });
    const config = fc.constantFrom(
      { kind: 'modbus' as const, id: 'm', line: 'l', everyMs: 1_000, unitId: 1, profile: 'p' },
      {
        kind: 'stream' as const,
        id: 'm',
        line: 'l',
        everyMs: 1_000,
        profile: 'sml' as const,
        readout: 'push' as const,
      },
    );
    fc.assert(
      fc.property(status, config, line, count, (told, configured, on, implausibleNow) => {
        const parts = { config: configured, status: told, facts: { implausibleNow }, line: on };
        expect(problemsOf(schemaOf('meterStatus'), sent(meterDocument(parts)))).toEqual([]);
      }),
    );
  });

  it('is a line document of the contract', () => {
    const config = fc.constantFrom(
      {
        ...{ id: 'l', kind: 'serial' as const, path: '/dev/ttyS1', baudRate: 9_600 },
        ...{ parity: 'even' as const, dataBits: 8 as const, stopBits: 1 as const },
      },
      { id: 'l', kind: 'tcp' as const, host: '2001:db8::1', port: 502 },
    );
    const trouble = orNull(fc.constant('line.open_failed'));
    fc.assert(
      fc.property(config, line, count, trouble, ms, (configured, statistics, meters, why, now) => {
        const maker = new LineDocumentMaker(0, 0);
        const parts = { config: configured, meters, statistics, trouble: why };
        expect(problemsOf(schemaOf('lineStatus'), sent(maker.make(parts, now)))).toEqual([]);
      }),
    );
  });

  it('is a state document of the contract', () => {
    const limit = fc.oneof(
      fc.record({ usedBytes: count, maxBytes: count }),
      fc.constant('no limit' as const),
      fc.constant(null),
    );
    const memory = fc.option(
      fc.record({
        core: fc.record({ rssBytes: count, limit }),
        gateway: orNull(fc.record({ rssBytes: count, limit })),
        system: orNull(fc.record({ availableBytes: count, totalBytes: count })),
      }),
      { nil: undefined },
    );
    const own = fc.record({
      ...{ uptimeMs: count, rssBytes: count, heapBytes: count, cpuMs: ms, openFiles: orNull(count) },
      load: fc.double({ min: 0, max: 1_000, noNaN: true }),
    });
    const delay = orNull(fc.record({ p99Ms: ms, maxMs: ms }));
    fc.assert(
      fc.property(fc.record(stamp), memory, own, delay, ({ now, ...at }, used, resources, loopDelay) => {
        const { configHash, configuration, boot, telemetry } = STATE;
        const facts = {
          ...at,
          configHash,
          configuration,
          boot,
          telemetry,
          nowMonoMs: now,
          loopDelay,
          memory: used,
        };
        const maker = new StateDocumentMaker(0);
        expect(problemsOf(schemaOf('state'), sent(maker.make(facts, resources)))).toEqual([]);
      }),
    );
  });

  it('is a health document of the contract, and small enough', () => {
    const item: fc.Arbitrary<HealthItem> = fc
      .record({
        check: fc.constantFrom('meter', 'line', 'disk'),
        subject: fc.string(),
        state: fc.constantFrom('ok', 'unknown', 'warning', 'fault'),
        code: orNull(code),
        detail: fc.string({ maxLength: 2_000 }),
        sinceMs: orNull(count),
        advice: orNull(fc.string()),
      })
      .map((one) => one as HealthItem);
    fc.assert(
      fc.property(fc.array(item, { maxLength: 80 }), time, clock, (items, at, worth) => {
        const document = healthDocument(items, { asOfMs: 1, time: at, clock: worth });
        expect(problemsOf(schemaOf('health'), sent(document))).toEqual([]);
        expect(encodeDocument(document).length).toBeLessThanOrEqual(16_384);
      }),
      { numRuns: 50 },
    );
  });

  it('is a sample, or a birth, of the contract', () => {
    const value = fc.record({
      obis: fc.constant(obis('1-0:1.8.0*255')),
      value: fc.record({ mantissa: fc.bigInt(), exponent: fc.integer({ min: -9, max: 9 }) }),
      unit: fc.constantFrom(...UNITS),
      quality: fc.constant('G' as const),
    });
    const times = fc.record({ readBeginMonoMs: ms, readEndMonoMs: ms });
    fc.assert(
      fc.property(fc.array(value), times, fc.record({ time, clock }), (values, read, at) => {
        const sample = { meterSerial: '1', profileId: 'p', ...read, values };
        const document = sampleDocument('m', 1, sample, at);
        expect(problemsOf(schemaOf('meterSample'), sent(document))).toEqual([]);
      }),
    );
    const challenge = 'ab'.repeat(16);
    const facts = { session: 1, level: 4, samplesDropped: 0, keepAliveSeconds: 30, challenge } as const;
    expect(problemsOf(schemaOf('status'), sent(onlineDocument('s', BIRTH, facts)))).toEqual([]);
  });
});

describe('what is asked and answered', () => {
  const request = '00'.repeat(16);

  it('is a refusal or a result, and credit is a whole number from 1 on', () => {
    const part = { request, part: 0, last: true };
    expect(problemsOf(RESPONSE, { ...part, ok: true, result: { size: 4 } })).toEqual([]);
    const error = { code: 'remote.stale', message: 'it carries an old challenge', hint: null };
    expect(problemsOf(RESPONSE, { ...part, request: null, ok: false, error })).toEqual([]);
    expect(v.is(RESPONSE, { ...part, ok: true, error })).toBe(false);
    expect(problemsOf(CREDIT, { request, chunks: 8 })).toEqual([]);
    for (const chunks of [0, -1, 1.5, '8']) expect(v.is(CREDIT, { request, chunks })).toBe(false);
  });
});

describe('a device', () => {
  it('takes nothing but types from the schemas', () => {
    const schemas = 'src/telemetry/contract/schemas/';
    const loaded = loadedFrom(['src/cli/run-command.ts', 'src/station/index.ts', 'src/telemetry/index.ts']);
    expect([...loaded].filter((file) => file.startsWith(schemas))).toEqual([]);
    expect(loaded).toContain('src/telemetry/contract/topics.ts');
    expect(loadedFrom([`${schemas}index.ts`])).toContain(`${schemas}messages.ts`);
  });

  it('publishes on topics of the contract only', () => {
    expect(topicKey('delmonicos/v1/a%2Fb/meters/x/status')).toBe('meterStatus');
    expect(topicKey('delmonicos/v1/a/meters/x/y/status')).toBeUndefined();
    expect(topicKey('delmonicos/v2/a/state')).toBeUndefined();
  });
});

/** Files that importing these loads, now or later: type-only imports are gone by then. */
function loadedFrom(begin: readonly string[]): ReadonlySet<string> {
  const loads =
    /(?:^|\n)\s*(?:import|export)\s+(?!type\b)(?:[^'";]*?\bfrom\s*)?['"](\.[^'"]+)['"]|\bimport\(\s*['"](\.[^'"]+)['"]/g;
  const seen = new Set<string>();
  const visit = (file: string): void => {
    if (seen.has(file) || !file.endsWith('.ts')) return;
    seen.add(file);
    for (const [, still, later] of readFileSync(path.join(ROOT, file), 'utf8').matchAll(loads))
      visit(path.join(path.dirname(file), still ?? later ?? ''));
  };
  begin.forEach(visit);
  return seen;
}
