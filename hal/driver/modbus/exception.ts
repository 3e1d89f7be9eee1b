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

/** In words. */
export function exceptionMeaning(code: number): string {
  return MEANINGS[code] ?? 'not a code that Modbus defines';
}

/** The device understood the request and has no such registers: asking again changes nothing. */
export function saysNoSuchRegister(code: number): boolean {
  return code === 2 || code === 3;
}

/** How often a device that wants more time is asked again; each pause is twice as long as the one before. */
interface Patience {
  readonly retries: number;
  readonly firstPauseMs: number;
}

/** 5: working on it, for as long as it takes. 6: at something else for a moment (§7). */
const PATIENCE: Readonly<Record<number, Patience>> = {
  5: { retries: 4, firstPauseMs: 500 },
  6: { retries: 4, firstPauseMs: 100 },
};

/** Milliseconds to wait before the same request is sent again after so many retries; undefined when it is not. */
export function pauseBeforeRetry(code: number, retries: number): number | undefined {
  const patience = PATIENCE[code];
  if (patience === undefined || retries >= patience.retries) return undefined;
  return patience.firstPauseMs * 2 ** retries;
}

/** The device has acknowledged the request, and some then answer it unasked (§7, code 5). */
export function saysAnswerMayFollow(code: number): boolean {
  return code === 5;
}

/** A gateway speaks for a device that it cannot reach: that is no answer of the device (§7, codes 10 and 11). */
export function saysUnreachable(code: number): boolean {
  return code === 10 || code === 11;
}

/** A gateway's "target failed to respond" is a time-out of the meter; everything else is the meter's own refusal. */
export function exceptionError(code: number, details: Readonly<Record<string, unknown>>): MeterError {
  const meaning = exceptionMeaning(code);
  const remedy = PATIENCE[code] !== undefined || code === 4 || saysUnreachable(code) ? 'retry' : 'operator';
  return new MeterError(
    code === 11 ? 'meter.timeout' : 'meter.exception',
    `the meter answered with Modbus exception ${code} (${meaning})`,
    { remedy, details: { ...details, exception: code, meaning } },
  );
}
