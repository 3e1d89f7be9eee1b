import type { SimulatedMeter } from './simulated-meter.ts';

/** Modbus Application Protocol V1.1b3 §7. */
export const ILLEGAL_FUNCTION = 1;
export const ILLEGAL_ADDRESS = 2;
export const ILLEGAL_VALUE = 3;
export const DEVICE_BUSY = 6;
export const GATEWAY_TARGET_SILENT = 11;

const READ_HOLDING = 3;
const READ_INPUT = 4;

export function exceptionPdu(functionCode: number, code: number): Buffer {
  return Buffer.from([functionCode | 0x80, code]);
}

/** What a meter answers to one request (PDU in, PDU out). Reading is all these meters are simulated for. */
export function answerPdu(meter: SimulatedMeter, pdu: Buffer): Buffer {
  const functionCode = pdu[0] ?? 0;
  if (functionCode !== READ_HOLDING && functionCode !== READ_INPUT)
    return exceptionPdu(functionCode, ILLEGAL_FUNCTION);
  if (pdu.length !== 5) return exceptionPdu(functionCode, ILLEGAL_VALUE);
  const table = functionCode === READ_INPUT ? 'input' : 'holding';
  const words = meter.read(table, pdu.readUInt16BE(1), pdu.readUInt16BE(3));
  if (words === 'illegalAddress') return exceptionPdu(functionCode, ILLEGAL_ADDRESS);
  if (words === 'illegalValue') return exceptionPdu(functionCode, ILLEGAL_VALUE);
  const answer = Buffer.alloc(2 + words.length * 2);
  answer[0] = functionCode;
  answer[1] = words.length * 2;
  words.forEach((word, index) => answer.writeUInt16BE(word, 2 + index * 2));
  return answer;
}
