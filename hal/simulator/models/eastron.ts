import type { Quantity } from '../quantity.ts';
import { u32Words, type ConstantField, type MeterModel, type QuantityField } from '../register-map.ts';

/**
 * Eastron: float32 in input registers (function 4), high word first; settings and identity in holding registers
 * (function 3). Energies in kWh, powers in W. Public documents: "SDM630 Modbus Protocol", "SDM72D-M Modbus Protocol"
 * V1.1 and "SDM72D-M-2 Modbus Protocol" (the second generation, with values per phase). The documents allow 30 or 40
 * parameters in a request, each whole and from an even address.
 */
const f32 = (address: number, quantity: Quantity, resolution: number, unitExponent = 0): QuantityField => ({
  address,
  layout: 'f32',
  quantity,
  resolution,
  unitExponent,
});
const kilo = (address: number, quantity: Quantity): QuantityField => f32(address, quantity, 0, 3);

/** 0xFC00: serial number, unsigned 32 bits; 0xFC02: meter code; 0xFC03: software version. */
const identity =
  (meterCode: number) =>
  (serial: string): readonly ConstantField[] => [
    { address: 0xfc00, words: u32Words(Number(serial)) },
    { address: 0xfc02, words: [meterCode] },
    { address: 0xfc03, words: [0x0124] },
  ];

const COMMON = {
  tables: ['input'],
  constantTables: ['holding'],
  serialPattern: /^[1-9]\d{6,8}$/,
  filler: 0,
  maxRegisters: 80,
  pairsOnly: true,
} as const;

/** Where the SDM630 and the second generation of the SDM72D-M agree. */
const THREE_PHASES: readonly QuantityField[] = [
  f32(0x0000, 'voltageL1', -1),
  f32(0x0002, 'voltageL2', -1),
  f32(0x0004, 'voltageL3', -1),
  f32(0x0006, 'currentL1', -3),
  f32(0x0008, 'currentL2', -3),
  f32(0x000a, 'currentL3', -3),
  f32(0x000c, 'powerL1', -1),
  f32(0x000e, 'powerL2', -1),
  f32(0x0010, 'powerL3', -1),
  f32(0x0012, 'apparentL1', -1),
  f32(0x0014, 'apparentL2', -1),
  f32(0x0016, 'apparentL3', -1),
  f32(0x0018, 'reactiveL1', -1),
  f32(0x001a, 'reactiveL2', -1),
  f32(0x001c, 'reactiveL3', -1),
  f32(0x001e, 'powerFactorL1', -3),
  f32(0x0020, 'powerFactorL2', -3),
  f32(0x0022, 'powerFactorL3', -3),
  f32(0x002a, 'voltageMean', -1),
  f32(0x0030, 'currentSum', -3),
  f32(0x0034, 'power', -1),
  f32(0x0038, 'apparent', -1),
  f32(0x003c, 'reactive', -1),
  f32(0x003e, 'powerFactor', -3),
  f32(0x0046, 'frequency', -2),
  kilo(0x0048, 'energyImport'),
  kilo(0x004a, 'energyExport'),
  f32(0x00e0, 'currentNeutral', -3),
  kilo(0x0156, 'energySum'),
];

export const SDM630: MeterModel = {
  ...COMMON,
  id: 'eastron-sdm630',
  constants: identity(0x0070),
  fields: [
    ...THREE_PHASES,
    kilo(0x004c, 'reactiveEnergyImport'),
    kilo(0x004e, 'reactiveEnergyExport'),
    kilo(0x0050, 'apparentEnergy'),
    kilo(0x015a, 'energyImportL1'),
    kilo(0x015c, 'energyImportL2'),
    kilo(0x015e, 'energyImportL3'),
  ],
  readable: [
    { first: 0x0000, last: 0x0057 },
    { first: 0x0064, last: 0x006b },
    { first: 0x00c8, last: 0x00ff },
    { first: 0x014e, last: 0x017d },
  ],
};

/** At most 30 parameters in a request. */
export const SDM72D_M: MeterModel = {
  ...COMMON,
  id: 'eastron-sdm72d-m',
  maxRegisters: 60,
  constants: identity(0x0084),
  fields: [
    f32(0x0034, 'power', -1),
    kilo(0x0048, 'energyImport'),
    kilo(0x004a, 'energyExport'),
    kilo(0x0156, 'energySum'),
    f32(0x0500, 'powerImport', -1),
    f32(0x0502, 'powerExport', -1),
  ],
  readable: [{ first: 0x0180, last: 0x0187 }],
};

/** Meter code 0089h. */
export const SDM72D_M_V2: MeterModel = {
  ...COMMON,
  id: 'eastron-sdm72d-m-v2',
  maxRegisters: 60,
  constants: identity(0x0089),
  fields: [
    ...THREE_PHASES,
    kilo(0x018c, 'energyNet'),
    f32(0x0500, 'powerImport', -1),
    f32(0x0502, 'powerExport', -1),
  ],
  readable: [
    { first: 0x0000, last: 0x004b },
    { first: 0x00c8, last: 0x00cf },
    { first: 0x0156, last: 0x0159 },
    { first: 0x0180, last: 0x018d },
  ],
};
