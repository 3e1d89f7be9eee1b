import { MeterError } from '../../contract/index.ts';

/** Modbus application protocol V1.1b3 §7. */
const MEANINGS: Readonly<Record<number, string>> = {
  1: 'illegal function',
  2: 'illegal data address',
  3: 'illegal data value',
  4: 'server device failure',
  5: 'acknowledge: the device needs longer',
  6: 'server device busy',
  8: 'memory parity error',
  10: 'gateway path unavailable',
  11: 'gateway target device failed to respond',
};

/** The device understood the request and has no such registers: asking again changes nothing. */
export function saysNoSuchRegister(code: number): boolean {
  return code === 2 || code === 3;
}

/** The device is there and wants to be asked again a little later. */
export function saysLater(code: number): boolean {
  return code === 5 || code === 6;
}

/** A gateway's "target failed to respond" is a time-out of the meter; everything else is the meter's own refusal. */
export function exceptionError(code: number, details: Readonly<Record<string, unknown>>): MeterError {
  const meaning = MEANINGS[code] ?? 'not a code that Modbus defines';
  const remedy = saysLater(code) || code === 4 || code === 11 ? 'retry' : 'operator';
  return new MeterError(
    code === 11 ? 'meter.timeout' : 'meter.exception',
    `the meter answered with Modbus exception ${code} (${meaning})`,
    { remedy, details: { ...details, exception: code, meaning } },
  );
}
