import type { LineFacts, MeterLiveness } from './facts.ts';
import type { Condition, Look } from './look.ts';
import { NEIGHBOUR_MS, READ_HANGS_AT_LAST_MS, READ_HANGS_INTERVALS, READ_HANGS_MS } from './thresholds.ts';
import { durationInWords } from './words.ts';

/** Whether a meter is read, and what its readings are worth. */
export function lookAtMeter(meter: MeterLiveness, nowMonoMs: number): Look {
  const { meterId, state, lastSampleMonoMs, implausibleNow, implausibleWhy } = meter;
  const last =
    lastSampleMonoMs === null ? 'no reading yet' : `last reading ${ago(lastSampleMonoMs, nowMonoMs)} ago`;
  const isKnown = state === 'answering' || lastSampleMonoMs !== null;
  return {
    check: 'meter',
    subject: meterId,
    normal: {
      state: isKnown ? 'ok' : 'unknown',
      detail: `${state === 'failing' ? failing(meter) : ''}${last}`,
    },
    conditions: [
      {
        code: 'meter.silent',
        // Between the third failure and the first answer; a start that has not asked yet says nothing.
        holds: state === 'unknown' ? undefined : state === 'silent',
        detail: `[${meter.errorCode ?? 'meter.timeout'}] ${said(meter)}${last}`,
      },
      readHangs(meter, nowMonoMs),
      {
        code: 'meter.implausible',
        holds: lastSampleMonoMs === null ? undefined : implausibleNow > 0,
        detail: `${implausibleNow} of its newest values cannot be${implausibleWhy ? `: ${implausibleWhy}` : ''}`,
      },
    ],
  };
}

function failing({ errorCode }: MeterLiveness): string {
  return `[${errorCode ?? 'meter.timeout'}] the last read failed; `;
}

function said({ errorMessage }: MeterLiveness): string {
  return errorMessage ? `${errorMessage}; ` : '';
}

/** Past ten intervals, but no later than the watchdog ends the service for it: somebody has to read why. */
function longestRead(everyMs: number): number {
  return Math.min(READ_HANGS_INTERVALS * everyMs + READ_HANGS_MS, READ_HANGS_AT_LAST_MS);
}

function readHangs(meter: MeterLiveness, nowMonoMs: number): Condition {
  const { everyMs, sharedBy, lastAttemptBeganMonoMs: began, lastAttemptEndedMonoMs: ended } = meter;
  const isUnderWay = began !== null && (ended === null || ended < began);
  const forMs = isUnderWay ? nowMonoMs - began : 0;
  return {
    code: 'meter.read_hangs',
    holds: forMs > longestRead(everyMs) + (sharedBy - 1) * NEIGHBOUR_MS,
    detail: `a read was begun ${durationInWords(forMs)} ago and has not ended`,
  };
}

export function lookAtLine({ id, state, requests, errors, hasMeters }: LineFacts): Look {
  const figures = `${requests} requests, ${errors} errors`;
  const normal =
    state === 'open' ? { state: 'ok', detail: `open, ${figures}` } : { state: 'unknown', detail: state };
  return {
    check: 'line',
    subject: id,
    normal: normal as Look['normal'],
    conditions: [
      {
        code: 'line.not_open',
        // On the way to being opened it is neither; what it was before still holds.
        holds: state === 'waiting' ? true : state === 'open' ? false : undefined,
        detail: `cannot be opened; ${figures}`,
      },
      { code: 'line.unused', holds: !hasMeters, detail: 'no meter uses it' },
    ],
  };
}

function ago(monoMs: number, nowMonoMs: number): string {
  return durationInWords(nowMonoMs - monoMs);
}
