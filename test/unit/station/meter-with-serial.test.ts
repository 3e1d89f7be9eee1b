import { describe, expect, it } from 'vitest';
import type { EnergyMeter } from '../../../hal/contract/index.ts';
import { meterWithSerial } from '../../../src/station/meters/meter-with-serial.ts';

function meterThatTells(serials: string[]): EnergyMeter {
  const next = () => serials.shift() ?? '';
  return {
    id: 'grid',
    profileId: 'test',
    identify: () => Promise.resolve({ serial: next(), firmware: '1.2' }),
    readSample: () =>
      Promise.resolve({
        meterSerial: next(),
        profileId: 'test',
        readBeginMonoMs: 10,
        readEndMonoMs: 20,
        values: [],
      }),
  };
}

describe('a meter whose serial number the configuration gives', () => {
  it('has it where the meter tells none', async () => {
    const meter = meterWithSerial(meterThatTells(['', '']), '12345');
    expect(await meter.identify()).toEqual({ serial: '12345', firmware: '1.2' });
    expect(await meter.readSample()).toMatchObject({ meterSerial: '12345', readEndMonoMs: 20 });
  });

  it('is read as before where the meter tells the same', async () => {
    const meter = meterWithSerial(meterThatTells(['12345', '12345']), '12345');
    expect((await meter.identify()).serial).toBe('12345');
    expect((await meter.readSample()).meterSerial).toBe('12345');
  });

  it('gives no value of another meter, and goes on when its own is back', async () => {
    const meter = meterWithSerial(meterThatTells(['99999', '99999', '12345']), '12345');
    const refused = { code: 'meter.incompatible', details: { told: '99999', expected: '12345' } };
    await expect(meter.identify()).rejects.toMatchObject(refused);
    await expect(meter.readSample()).rejects.toMatchObject(refused);
    expect((await meter.readSample()).meterSerial).toBe('12345');
  });
});
