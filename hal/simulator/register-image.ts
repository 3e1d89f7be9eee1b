import { decimal, type Decimal, type ObisCode, type Unit } from '../contract/index.ts';
import { QUANTITIES, type Quantities } from './quantity.ts';
import { showField, wordsOf, type MeterModel, type Quadrant, type RegisterTable } from './register-map.ts';

/** One value as a meter shows it, in the unit of its OBIS code. */
export interface ShownValue {
  readonly value: Decimal;
  readonly unit: Unit;
}

/** What a meter shows at one moment: a mantissa for each field of its model, in their order, and the registers that say so. */
export interface Shown {
  readonly mantissas: BigInt64Array;
  readonly words: ReadonlyMap<number, number>;
}

/** Everything that a meter of this model shows for these quantities. */
export function showAll(model: MeterModel, quantities: Quantities): Shown {
  const quadrant = quadrantOf(quantities);
  const mantissas = new BigInt64Array(model.fields.length);
  const words = new Map<number, number>();
  model.fields.forEach((field, index) => {
    const shown = showField(field, quantities[field.quantity], quadrant);
    mantissas[index] = shown.mantissa;
    shown.words.forEach((word, offset) => words.set(field.address + offset, word));
  });
  return { mantissas, words };
}

/** The same as values by OBIS code. */
export function shownValues(model: MeterModel, mantissas: BigInt64Array): ReadonlyMap<ObisCode, ShownValue> {
  return new Map(
    model.fields.map((field, index) => {
      const { obis, unit } = QUANTITIES[field.quantity];
      return [obis, { value: decimal(mantissas[index] ?? 0n, field.resolution), unit }];
    }),
  );
}

/** Modbus exception codes (Modbus Application Protocol V1.1b3 §7) that a meter answers by itself. */
export type ReadRefusal = 'illegalAddress' | 'illegalValue';

/** The registers asked for, or why a real meter refuses. */
export function readRegisters(
  model: MeterModel,
  serial: string,
  shown: Shown,
  request: { readonly table: RegisterTable; readonly address: number; readonly count: number },
): readonly number[] | ReadRefusal {
  const { table, address, count } = request;
  if (count < 1 || count > model.maxRegisters) return 'illegalValue';
  const constants = readConstants(model, serial, request);
  if (constants !== undefined) return constants;
  if (!model.tables.includes(table)) return 'illegalAddress';
  if (model.pairsOnly === true && (address % 2 !== 0 || count % 2 !== 0)) return 'illegalAddress';
  const words: number[] = [];
  for (let register = address; register < address + count; register++) {
    const word = shown.words.get(register) ?? (isReadable(model, register) ? model.filler : undefined);
    if (word === undefined) return 'illegalAddress';
    words.push(word);
  }
  return words;
}

function readConstants(
  model: MeterModel,
  serial: string,
  { table, address, count }: { table: RegisterTable; address: number; count: number },
): readonly number[] | undefined {
  if (!(model.constantTables ?? model.tables).includes(table)) return undefined;
  const words = new Map<number, number>();
  for (const constant of model.constants(serial)) {
    if (constant.onlyAlone === true && (address !== constant.address || count !== constant.words.length))
      continue;
    constant.words.forEach((word, index) => words.set(constant.address + index, word));
  }
  const asked = Array.from({ length: count }, (_, index) => address + index);
  if (!asked.some((register) => words.has(register))) return undefined;
  const found = asked.map((register) =>
    words.has(register) || isReadable(model, register) ? (words.get(register) ?? model.filler) : undefined,
  );
  return found.every((word) => word !== undefined) ? found : undefined;
}

function isReadable(model: MeterModel, register: number): boolean {
  return model.readable.some(({ first, last }) => register >= first && register <= last);
}

function quadrantOf(quantities: Quantities): Quadrant {
  const inductive = quantities.reactive >= 0n;
  if (quantities.power >= 0n) return inductive ? 1 : 4;
  return inductive ? 2 : 3;
}

/** Registers that the fields of a model occupy; for checks that no two fields overlap. */
export function occupiedRegisters(model: MeterModel): readonly number[] {
  return model.fields.flatMap((field) =>
    Array.from({ length: wordsOf(field.layout) }, (_, index) => field.address + index),
  );
}
