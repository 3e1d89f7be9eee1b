export { decodeSmlCapture } from './capture.ts';
export { SmlError, type SmlErrorCode } from './errors.ts';
export type { SmlValue } from './list-response.ts';
export { MAX_TELEGRAM_BYTES, SmlReceiver } from './receiver.ts';
export type { SmlTelegram } from './telegram.ts';
export type { SmlTime } from './time.ts';
export { decodeTlv, type DecodedTlv, type Tlv } from './tlv.ts';
