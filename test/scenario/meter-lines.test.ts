import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ENERGY_IMPORT, type Line } from '../../hal/contract/index.ts';
import { loadProfile } from '../../hal/profile/index.ts';
import { startSimulatedStation, type SimulatedStation } from '../../hal/simulator/index.ts';
import { asReading, lineTo, meterOn } from '../support/meters/meter-station.ts';
import { PTY_NOTE, WHY_NO_PTY } from '../support/meters/pty.ts';
import { checkReading } from '../support/meters/truth.ts';

// The simulated meters share no code with the driver: they encode, the driver decodes, and the simulator's own memory of
// what each meter showed judges every value.

const MODELS = [
  { model: 'eastron-sdm630', serial: '24130001', requests: 1 },
  { model: 'eastron-sdm72d-m', serial: '23990417', requests: 2 },
  { model: 'abb-b23', serial: '10543311', requests: 2 },
  { model: 'carlo-gavazzi-em340', serial: 'KS0340123456A', requests: 2 },
  { model: 'schneider-iem3155', serial: '12004711', requests: 2 },
];

describe.each([
  { kind: 'tcp' as const, skip: false, note: '' },
  { kind: 'rtuOverTcp' as const, skip: false, note: '' },
  { kind: 'pty' as const, skip: WHY_NO_PTY !== undefined, note: PTY_NOTE },
])('five meters of five makers on $kind $note', ({ kind, skip }) => {
  let station: SimulatedStation;
  let line: Line;

  beforeAll(async () => {
    if (skip) return;
    station = await startSimulatedStation({
      seed: 7,
      pace: 60,
      solarPeakW: 9_000,
      meters: MODELS.map(({ model, serial }, index) => ({
        id: model,
        model,
        serial,
        unitId: index + 1,
        on: kind,
        startWh: 4_000_000,
        ...(index === 4 ? { measures: 'grid' as const } : {}),
      })),
    });
    line = lineTo(station, kind);
  });

  afterAll(async () => {
    await line?.close();
    await station?.stop();
  });

  it.skipIf(skip)('show what the meters showed, value by value, read at the same time', async () => {
    const meters = await Promise.all(station.meters.map((meter) => meterOn(line, meter)));
    const samples = await Promise.all(
      Array.from({ length: 8 }, () => meters.map((meter) => meter.readSample())).flat(),
    );
    const verdicts = samples.map((sample) => checkReading(station.truth, asReading(sample)));
    expect(verdicts.flatMap(({ mismatches }) => mismatches)).toEqual([]);
    const checked = verdicts.reduce((sum, verdict) => sum + verdict.checked, 0);
    const profiles = await Promise.all(MODELS.map(({ model }) => loadProfile(model)));
    expect(checked).toBe(8 * profiles.reduce((sum, { points }) => sum + points.length, 0));
    expect(line.statistics().errors).toEqual({});
  });

  it.skipIf(skip).each(MODELS)(
    'take $requests request(s) for a sample of $model',
    async ({ model, requests }) => {
      const entry = station.meters.find((meter) => meter.model === model);
      if (entry === undefined) throw new Error('no such meter');
      const meter = await meterOn(line, entry);
      await meter.readSample();
      const before = line.statistics().requests;
      const sample = await meter.readSample('billing');
      expect(line.statistics().requests - before).toBe(requests);
      expect(sample.values.map(({ obis }) => obis)).toContain(ENERGY_IMPORT);
      expect(sample.missing).toEqual([]);
      expect(sample.readBeginMonoMs).toBeLessThan(sample.readEndMonoMs);
    },
  );

  it.skipIf(skip).each(MODELS)('are identified by serial number: $model', async ({ model, serial }) => {
    const entry = station.meters.find((meter) => meter.model === model);
    if (entry === undefined) throw new Error('no such meter');
    expect(await (await meterOn(line, entry)).identify()).toMatchObject({ serial });
  });
});

describe('a meter that is not the one of its profile', () => {
  let station: SimulatedStation;
  beforeAll(async () => {
    station = await startSimulatedStation({
      seed: 8,
      meters: [{ id: 'a', model: 'eastron-sdm72d-m', serial: '23990417', unitId: 1, on: 'tcp' }],
    });
  });
  afterAll(() => station.stop());

  it('is recognised by its meter code', async () => {
    const line = lineTo(station, 'tcp');
    const meter = await meterOn(line, { unitId: 1, model: 'eastron-sdm630' });
    await expect(meter.identify()).rejects.toMatchObject({ code: 'meter.incompatible', remedy: 'operator' });
    await line.close();
  });

  it('shows what it has; registers that it lacks are missing, and are not asked for again', async () => {
    const line = lineTo(station, 'tcp');
    const meter = await meterOn(line, { unitId: 1, model: 'eastron-sdm630' });
    const first = await meter.readSample();
    expect(first.values.map(({ obis }) => obis).sort()).toEqual([
      '1-0:1.8.0*255',
      '1-0:16.7.0*255',
      '1-0:2.8.0*255',
    ]);
    expect(new Set(first.missing?.map(({ quality }) => quality))).toEqual(new Set(['R']));
    const { requests } = line.statistics();
    await meter.readSample();
    expect(line.statistics().requests - requests).toBeLessThanOrEqual(3);
    await line.close();
  });
});
