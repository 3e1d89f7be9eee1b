import { spawnSync } from 'node:child_process';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { obis, UNITS } from '../../../../hal/contract/index.ts';
import {
  announceMeter,
  announceStation,
  encodeDocument,
  sampleDocument,
  type Quantity,
} from '../../../../src/telemetry/index.ts';
import { quantityName } from '../../../../src/telemetry/outlets/quantity-name.ts';
import { discoveryOf, type Discovery } from '../../../support/telemetry/home-assistant-schema.ts';
import { measured, readingOf } from '../../../support/telemetry/metric-facts.ts';

const STATION = { prefix: 'homeassistant', station: 'DE-ACME-0001', version: '0.2.0' };
const ENERGY: Quantity = { obis: obis('1-0:1.8.0*255'), unit: 'Wh' };
const POWER: Quantity = { obis: obis('1-0:16.7.0*255'), unit: 'W' };

const meterWith = (quantities: readonly Quantity[], id = 'evse1', station = STATION.station) =>
  announceMeter({ ...STATION, station }, { id, serial: '21080001', profile: 'eastron-sdm630', quantities });

const seen = (announcement: { topic: string; document: object }): Discovery =>
  discoveryOf(announcement.topic, JSON.parse(encodeDocument(announcement.document).toString()));

/** Jinja2 as Debian has it: what Home Assistant renders templates with. */
const NO_JINJA =
  spawnSync('/usr/bin/python3', ['-c', 'import jinja2']).status === 0
    ? undefined
    : 'the Debian package python3-jinja2 is not installed';

/** Each template with its payload. */
function rendered(all: readonly (readonly [template: unknown, payload: object])[]): string[] {
  const program =
    'import json,sys,jinja2; e=jinja2.Environment(undefined=jinja2.StrictUndefined); ' +
    'json.dump([e.from_string(t).render(value_json=p) for t,p in json.load(sys.stdin)],sys.stdout)';
  const input = encodeDocument(all.map(([template, payload]) => [template, payload]));
  const { stdout, stderr } = spawnSync('/usr/bin/python3', ['-c', program], { input, encoding: 'utf8' });
  if (stderr !== '') throw new Error(stderr);
  return JSON.parse(stdout) as string[];
}

describe('what Home Assistant is told', () => {
  it('is a station with its health and its journal', () => {
    const { device, components } = seen(announceStation(STATION));
    expect(device).toMatchObject({ name: 'DE-ACME-0001', sw_version: '0.2.0' });
    expect(Object.keys(components)).toEqual(['health', 'entries', 'backlog']);
    expect(components['health']).toMatchObject({
      state_topic: 'delmonicos/v1/DE-ACME-0001/health',
      value_template: '{{ value_json.state }}',
    });
  });

  it('is a meter behind its station, energy first', () => {
    const { device, components, state_topic: topic, availability } = seen(meterWith([POWER, ENERGY]));
    expect(topic).toBe('delmonicos/v1/DE-ACME-0001/meters/evse1/sample');
    expect(availability.map((one) => one['topic'])).toEqual([
      'delmonicos/v1/DE-ACME-0001/status',
      'delmonicos/v1/DE-ACME-0001/meters/evse1/status',
    ]);
    expect(device['via_device']).toEqual(
      (seen(announceStation(STATION)).device['identifiers'] as [string])[0],
    );
    expect(Object.keys(components)).toEqual(['1_0_1_8_0_255', '1_0_16_7_0_255']);
    expect(components['1_0_1_8_0_255']).toMatchObject({
      ...{ name: 'active energy import', device_class: 'energy', state_class: 'total_increasing' },
      unit_of_measurement: 'Wh',
    });
  });

  it('is taken by its documented schema, for any quantity in any unit, and fits a message of 16 KiB', () => {
    const group = fc.integer({ min: 0, max: 255 });
    const code = fc.tuple(group, fc.constantFrom(7, 8, 9), fc.integer({ min: 0, max: 9 }));
    const quantities = fc.array(
      fc.record({
        obis: code.map(([c, d, e]) => obis(`1-0:${c}.${d}.${e}*255`)),
        unit: fc.constantFrom(...UNITS),
      }),
      { maxLength: 200 },
    );
    const name = fc
      .string({ unit: 'grapheme', minLength: 1, maxLength: 24 })
      .filter((one) => !/\p{Surrogate}/u.test(one));
    fc.assert(
      fc.property(quantities, name, name, (all, station, id) => {
        const announcement = meterWith(all, id, station);
        seen(announcement);
        expect(encodeDocument(announcement.document).length).toBeLessThanOrEqual(16 * 1024);
      }),
    );
  });

  it('keeps the energy where not everything has room', () => {
    const many = Array.from({ length: 200 }, (_, n) => ({
      obis: obis(`1-0:${n}.7.0*255`),
      unit: 'V' as const,
    }));
    const { components } = seen(meterWith([...many, ENERGY]));
    expect(Object.keys(components)[0]).toBe('1_0_1_8_0_255');
    expect(Object.keys(components).length).toBeGreaterThan(40);
    expect(Object.keys(components).length).toBeLessThan(201);
  });

  it('has an id of its own for each meter, whatever the names are', () => {
    const name = fc.string({
      unit: fc.constantFrom('a', '-', '_', '.', ' ', 'é', '2', '0', 'e'),
      minLength: 1,
      maxLength: 6,
    });
    fc.assert(
      fc.property(fc.tuple(name, name), fc.tuple(name, name), ([s1, m1], [s2, m2]) => {
        fc.pre(s1 !== s2 || m1 !== m2);
        expect(meterWith([], m1, s1).topic).not.toBe(meterWith([], m2, s2).topic);
      }),
    );
  });

  it('names quantities so that no two share a name', () => {
    const codes = Array.from({ length: 256 }, (_, c) =>
      [7, 8, 9].flatMap((d) => [0, 1, 2].map((e) => `1-0:${c}.${d}.${e}*255`)),
    );
    const names = codes.flat().map(quantityName);
    expect(new Set(names).size).toBe(names.length);
    expect(quantityName('1-0:52.7.0*255')).toBe('voltage L2');
    expect(quantityName('1-0:1.8.2*255')).toBe('active energy import tariff 2');
    expect(quantityName('1-0:96.1.0*255')).toBe('1-0:96.1.0*255');
  });

  it.skipIf(NO_JINJA !== undefined)(
    `has templates that find a value in a sample${NO_JINJA === undefined ? '' : ` (skipped: ${NO_JINJA})`}`,
    () => {
      const { components, availability } = seen(meterWith([ENERGY, POWER]));
      const template = components['1_0_1_8_0_255']?.['value_template'];
      const document = (...values: Parameters<typeof readingOf>): object =>
        sampleDocument('evse1', 7, readingOf(...values), {});
      const good = measured('1-0:1.8.0*255', 'Wh', 1_234_567_0n, -1);
      const [station, meter] = availability.map((one) => one['value_template']);
      const said = rendered([
        [template, document(measured('1-0:2.8.0*255', 'Wh', 1n), good)],
        // What is not in a sample, or is not good, leaves the state as it is: Home Assistant does not take an empty text for a number.
        [template, document(measured('1-0:2.8.0*255', 'Wh', 1n))],
        [template, document({ ...good, quality: 'O' })],
        [station, { status: 'offline' }],
        [meter, { state: 'failing' }],
        [meter, { state: 'silent' }],
      ]);
      expect(said).toEqual(['1234567.0', '', '', 'offline', 'online', 'offline']);
    },
  );
});
