export { crc16Arc } from './crc16.ts';
export { createP1Receiver, decodeP1Capture, type P1Receiver } from './receiver.ts';
export type { P1RefusalCode, P1SubMeter, P1Telegram } from './telegram.ts';
