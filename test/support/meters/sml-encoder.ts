// What a meter that speaks SML does: values into telegrams. Written apart from hal/driver/sml, to test it and to seed the
// fuzzer; it shares no code with the decoder, the checksum included.

/** `null` is an element that is left out; numbers are coded in as few bytes as they need unless `bytes` says more. */
export type SmlElement =
  | null
  | boolean
  | Uint8Array
  | { readonly int: bigint; readonly bytes?: number }
  | { readonly uint: bigint; readonly bytes?: number }
  | readonly SmlElement[];

export type SmlChecksum = 'x25' | 'kermit';

export interface SmlEntry {
  /** Six bytes, or the groups of an OBIS code. */
  readonly obis: readonly number[];
  readonly status?: SmlElement;
  readonly time?: SmlElement;
  readonly unit?: number;
  readonly scaler?: number;
  readonly value: SmlElement;
}

export interface SmlTelegramPlan {
  readonly serverId: Uint8Array;
  readonly entries: readonly SmlEntry[];
  readonly sensorTime?: SmlElement;
  /** Of the messages and of the frame; X-25 unless told. */
  readonly messageChecksum?: SmlChecksum;
  readonly frameChecksum?: SmlChecksum;
}

const ESCAPE = [0x1b, 0x1b, 0x1b, 0x1b];

export function encodeElement(element: SmlElement): Uint8Array {
  if (element === null) return Uint8Array.of(0x01);
  if (typeof element === 'boolean') return Uint8Array.of(0x42, element ? 0xff : 0x00);
  if (element instanceof Uint8Array) return concat(typeLength(0, element.length), element);
  if (isList(element)) return concat(listHead(element.length), ...element.map(encodeElement));
  const signed = 'int' in element;
  const value = signed ? element.int : element.uint;
  const bytes = bigEndian(value, element.bytes ?? bytesNeeded(value, signed));
  return concat(typeLength(signed ? 5 : 6, bytes.length), bytes);
}

/** One message with its checksum and end. */
export function encodeMessage(
  tag: number,
  content: SmlElement,
  checksum: SmlChecksum = 'x25',
  id = 1,
): Uint8Array {
  const head = concat(
    Uint8Array.of(0x76),
    ...[Uint8Array.of(0, 0, 0, id & 0xff), { uint: 0n }, { uint: 0n }, [{ uint: BigInt(tag) }, content]].map(
      encodeElement,
    ),
  );
  const value = BigInt(checksumAsSent(head, checksum));
  return concat(head, encodeElement({ uint: value }), Uint8Array.of(0));
}

/** Transport version 1 around the messages of a file: escapes doubled, fill bytes, checksum. */
export function encodeFrame(file: Uint8Array, checksum: SmlChecksum = 'x25'): Uint8Array {
  const fill = (4 - (file.length % 4)) % 4;
  const head = concat(
    Uint8Array.from([...ESCAPE, 1, 1, 1, 1]),
    withDoubledEscapes(concat(file, new Uint8Array(fill))),
    Uint8Array.from([...ESCAPE, 0x1a, fill]),
  );
  const crc = checksumAsSent(head, checksum);
  return concat(head, Uint8Array.of(crc >> 8, crc & 0xff));
}

/** What a basic meter pushes: open response, list response, close response. */
export function encodeTelegram(plan: SmlTelegramPlan): Uint8Array {
  const { serverId, messageChecksum = 'x25' } = plan;
  const open = [null, null, Uint8Array.of(0, 0, 0, 9), serverId, null, null];
  const list = [null, serverId, null, plan.sensorTime ?? null, plan.entries.map(entryElement), null, null];
  return encodeFrame(
    concat(
      encodeMessage(0x101, open, messageChecksum, 1),
      encodeMessage(0x701, list, messageChecksum, 2),
      encodeMessage(0x201, [null], messageChecksum, 3),
    ),
    plan.frameChecksum,
  );
}

/** The ten bytes of DIN 43863-5: `serverId('ISK', 70342571)`. */
export function serverId(manufacturer: string, number: number, block = 0): Uint8Array {
  const letters = Array.from(manufacturer, (letter) => letter.charCodeAt(0));
  return Uint8Array.from([0x0a, 0x01, ...letters, block, ...bigEndian(BigInt(number), 4)]);
}

/** Telegrams with every kind of element in them, good ones all: where a fuzzer begins. */
export function smlSeeds(): Uint8Array[] {
  const time = [{ uint: 1n }, { uint: 123_456n, bytes: 4 }];
  const energy = { obis: [1, 0, 1, 8, 0, 255], unit: 30, scaler: -1, status: { uint: 0x1c0104n } };
  const power = { obis: [1, 0, 16, 7, 0, 255], unit: 27, scaler: -2 };
  return [
    encodeTelegram({
      serverId: serverId('ISK', 70342571),
      entries: [{ ...energy, value: { uint: 19_892_730n } }],
    }),
    encodeTelegram({
      serverId: serverId('HLY', 239_888, 2),
      sensorTime: { uint: 5n, bytes: 4 },
      entries: Array.from({ length: 20 }, (_, index) => ({ ...power, value: { int: BigInt(index) - 10n } })),
      messageChecksum: 'kermit',
      frameChecksum: 'kermit',
    }),
    encodeTelegram({
      serverId: serverId('DZG', 42_082_910),
      sensorTime: time,
      entries: [
        { ...energy, time, value: { uint: 54_301_577n, bytes: 5 } },
        {
          ...power,
          time: [{ uint: 3n }, [{ uint: 9n }, { int: 60n }, { int: 0n }]],
          value: { int: -29_912n },
        },
        { obis: [129, 129, 199, 130, 5, 255], value: new Uint8Array(48).fill(0x1b) },
        { obis: [1, 0, 96, 1, 0, 255], value: serverId('DZG', 42_082_910) },
        { obis: [1, 0, 0, 2, 0, 255], value: true },
        { obis: [1, 0, 16, 7, 0, 255], value: null },
      ],
    }),
  ];
}

export function concat(...parts: readonly Uint8Array[]): Uint8Array {
  return Uint8Array.from(parts.flatMap((part) => [...part]));
}

function entryElement({ obis, status, time, unit, scaler, value }: SmlEntry): SmlElement {
  return [
    Uint8Array.from(obis),
    status ?? null,
    time ?? null,
    unit === undefined ? null : { uint: BigInt(unit) },
    scaler === undefined ? null : { int: BigInt(scaler), bytes: 1 },
    value,
    null,
  ];
}

/** The length of a value counts the bytes that say it: one nibble each. */
function typeLength(type: number, valueBytes: number): Uint8Array {
  for (let own = 1; ; own++) {
    if (valueBytes + own < 16 ** own) return nibbles(type, valueBytes + own, own);
  }
}

function listHead(count: number): Uint8Array {
  return nibbles(7, count, Math.max(1, Math.ceil(count.toString(2).length / 4)));
}

function nibbles(type: number, value: number, count: number): Uint8Array {
  return Uint8Array.from({ length: count }, (_, index) => {
    const nibble = (value >> (4 * (count - 1 - index))) & 0xf;
    const more = index < count - 1 ? 0x80 : 0;
    return more | (index === 0 ? type << 4 : 0) | nibble;
  });
}

function bytesNeeded(value: bigint, signed: boolean): number {
  let bytes = 1;
  while ((signed ? BigInt.asIntN(8 * bytes, value) : BigInt.asUintN(8 * bytes, value)) !== value) bytes++;
  return bytes;
}

function bigEndian(value: bigint, bytes: number): Uint8Array {
  return Uint8Array.from({ length: bytes }, (_, index) =>
    Number((value >> BigInt(8 * (bytes - 1 - index))) & 0xffn),
  );
}

function withDoubledEscapes(bytes: Uint8Array): Uint8Array {
  const out: number[] = [];
  for (let index = 0; index < bytes.length;) {
    const four = [...bytes.subarray(index, index + 4)];
    if (four.length === 4 && four.every((byte) => byte === 0x1b)) {
      out.push(...ESCAPE, ...ESCAPE);
      index += 4;
    } else out.push(bytes[index++] ?? 0);
  }
  return Uint8Array.from(out);
}

/** The 16 bits in the order in which they go on the wire: X-25 low byte first, Kermit high byte first. */
function checksumAsSent(bytes: Uint8Array, kind: SmlChecksum): number {
  const begin = kind === 'x25' ? 0xffff : 0;
  let crc = begin;
  for (const byte of bytes) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >> 1) ^ 0x8408 : crc >> 1;
  }
  crc ^= begin;
  return kind === 'x25' ? ((crc & 0xff) << 8) | (crc >> 8) : crc;
}

function isList(element: SmlElement): element is readonly SmlElement[] {
  return Array.isArray(element);
}
