import type { Quantity } from '../quantity.ts';
import {
  asciiWords,
  u32Words,
  type MeterModel,
  type QuantityField,
  type WordLayout,
} from '../register-map.ts';

/**
 * ABB B23 (direct connected, three phases). Public document: "B23/B24 User Manual" 2CMC485003M0201, chapter
 * "Communication with Modbus". Everything in holding registers (function 3), scaled integers, high word first;
 * energies count 0.01 kWh, powers 0.01 W, voltages 0.1 V, currents 0.01 A, power factors 0.001. Gaps inside of a block are
 * simulated with all bits set, so that a reader who takes one for a value is noticed.
 */
const field = (
  address: number,
  layout: WordLayout,
  quantity: Quantity,
  resolution: number,
): QuantityField => ({ address, layout, quantity, resolution });

export const B23: MeterModel = {
  id: 'abb-b23',
  tables: ['holding'],
  serialPattern: /^[1-9]\d{5,8}$/,
  filler: 0xffff,
  maxRegisters: 125,
  constants: (serial) => [
    { address: 0x8900, words: u32Words(Number(serial)) },
    { address: 0x8908, words: asciiWords('B2.22.0', 8) },
    { address: 0x8910, words: [0x0010] },
    { address: 0x8960, words: asciiWords('B23 112-100', 6, 0x20) },
  ],
  fields: [
    field(0x5000, 'u64', 'energyImport', 1),
    field(0x5004, 'u64', 'energyExport', 1),
    field(0x5008, 's64', 'energyNet', 1),
    field(0x500c, 'u64', 'reactiveEnergyImport', 1),
    field(0x5010, 'u64', 'reactiveEnergyExport', 1),
    field(0x5018, 'u64', 'apparentEnergy', 1),
    field(0x5460, 'u64', 'energyImportL1', 1),
    field(0x5464, 'u64', 'energyImportL2', 1),
    field(0x5468, 'u64', 'energyImportL3', 1),
    field(0x5b00, 'u32', 'voltageL1', -1),
    field(0x5b02, 'u32', 'voltageL2', -1),
    field(0x5b04, 'u32', 'voltageL3', -1),
    field(0x5b0c, 'u32', 'currentL1', -2),
    field(0x5b0e, 'u32', 'currentL2', -2),
    field(0x5b10, 'u32', 'currentL3', -2),
    field(0x5b12, 'u32', 'currentNeutral', -2),
    field(0x5b14, 's32', 'power', -2),
    field(0x5b16, 's32', 'powerL1', -2),
    field(0x5b18, 's32', 'powerL2', -2),
    field(0x5b1a, 's32', 'powerL3', -2),
    field(0x5b1c, 's32', 'reactive', -2),
    field(0x5b1e, 's32', 'reactiveL1', -2),
    field(0x5b20, 's32', 'reactiveL2', -2),
    field(0x5b22, 's32', 'reactiveL3', -2),
    field(0x5b24, 's32', 'apparent', -2),
    field(0x5b26, 's32', 'apparentL1', -2),
    field(0x5b28, 's32', 'apparentL2', -2),
    field(0x5b2a, 's32', 'apparentL3', -2),
    field(0x5b2c, 'u16', 'frequency', -2),
    field(0x5b3a, 's16', 'powerFactor', -3),
    field(0x5b3b, 's16', 'powerFactorL1', -3),
    field(0x5b3c, 's16', 'powerFactorL2', -3),
    field(0x5b3d, 's16', 'powerFactorL3', -3),
  ],
  readable: [
    { first: 0x5000, last: 0x5023 },
    { first: 0x5460, last: 0x54c3 },
    { first: 0x5b00, last: 0x5b42 },
    { first: 0x8900, last: 0x8917 },
  ],
};
