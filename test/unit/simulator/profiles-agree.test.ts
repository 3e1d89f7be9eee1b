import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import type { MeterProfile } from '../../../hal/contract/index.ts';
import { METER_MODELS, QUANTITIES } from '../../../hal/simulator/index.ts';
import type { QuantityField } from '../../../hal/simulator/register-map.ts';

// The profiles (hal/profile/models) and the simulated meters (hal/simulator/models) were written apart from each other, from
// the makers' documents. Where both know a meter, they must say the same about each register: a slip of the pen on one side
// shows here, and is settled by the document.

const FOLDER = new URL('../../../hal/profile/models/', import.meta.url);
const profiles = readdirSync(FOLDER)
  .filter((name) => name.endsWith('.yaml'))
  .map((name) => parse(readFileSync(new URL(name, FOLDER), 'utf8')) as MeterProfile)
  .filter(({ id }) => METER_MODELS.has(id));

function asProfileSays({ address, layout, quantity, resolution, unitExponent, encoding }: QuantityField) {
  return {
    obis: QUANTITIES[quantity].obis,
    unit: QUANTITIES[quantity].unit,
    registerAddress: address,
    type: layout === 'f32' ? 'float32' : layout === 's32low' ? 's32' : layout,
    byteOrder: layout === 's32low' ? 'CDAB' : 'ABCD',
    decimalExponent: layout === 'f32' ? (unitExponent ?? 0) : resolution,
    // A profile has no word for it: such a register must not be in one.
    encoding: encoding ?? 'plain',
  };
}

it('all simulated meters have a profile', () => {
  expect(profiles.map(({ id }) => id).sort()).toEqual([...METER_MODELS.keys()].sort());
});

describe.each(profiles)(
  'the profile and the simulated meter $id agree',
  ({ id, points, identity, link, probe }) => {
    const model = METER_MODELS.get(id);
    const serial = id.startsWith('carlo') ? 'KS0340123456A' : '24130001';
    const constants = model?.constants(serial) ?? [];

    it.each(points.map((point) => ({ point, obis: point.obis })))('on $obis', ({ point }) => {
      const field = model?.fields.find(({ quantity }) => QUANTITIES[quantity].obis === point.obis);
      expect(field && asProfileSays(field)).toEqual({
        obis: point.obis,
        unit: point.unit,
        registerAddress: point.registerAddress,
        type: point.type,
        byteOrder: point.byteOrder,
        decimalExponent: point.decimalExponent,
        encoding: 'plain',
      });
      expect(model?.tables).toContain(point.table);
    });

    it('on the place of the serial number and on what identifies the model', () => {
      const tables = model?.constantTables ?? model?.tables;
      for (const field of [...(identity.serial ? [identity.serial] : []), ...(probe ?? [])]) {
        expect(constants.map(({ address }) => address)).toContain(field.registerAddress);
        expect(tables).toContain(field.table);
      }
    });

    it('on how many registers a request may ask for', () => {
      expect(link.maxRegistersPerRead).toBeLessThanOrEqual(model?.maxRegisters ?? 0);
    });
  },
);
