/** Registers of a device by address; what is not in it the device does not have. */
export type Registers = ReadonlyMap<number, number>;

export interface SunSpecModelContent {
  readonly id: number;
  /** Registers behind the header. */
  readonly content: readonly number[];
}

/** A map as the specification lays it out: marker, models one behind the other, and the end model unless told. */
export function sunSpecRegisters(
  base: number,
  models: readonly SunSpecModelContent[],
  { end = true }: { readonly end?: boolean } = {},
): Map<number, number> {
  const words = [
    0x5375,
    0x6e53,
    ...models.flatMap(({ id, content }) => [id, content.length, ...content]),
    ...(end ? [0xffff, 0] : []),
  ];
  return new Map(words.map((word, index) => [base + index, word]));
}

/** Model 1. */
export function commonModel(
  texts: {
    readonly maker: string;
    readonly model: string;
    readonly version: string;
    readonly serial: string;
  },
  length: 65 | 66 = 65,
): SunSpecModelContent {
  const { maker, model, version, serial } = texts;
  const content = [
    ...words(maker, 16),
    ...words(model, 16),
    ...words('', 8),
    ...words(version, 8),
    ...words(serial, 16),
    1,
    0x8000,
  ];
  return { id: 1, content: content.slice(0, length) };
}

export const NO_INT16 = 0x8000;
const NO_FLOAT32 = [0x7fc0, 0x0000];

/** Models 201 to 204: values by offset from the model's id; the rest says that it is not implemented. */
export function integerMeter(
  id: number,
  values: Readonly<Record<number, number>>,
  counters: Readonly<Record<number, number>>,
  length = 105,
): SunSpecModelContent {
  const content = Array.from({ length: 105 }, (_, i): number => (i + 2 >= 38 ? 0 : NO_INT16));
  for (const scaleFactor of [54, 71, 104]) content[scaleFactor - 2] = NO_INT16;
  for (const [offset, value] of Object.entries(values)) content[Number(offset) - 2] = value & 0xffff;
  for (const [offset, value] of Object.entries(counters)) {
    content[Number(offset) - 2] = value >>> 16;
    content[Number(offset) - 1] = value & 0xffff;
  }
  return { id, content: content.slice(0, length) };
}

/** Models 211 to 214. */
export function floatMeter(
  id: number,
  values: Readonly<Record<number, number>>,
  length = 124,
): SunSpecModelContent {
  const content = Array.from({ length: 62 }, () => NO_FLOAT32).flat();
  for (const [offset, value] of Object.entries(values)) {
    const bytes = Buffer.alloc(4);
    bytes.writeFloatBE(value);
    content[Number(offset) - 2] = bytes.readUInt16BE(0);
    content[Number(offset) - 1] = bytes.readUInt16BE(2);
  }
  return { id, content: content.slice(0, length) };
}

/** The registers asked for, or undefined when the device lacks one of them. */
export function readRegisters(registers: Registers, from: number, count: number): Uint8Array | undefined {
  const bytes = Buffer.alloc(2 * count);
  for (let i = 0; i < count; i++) {
    const word = registers.get(from + i);
    if (word === undefined) return undefined;
    bytes.writeUInt16BE(word, 2 * i);
  }
  return new Uint8Array(bytes);
}

function words(text: string, count: number): number[] {
  const bytes = Buffer.alloc(2 * count);
  bytes.write(text, 'latin1');
  return Array.from({ length: count }, (_, i) => bytes.readUInt16BE(2 * i));
}
