import type { Quantity } from '../quantity.ts';
import { asciiWords, type MeterModel, type QuantityField, type WordLayout } from '../register-map.ts';

/**
 * Carlo Gavazzi EM340. Public document: "EM300 Series and ET300 Series Communication Protocol", version 2 revision 17.
 * Functions 3 and 4 read the same registers; 32-bit numbers have their low word first; at most 50 registers a request.
 * Serial number: 13 characters in 5000h to 5006h. 000Bh alone answers the identification code (340).
 */
const field = (
  address: number,
  layout: WordLayout,
  quantity: Quantity,
  resolution: number,
): QuantityField => ({ address, layout, quantity, resolution });

export const EM340: MeterModel = {
  id: 'carlo-gavazzi-em340',
  tables: ['input', 'holding'],
  serialPattern: /^[A-Z0-9]{7,13}$/,
  filler: 0,
  maxRegisters: 50,
  constants: (serial) => [
    { address: 0x000b, words: [340], onlyAlone: true },
    { address: 0x5000, words: asciiWords(serial, 7) },
    { address: 0x5007, words: [2024] },
  ],
  fields: [
    field(0x0000, 's32low', 'voltageL1', -1),
    field(0x0002, 's32low', 'voltageL2', -1),
    field(0x0004, 's32low', 'voltageL3', -1),
    field(0x000c, 's32low', 'currentL1', -3),
    field(0x000e, 's32low', 'currentL2', -3),
    field(0x0010, 's32low', 'currentL3', -3),
    field(0x0012, 's32low', 'powerL1', -1),
    field(0x0014, 's32low', 'powerL2', -1),
    field(0x0016, 's32low', 'powerL3', -1),
    field(0x0018, 's32low', 'apparentL1', -1),
    field(0x001a, 's32low', 'apparentL2', -1),
    field(0x001c, 's32low', 'apparentL3', -1),
    field(0x001e, 's32low', 'reactiveL1', -1),
    field(0x0020, 's32low', 'reactiveL2', -1),
    field(0x0022, 's32low', 'reactiveL3', -1),
    field(0x0024, 's32low', 'voltageMean', -1),
    field(0x0028, 's32low', 'power', -1),
    field(0x002a, 's32low', 'apparent', -1),
    field(0x002c, 's32low', 'reactive', -1),
    field(0x002e, 's16', 'powerFactorL1', -3),
    field(0x002f, 's16', 'powerFactorL2', -3),
    field(0x0030, 's16', 'powerFactorL3', -3),
    field(0x0031, 's16', 'powerFactor', -3),
    field(0x0033, 's16', 'frequency', -1),
    field(0x0034, 's32low', 'energyImport', 2),
    field(0x0036, 's32low', 'reactiveEnergyImport', 2),
    field(0x0040, 's32low', 'energyImportL1', 2),
    field(0x0042, 's32low', 'energyImportL2', 2),
    field(0x0044, 's32low', 'energyImportL3', 2),
    field(0x004e, 's32low', 'energyExport', 2),
    field(0x0050, 's32low', 'reactiveEnergyExport', 2),
  ],
  readable: [{ first: 0x0000, last: 0x005b }],
};
