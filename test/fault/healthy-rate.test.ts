import { describe, expect, it } from 'vitest';
import type { LineKind } from '../../hal/contract/index.ts';
import type { Fault } from '../../hal/simulator/index.ts';
import { FAULTS_OF, faultName } from '../support/all-faults.ts';
import { HEALTHY_UNIT, runBus, type BusOutcome } from '../support/meters/virtual-bus.ts';

// The fault matrix in virtual time: one of two units has a fault in every answer, for a whole minute. The same comparison on
// real sockets and terminals takes minutes and an idle machine: test/soak.

const SLOW: Fault[] = [
  { kind: 'late', ms: 400 },
  { kind: 'late', ms: 700 },
  { kind: 'late', ms: 1_400 },
  { kind: 'byteByByte', gapMs: 3 },
  { kind: 'garbage', bytes: 250 },
];

const LINES: { kind: LineKind; faults: readonly Fault[] }[] = [
  { kind: 'serial', faults: [...FAULTS_OF.pty, ...SLOW] },
  { kind: 'rtuOverTcp', faults: [...FAULTS_OF.rtuOverTcp, ...SLOW] },
  { kind: 'tcp', faults: [...FAULTS_OF.tcp, ...SLOW] },
];
const PACES = [
  { pace: 'once a second', everyMs: 1_000, durationMs: 60_000 },
  { pace: 'without a pause', everyMs: 0, durationMs: 20_000 },
];

describe.each(LINES)('a healthy unit on $kind', ({ kind, faults }) => {
  describe.each(PACES)('read $pace', ({ everyMs, durationMs }) => {
    let faultFree: Promise<BusOutcome> | undefined;

    it.each(faults.map((fault) => ({ name: faultName(fault), fault })))(
      'keeps nine tenths of its rate beside $name, and no value is wrong',
      async ({ fault }) => {
        const reference = await (faultFree ??= runBus({ kind, durationMs, everyMs }));
        expect(reference.wrong).toEqual([]);
        const expected = 0.9 * (reference.samples[HEALTHY_UNIT] ?? NaN);
        expect(expected).toBeGreaterThan(50 * 0.9);
        const outcome = await runBus({ kind, fault, durationMs, everyMs });
        expect(outcome.wrong).toEqual([]);
        expect(outcome.samples[HEALTHY_UNIT]).toBeGreaterThanOrEqual(expected);
      },
    );
  });
});
