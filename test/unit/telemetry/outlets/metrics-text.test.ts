import { spawnSync } from 'node:child_process';
import { describe, expect, it } from 'vitest';
import { metricsText, type MetricFacts } from '../../../../src/telemetry/index.ts';
import { parseExposition } from '../../../support/telemetry/exposition-parser.ts';
import { FACTS, measured, readingOf } from '../../../support/telemetry/metric-facts.ts';

const NO_PROMTOOL =
  spawnSync('promtool', ['--version']).error === undefined
    ? undefined
    : 'the Debian package prometheus is not installed';

const NOTHING: MetricFacts = {
  ...{ station: 's', version: '0', publicKey: '00', hasBroker: false, nowMonoMs: 0 },
  ...{ state: undefined, journal: undefined, sync: undefined, health: undefined },
  ...{ meters: new Map(), lines: new Map(), samples: new Map() },
};

/** Values of a family, by the labels that differ. */
function valuesOf(facts: MetricFacts, name: string, ...by: string[]): Record<string, string> {
  const samples = parseExposition(metricsText(facts)).get(`delmonicos_${name}`)?.samples ?? [];
  return Object.fromEntries(
    samples.map(({ labels, value }) => [by.map((label) => labels[label]).join(' '), value]),
  );
}

describe('what Prometheus is told', () => {
  it('has the registers as counters, digit by digit, and what may fall as gauges', () => {
    expect(valuesOf(FACTS, 'meter_energy_watthours_total', 'meter', 'obis')).toEqual({
      'evse1 1-0:1.8.0*255': '1234567.0',
      'evse1 1-0:2.8.1*255': '5000',
    });
    expect(valuesOf(FACTS, 'meter_reactive_energy_varhours_total', 'obis')).toEqual({
      '1-0:3.8.0*255': '90071992547409931.234',
    });
    expect(valuesOf(FACTS, 'meter_energy_balance_watthours', 'obis')).toEqual({ '1-0:16.8.0*255': '-12' });
    const families = parseExposition(metricsText(FACTS));
    expect(families.get('delmonicos_meter_energy_watthours_total')?.type).toBe('counter');
    expect(families.get('delmonicos_meter_energy_balance_watthours')?.type).toBe('gauge');
  });

  it('names every counter _total, and nothing else', () => {
    for (const { name, type } of parseExposition(metricsText(FACTS)).values())
      expect(name.endsWith('_total'), name).toBe(type === 'counter');
  });

  it('leaves out what is not good, and what a meter showed that does not answer any more', () => {
    expect(valuesOf(FACTS, 'meter_frequency_hertz', 'obis')).toEqual({});
    const [[id = '', status] = []] = FACTS.meters;
    if (status === undefined) throw new Error('no meter');
    const silent = { ...FACTS, meters: new Map([[id, { ...status, state: 'silent' as const }]]) };
    expect(valuesOf(silent, 'meter_power_watts', 'obis')).toEqual({});
    expect(valuesOf(silent, 'meter_up', 'meter')).toEqual({ evse1: '0' });
    expect(valuesOf(FACTS, 'meter_power_watts', 'obis')).toEqual({ '1-0:16.7.0*255': '-11040' });
  });

  it('counts the age of a reading from now on', () => {
    expect(valuesOf(FACTS, 'meter_reading_age_seconds', 'meter')).toEqual({ evse1: '2' });
  });

  it('tells a station with nothing but its name', () => {
    expect([...parseExposition(metricsText(NOTHING)).keys()]).toEqual(['delmonicos_station_info']);
  });

  it('says nothing of a broker where none is configured', () => {
    const names = [...parseExposition(metricsText({ ...FACTS, hasBroker: false })).keys()];
    expect(names.filter((name) => name.includes('broker'))).toEqual([]);
    expect(valuesOf(FACTS, 'broker_connected')).toEqual({ '': '1' });
  });

  it('names what is not well', () => {
    expect(valuesOf(FACTS, 'health_item', 'code', 'subject')).toEqual({ 'meter.silent evse1': '1' });
    expect(valuesOf(FACTS, 'health_state', 'state')).toEqual({
      ok: '0',
      unknown: '0',
      warning: '0',
      fault: '1',
    });
  });

  it('survives a meter that says its serial is a page of PostScript, and one quantity twice', () => {
    const [[id = '', status] = []] = FACTS.meters;
    if (status === undefined) throw new Error('no meter');
    const meter = { ...status.meter, serial: '%!PS\n"\\} 1\n# TYPE x counter\0' };
    const twice = readingOf(measured('1-0:1.8.0*255', 'Wh', 1n), measured('1-0:1.8.0*255', 'Wh', 2n));
    const facts = {
      ...FACTS,
      meters: new Map([[id, { ...status, meter }]]),
      samples: new Map([[id, twice]]),
    };
    expect(valuesOf(facts, 'meter_info', 'serial')).toEqual({
      '%!PS\n"\\} 1\n# TYPE x counter\ufffd': '1',
    });
    expect(valuesOf(facts, 'meter_energy_watthours_total', 'obis')).toEqual({ '1-0:1.8.0*255': '1' });
  });

  it.skipIf(NO_PROMTOOL !== undefined)(
    `is as promtool wants it${NO_PROMTOOL === undefined ? '' : ` (skipped: ${NO_PROMTOOL})`}`,
    () => {
      const { status, stdout, stderr } = spawnSync('promtool', ['check', 'metrics'], {
        input: metricsText(FACTS),
        encoding: 'utf8',
      });
      expect({ status, stdout, stderr }).toEqual({ status: 0, stdout: '', stderr: '' });
    },
  );
});
