import type { Quantity } from '../quantity.ts';
import { asciiWords, u32Words, type MeterModel, type QuantityField } from '../register-map.ts';

/**
 * Schneider Electric Acti9 iEM3155 (direct connected, 63 A). Public document: "iEM3100 / iEM3200 / iEM3300 series user
 * manual" DOCA0005EN, Modbus register list. Holding registers, function 3; the manual counts from 1, so register 3204 is
 * address 3203 on the wire. Powers are float32 in kW, energies signed 64-bit in Wh. The total power factor is a 4Q_FP_PF:
 * its value also tells the quadrant.
 */
const register = (
  number: number,
  quantity: Quantity,
  resolution: number,
  unitExponent = 0,
): QuantityField => ({ address: number - 1, layout: 'f32', quantity, resolution, unitExponent });
const energy = (number: number, quantity: Quantity): QuantityField => ({
  address: number - 1,
  layout: 's64',
  quantity,
  resolution: 0,
});

export const IEM3155: MeterModel = {
  id: 'schneider-iem3155',
  tables: ['holding'],
  serialPattern: /^[1-9]\d{5,8}$/,
  filler: 0x8000,
  maxRegisters: 125,
  constants: (serial) => [
    { address: 29, words: asciiWords('Energy Meter', 20) },
    { address: 49, words: asciiWords('iEM3155', 20) },
    { address: 69, words: asciiWords('Schneider Electric', 20) },
    { address: 129, words: u32Words(Number(serial)) },
    { address: 1636, words: [14002] },
  ],
  fields: [
    register(3000, 'currentL1', -3),
    register(3002, 'currentL2', -3),
    register(3004, 'currentL3', -3),
    register(3028, 'voltageL1', -1),
    register(3030, 'voltageL2', -1),
    register(3032, 'voltageL3', -1),
    register(3036, 'voltageMean', -1),
    register(3054, 'powerL1', 0, 3),
    register(3056, 'powerL2', 0, 3),
    register(3058, 'powerL3', 0, 3),
    register(3060, 'power', 0, 3),
    register(3068, 'reactive', 0, 3),
    register(3076, 'apparent', 0, 3),
    { ...register(3084, 'powerFactor', -3), encoding: 'fourQuadrantPowerFactor' },
    register(3110, 'frequency', -2),
    energy(3204, 'energyImport'),
    energy(3208, 'energyExport'),
    energy(3220, 'reactiveEnergyImport'),
    energy(3224, 'reactiveEnergyExport'),
    energy(3518, 'energyImportL1'),
    energy(3522, 'energyImportL2'),
    energy(3526, 'energyImportL3'),
  ],
  readable: [
    { first: 29, last: 138 },
    { first: 2999, last: 3110 },
    { first: 3203, last: 3274 },
    { first: 3517, last: 3528 },
  ],
};
