export { ByteBuffer, sevenBitText } from './byte-buffer.ts';
export { completeObis, isDataLine, type DataSet } from './data-line.ts';
export {
  messageStartIn,
  parseIdentification,
  readoutMode,
  type Identification,
  type ReadoutMode,
} from './identification.ts';
export {
  startReadout,
  stepReadout,
  type ReadoutEffect,
  type ReadoutEvent,
  type ReadoutOptions,
  type ReadoutState,
  type ReadoutStep,
} from './led-readout.ts';
export { withoutParity } from './parity.ts';
export { measuredValue, parseReadout, type Readout } from './readout.ts';
export type { Received } from './framing.ts';
export { createIec62056Receiver, decodeIec62056Capture, type Iec62056Receiver } from './receiver.ts';
export { StrayLines } from './stray-lines.ts';
export type { Iec62056RefusalCode, Iec62056Telegram } from './telegram.ts';
