import { describe, expect, it } from 'vitest';
import { obis } from '../../../hal/contract/index.ts';
import { announceTo } from '../../../src/station/telemetry/outlets/home-assistant-news.ts';
import { RecentValues } from '../../../src/station/telemetry/outlets/recent-values.ts';
import type { Announcement } from '../../../src/telemetry/index.ts';
import { measured, readingOf } from '../../support/telemetry/metric-facts.ts';

const ENERGY = measured('1-0:1.8.0*255', 'Wh', 10n);
const VOLTAGE = measured('1-0:32.7.0*255', 'V', 230n);

describe('what Prometheus sees of a meter', () => {
  const shown = (values: RecentValues): string[] =>
    values.samples.get('m')?.values.map(({ obis: code, value }) => `${code} ${value.mantissa}`) ?? [];

  it('is the newest value of each quantity, also of one that was not asked for this time', () => {
    const values = new RecentValues();
    values.put('m', readingOf(ENERGY, VOLTAGE));
    values.put('m', readingOf(measured('1-0:1.8.0*255', 'Wh', 11n)));
    values.put('m', readingOf(measured('1-0:1.8.0*255', 'Wh', 12n)));
    expect(shown(values)).toEqual(['1-0:1.8.0*255 12', '1-0:32.7.0*255 230']);
  });

  it('is without a quantity that the meter has no value for any more', () => {
    const values = new RecentValues();
    values.put('m', readingOf(ENERGY, VOLTAGE));
    const missing = [{ obis: obis('1-0:32.7.0*255'), unit: 'V', quality: 'N' }] as const;
    values.put('m', { ...readingOf(ENERGY), missing });
    expect(shown(values)).toEqual(['1-0:1.8.0*255 10']);
  });

  it('is nothing of the meter that stood there before', () => {
    const values = new RecentValues();
    values.put('m', readingOf(ENERGY, VOLTAGE));
    values.put('m', { ...readingOf(ENERGY), meterSerial: 'another' });
    expect(shown(values)).toEqual(['1-0:1.8.0*255 10']);
  });
});

describe('what Home Assistant is told as readings come', () => {
  function announced(homeAssistant?: { prefix: string }): {
    all: Announcement[];
    tell: ReturnType<typeof announceTo>;
  } {
    const all: Announcement[] = [];
    const mqtt = { url: 'mqtt://b', bytesPerDay: null, logLevel: 'off' as const };
    const tell = announceTo(
      { announce: (one) => void all.push(one) },
      {
        station: { name: 'S' },
        telemetry: { mqtt: { ...mqtt, ...(homeAssistant && { homeAssistant }) }, operators: [] },
      },
      '0.2.0',
    );
    return { all, tell };
  }

  it('is the station at once, and a meter when a reading has a quantity that is new', () => {
    const { all, tell } = announced({ prefix: 'homeassistant' });
    for (const sample of [
      readingOf(ENERGY),
      readingOf(ENERGY),
      readingOf(ENERGY, VOLTAGE),
      readingOf(VOLTAGE),
    ])
      tell({ meterId: 'm', sample });
    expect(all.map(({ topic }) => topic)).toEqual([
      'homeassistant/device/S/config',
      'homeassistant/device/S__m/config',
      'homeassistant/device/S__m/config',
    ]);
    expect(JSON.stringify(all.at(-1)?.document)).toContain('voltage L1');
  });

  it('is the new meter, when another one stands in its place', () => {
    const { all, tell } = announced({ prefix: 'ha' });
    tell({ meterId: 'm', sample: readingOf(ENERGY, VOLTAGE) });
    tell({ meterId: 'm', sample: { ...readingOf(ENERGY), meterSerial: 'another' } });
    expect(JSON.stringify(all.at(-1)?.document)).toContain('"sn":"another"');
    expect(JSON.stringify(all.at(-1)?.document)).not.toContain('voltage');
  });

  it('is bounded, whatever a meter claims to measure', () => {
    const { all, tell } = announced({ prefix: 'ha' });
    for (let n = 0; n < 255; n++)
      tell({ meterId: 'm', sample: readingOf(measured(`1-0:${n}.7.0*255`, 'V', 1n)) });
    expect(all.length).toBe(1 + 128);
  });

  it('is nothing where it is not configured', () => {
    const { all, tell } = announced();
    tell({ meterId: 'm', sample: readingOf(ENERGY) });
    expect(all).toEqual([]);
  });
});
