import { createRequire } from 'node:module';

// The package has no types for this file.
const crc16 = createRequire(import.meta.url)('modbus-serial/utils/crc16.js') as (bytes: Buffer) => number;

// RTU frames for tests, with the CRC of an independent implementation.

/** A frame of these bytes. */
export function rtuFrame(...bytes: readonly number[]): Uint8Array {
  const crc = crc16(Buffer.from(bytes));
  return Uint8Array.from([...bytes, crc & 0xff, crc >>> 8]);
}

/** The answer of a unit to a read: one word for each register. */
export function rtuAnswer(unitId: number, functionCode: number, words: readonly number[]): Uint8Array {
  return rtuFrame(
    unitId,
    functionCode,
    2 * words.length,
    ...words.flatMap((word) => [word >>> 8, word & 0xff]),
  );
}

/** What a read request asks for. */
export function parseRtuRequest(frame: Uint8Array) {
  const view = new DataView(frame.buffer, frame.byteOffset);
  return {
    unitId: view.getUint8(0),
    functionCode: view.getUint8(1),
    address: view.getUint16(2),
    count: view.getUint16(4),
  };
}
