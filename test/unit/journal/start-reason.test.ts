import { describe, expect, it } from 'vitest';
import { startReason } from '../../../src/journal/recovery/start-reason.ts';

const KERNEL = new Uint8Array(16).fill(1);
const OTHER_KERNEL = new Uint8Array(16).fill(2);
const last = { origin: 'log', bootId: KERNEL, opening: 4 };
const mark = (running: boolean, of: Partial<{ origin: string; opening: number }> = {}) => ({
  ...{ origin: 'log', opening: 4, running },
  ...of,
});

describe('why the service starts', () => {
  it.each([
    ['the machine started after an orderly end', OTHER_KERNEL, mark(false), 'reboot'],
    ['the machine started, and the service had not ended', OTHER_KERNEL, mark(true), 'power-on'],
    ['the service alone started, after an orderly end', KERNEL, mark(false), 'restart'],
    ['the service alone started, and had not ended', KERNEL, mark(true), 'crash'],
    ['there is no mark', KERNEL, undefined, 'unknown'],
    ['the mark is of another log', KERNEL, mark(false, { origin: 'other' }), 'unknown'],
    ['the mark is of an earlier opening', KERNEL, mark(false, { opening: 3 }), 'unknown'],
  ])('%s', (_, bootId, found, reason) => {
    expect(startReason(last, bootId, found, false)).toBe(reason);
  });

  it('is the first of a log without entries, and a recovery where the log was recovered', () => {
    expect(startReason(undefined, KERNEL, undefined, false)).toBe('first');
    expect(startReason(undefined, KERNEL, undefined, true)).toBe('recovery');
    expect(startReason(last, KERNEL, mark(true), true)).toBe('recovery');
  });
});
