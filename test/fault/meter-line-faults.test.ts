import { describe, expect, it } from 'vitest';
import { MeterError, type EnergyMeter, type Line, type MeterSample } from '../../hal/contract/index.ts';
import { startSimulatedStation, type Fault, type SimulatedStation } from '../../hal/simulator/index.ts';
import { FAULTS_OF, faultName } from '../support/all-faults.ts';
import { asReading, lineTo, meterOn } from '../support/meters/meter-station.ts';
import { PTY_NOTE, WHY_NO_PTY } from '../support/meters/pty.ts';
import { checkReading } from '../support/meters/truth.ts';

// Every fault of the simulator, on every kind of line, on one of two units of the same model (so that their answers have the
// same shape and could be taken for each other's), while the registers change every 100 ms. Whatever resolves is judged
// against what the meter showed in that window: 0 wrong values, and the healthy unit goes on. At what rate it goes on is judged
// in virtual time (healthy-rate.test.ts) and, on these very lines, in test/soak.

const RESPONSE_TIMEOUT_MS = 60;
/** Faults that need not cost an answer. On TCP, noise loses the frame boundaries. */
const RIGHT_IN_SPITE: readonly Fault['kind'][] = ['duplicate', 'glued', 'byteByByte'];
const RIGHT_IN_SPITE_RTU: readonly Fault['kind'][] = ['noiseBefore', 'longFrame'];

const LINES = [
  { kind: 'tcp' as const, skip: false, note: '' },
  { kind: 'rtuOverTcp' as const, skip: false, note: '' },
  { kind: 'pty' as const, skip: WHY_NO_PTY !== undefined, note: PTY_NOTE },
];

describe.each(LINES)('one of two units on $kind is faulty $note', ({ kind, skip }) => {
  it.skipIf(skip).concurrent.each(FAULTS_OF[kind].map((fault) => ({ name: faultName(fault), fault })))(
    '$name gives no wrong value',
    { timeout: 20_000 },
    async ({ fault }) => {
      // Its own station, because a fault is switched on for a line and a unit.
      const own = await startSimulatedStation({
        seed: 11,
        pace: 600,
        showEveryMs: 100,
        meters: [1, 2].map((unitId) => ({
          id: `unit${unitId}`,
          model: 'carlo-gavazzi-em340',
          serial: `KS034012345${unitId}A`,
          unitId,
          on: kind,
          startWh: 1_000_000,
        })),
      });
      const line = lineTo(own, kind, {
        limits: {
          lateWindowMs: 400,
          silenceMs: 20,
          peer: { failuresBeforeQuarantine: 1_000, firstPauseMs: 1, longestPauseMs: 1 },
          reopen: { firstPauseMs: 5, longestPauseMs: 20 },
        },
      });
      try {
        const outcome = await underFault(own, line, fault, kind);
        expect(outcome.wrong).toEqual([]);
        expect(outcome.strange).toEqual([]);
        expect(outcome.healthyAnswers).toBeGreaterThan(0);
        expect(outcome.faultyAfterwards).toBe(true);
        const right = kind === 'tcp' ? RIGHT_IN_SPITE : [...RIGHT_IN_SPITE, ...RIGHT_IN_SPITE_RTU];
        if (right.includes(fault.kind)) expect(outcome.faultyAnswers).toBeGreaterThan(0);
      } finally {
        await line.close();
        await own.stop();
      }
    },
  );
});

/** Both units are read without a pause while unit 1 is faulty; then the fault ends, and unit 1 must be readable again. */
async function underFault(station: SimulatedStation, line: Line, fault: Fault, kind: string) {
  const [faulty, healthy] = await Promise.all(
    station.meters.map((meter) => meterOn(line, meter, RESPONSE_TIMEOUT_MS)),
  );
  if (faulty === undefined || healthy === undefined) throw new Error('two meters are needed');
  const samples: MeterSample[] = [];
  const strange: unknown[] = [];
  const readUntil = async (meter: EnergyMeter, isOver: () => boolean): Promise<number> => {
    let answers = 0;
    while (!isOver()) {
      await meter.readSample().then(
        (sample) => {
          answers++;
          samples.push(sample);
        },
        (error: unknown) => {
          if (!(error instanceof MeterError)) strange.push(error);
        },
      );
      await new Promise((resolve) => setTimeout(resolve, 2));
    }
    return answers;
  };
  await faulty.readSample().then((sample) => samples.push(sample));
  await healthy.readSample().then((sample) => samples.push(sample));
  const end = station.faults.inject({ line: kind, unitId: 1 }, fault);
  const until = performance.now() + 700;
  const isOver = (): boolean => performance.now() > until;
  const [faultyAnswers, healthyAnswers] = await Promise.all([
    readUntil(faulty, isOver),
    readUntil(healthy, isOver),
  ]);
  end();
  let faultyAfterwards = false;
  const giveUpAt = performance.now() + 5_000;
  await readUntil(faulty, () => {
    faultyAfterwards ||= samples.at(-1)?.meterSerial === station.meters[0]?.serial && samples.length > 0;
    return faultyAfterwards || performance.now() > giveUpAt;
  });
  const wrong = samples.flatMap((sample) => checkReading(station.truth, asReading(sample)).mismatches);
  return { wrong, strange, faultyAnswers, healthyAnswers, faultyAfterwards };
}
