import { describe, expect, it } from 'vitest';
import { MeterError, type EnergyMeter, type Line } from '../../hal/contract/index.ts';
import { REAL_CLOCK, startSimulatedStation, type Fault } from '../../hal/simulator/index.ts';
import { FAULTS_OF, faultName } from '../support/all-faults.ts';
import { asReading, lineTo, meterOn } from '../support/meters/meter-station.ts';
import { PTY_NOTE, WHY_NO_PTY } from '../support/meters/pty.ts';
import { checkReading } from '../support/meters/truth.ts';

// The fault matrix on real terminals and sockets, at 9600 baud where there is a baud rate, with the product's own limits: one
// of two units is faulty in every answer, both are read once a second. What the healthy one gives is compared with a run
// without faults in the same run; below 20 s a single lost sample is more than a tenth. Here a busy machine may spoil the
// result; in virtual time (test/fault/healthy-rate.test.ts) it cannot.

const SECONDS = Number(process.env['SOAK_SECONDS'] ?? 20);
const EVERY_MS = 1_000;
const BAUD_RATE = 9_600;
const RESPONSE_TIMEOUT_MS = 500;
const LINES = [
  { kind: 'tcp' as const, skip: false, note: '' },
  { kind: 'rtuOverTcp' as const, skip: false, note: '' },
  { kind: 'pty' as const, skip: WHY_NO_PTY !== undefined, note: PTY_NOTE },
];
type Kind = (typeof LINES)[number]['kind'];

describe.each(LINES)(`two units on $kind, ${SECONDS} s each $note`, ({ kind, skip }) => {
  let faultFree: ReturnType<typeof soak> | undefined;

  it.skipIf(skip).concurrent.each(FAULTS_OF[kind].map((fault) => ({ name: faultName(fault), fault })))(
    'the healthy one keeps nine tenths of its rate beside $name, and no value is wrong',
    async ({ fault }) => {
      const [reference, outcome] = await Promise.all([(faultFree ??= soak(kind)), soak(kind, fault)]);
      expect(reference.wrong).toEqual([]);
      expect(outcome.wrong).toEqual([]);
      expect(outcome.healthy).toBeGreaterThanOrEqual(0.9 * reference.healthy);
      expect(reference.healthy).toBeGreaterThan(0.8 * SECONDS);
    },
  );
});

async function soak(kind: Kind, fault?: Fault): Promise<{ healthy: number; wrong: unknown[] }> {
  const station = await startSimulatedStation({
    seed: 11,
    pace: 600,
    showEveryMs: 500,
    lines: [{ id: 'bus', kind, ...(kind === 'tcp' ? {} : { baudRate: BAUD_RATE, turnaroundMs: 5 }) }],
    meters: [1, 2].map((unitId) => ({
      id: `unit${unitId}`,
      model: 'carlo-gavazzi-em340',
      serial: `KS034012345${unitId}A`,
      unitId,
      on: 'bus',
      startWh: 1_000_000,
    })),
  });
  const line: Line = lineTo(station, 'bus', { baudRate: BAUD_RATE });
  const wrong: unknown[] = [];
  const untilMonoMs = REAL_CLOCK.nowMonoMs() + 1_000 * SECONDS;
  const sampled = async (meter: EnergyMeter): Promise<number> => {
    let samples = 0;
    for (let dueAt = REAL_CLOCK.nowMonoMs(); dueAt < untilMonoMs;) {
      try {
        wrong.push(...checkReading(station.truth, asReading(await meter.readSample())).mismatches);
        samples++;
      } catch (error) {
        if (!(error instanceof MeterError)) throw error;
      }
      // Each slot is read once: a timer that wakes a little early must not make a slot count twice.
      do dueAt += EVERY_MS;
      while (dueAt < REAL_CLOCK.nowMonoMs());
      await REAL_CLOCK.sleep(Math.max(0, dueAt - REAL_CLOCK.nowMonoMs()));
    }
    return samples;
  };
  try {
    if (fault !== undefined) station.faults.inject({ line: 'bus', unitId: 1 }, fault);
    const meters = await Promise.all(
      station.meters.map((meter) => meterOn(line, meter, RESPONSE_TIMEOUT_MS)),
    );
    const [, healthy = 0] = await Promise.all(meters.map(sampled));
    return { healthy, wrong };
  } finally {
    await line.close();
    await station.stop();
  }
}
