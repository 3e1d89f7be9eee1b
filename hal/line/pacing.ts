import type { Parity } from '../contract/index.ts';

/** How fast a line carries characters. TCP lines carry them at once. */
export interface Pace {
  readonly msPerByte: number;
  /** Silence that ends a frame: none may be shorter between two frames. */
  readonly frameGapMs: number;
}

export const NETWORK_PACE: Pace = { msPerByte: 0, frameGapMs: 0 };

/**
 * Modbus over serial line V1.02 §2.5.1.1: 3.5 characters of silence between frames, and a fixed 1.75 ms above 19,200 baud
 * because shorter silences cannot be told apart by an ordinary receiver.
 */
export function serialPace(baudRate: number, dataBits: 7 | 8, parity: Parity, stopBits: 1 | 2): Pace {
  const bitsPerByte = 1 + dataBits + (parity === 'none' ? 0 : 1) + stopBits;
  const msPerByte = (bitsPerByte * 1000) / baudRate;
  return { msPerByte, frameGapMs: baudRate > 19_200 ? 1.75 : 3.5 * msPerByte };
}
