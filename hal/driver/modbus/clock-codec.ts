import { clockSpanOf, type ClockField } from '../../contract/index.ts';
import { inOrder } from './register-codec.ts';

/**
 * The meter's clock as `2026-05-01T12:00:00`, without a zone: the meter does not say which it was set to. `registers` are
 * the bytes of `clockSpanOf(field)`. Undefined for what is no date. Never throws.
 */
export function decodeClock(field: ClockField, registers: Uint8Array): string | undefined {
  if (registers.length !== 2 * clockSpanOf(field).registerCount) return undefined;
  const [year, month, day, hour, minute, second] = partsOf(field, registers);
  const date = new Date(0);
  date.setUTCFullYear(year, month - 1, day);
  date.setUTCHours(hour, minute, second);
  const text = date.toISOString().slice(0, 19);
  // A date that JavaScript had to carry over (month 13, second 60, day 0) is none.
  return text === `${pad(year, 4)}-${pad(month)}-${pad(day)}T${pad(hour)}:${pad(minute)}:${pad(second)}`
    ? text
    : undefined;
}

type DateParts = readonly [number, number, number, number, number, number];

function partsOf({ format, byteOrder }: ClockField, registers: Uint8Array): DateParts {
  const bytes = inOrder(registers, byteOrder);
  const word = (index: number): number => bytes.readUInt16BE(2 * index);
  switch (format) {
    case 'unixSeconds': {
      const date = new Date(bytes.readUInt32BE() * 1000);
      return [
        date.getUTCFullYear(),
        date.getUTCMonth() + 1,
        date.getUTCDate(),
        date.getUTCHours(),
        date.getUTCMinutes(),
        date.getUTCSeconds(),
      ];
    }
    case 'bytesYmdhms': {
      const [year = 0, month = 0, day = 0, hour = 0, minute = 0, second = 0] = bytes;
      return [2000 + year, month, day, hour, minute, second];
    }
    case 'registersYmdhms':
      return [word(0) < 100 ? 2000 + word(0) : word(0), word(1), word(2), word(3), word(4), word(5)];
    case 'iec870-5-4':
      return [
        2000 + (word(0) & 0x7f),
        (word(1) >> 8) & 0x0f,
        word(1) & 0x1f,
        (word(2) >> 8) & 0x1f,
        word(2) & 0x3f,
        Math.floor(word(3) / 1000),
      ];
  }
}

function pad(value: number, digits = 2): string {
  return String(value).padStart(digits, '0');
}
