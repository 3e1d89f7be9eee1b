/** What one read of so many registers costs, a whole number; it never falls with their number. */
export type ReadCost = (registerCount: number) => number;

/** More than all registers of a table: no number of registers outweighs a request. */
const ONE_REQUEST = 1_000_000;

/** The fewest requests, and among those plans the fewest registers. */
export const fewestReads: ReadCost = (registerCount) => ONE_REQUEST + registerCount;

/** How a serial line passes the bytes on. */
export interface Wire {
  readonly baudRate: number;
  /** Start, data, parity and stop bits: 11 by the Modbus specification, 10 with 8N1 as most meters are set. */
  readonly bitsPerCharacter: number;
}

/** Modbus over serial line V1.02 §2.5.1.1: silence of 3.5 characters around a frame, above 19,200 baud fixed at 1.75 ms. */
const SILENCE_CHARACTERS = 3.5;
const SILENCE_ABOVE_19200_MICROS = 1_750;
/** Unit, function, address, quantity, CRC; unit, function, byte count, CRC. */
const FRAME_CHARACTERS = 8 + 5;
/** What meters usually take before they answer; a request is worth it against about ten registers at 9600 baud. */
const USUAL_ANSWER_DELAY_MS = 20;

/** The least time on the wire: requests, answers, and the silence between them, in microseconds. */
export function leastWireTime(
  { baudRate, bitsPerCharacter }: Wire,
  { answerDelayMs = USUAL_ANSWER_DELAY_MS, turnaroundMs = 0 } = {},
): ReadCost {
  const characterMicros = (bitsPerCharacter * 1_000_000) / baudRate;
  const silenceMicros = baudRate > 19_200 ? SILENCE_ABOVE_19200_MICROS : SILENCE_CHARACTERS * characterMicros;
  const pauses = Math.max(silenceMicros, answerDelayMs * 1000) + Math.max(silenceMicros, turnaroundMs * 1000);
  return (registerCount) => Math.round(pauses + (FRAME_CHARACTERS + 2 * registerCount) * characterMicros);
}
