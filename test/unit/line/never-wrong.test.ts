import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { MeterError, silentLog, type ProfileLink } from '../../../hal/contract/index.ts';
import { RegisterReader } from '../../../hal/driver/modbus/register-reader.ts';
import { LineActor } from '../../../hal/line/line-actor.ts';
import { parseRtuRequest, rtuAnswer } from '../../support/meters/rtu-frames.ts';
import { ScriptedDevice, type ScriptedPiece } from '../../support/sync/scripted-channel.ts';
import { VirtualClock } from '../../support/virtual-clock.ts';

// A bus in virtual time with two units that answer in order, but late, twice, damaged or not at all, as fast-check decides.
// Every register's content is its own address and unit, so an answer given to the wrong request is seen at once.

const TIMEOUT_MS = 100;
const LATE_WINDOW_MS = 1_000;
const LINK: ProfileLink = {
  baudRate: 9_600,
  parity: 'none',
  dataBits: 8,
  stopBits: 1,
  unitId: 1,
  responseTimeoutMs: TIMEOUT_MS,
  maxRegistersPerRead: 125,
  maxRegisterHole: 0,
};

interface Behaviour {
  /** Time that the device thinks about the request, after it has finished the one before. */
  readonly thinksMs: number;
  readonly does: 'answer' | 'drop' | 'corrupt' | 'cut' | 'twice' | 'noise before';
  readonly copyAfterMs: number;
}

const behaviour: fc.Arbitrary<Behaviour> = fc.record({
  thinksMs: fc.oneof(
    { weight: 3, arbitrary: fc.integer({ min: 1, max: 30 }) },
    { weight: 2, arbitrary: fc.integer({ min: 80, max: 450 }) },
  ),
  does: fc.constantFrom('answer', 'answer', 'answer', 'drop', 'corrupt', 'cut', 'twice', 'noise before'),
  copyAfterMs: fc.integer({ min: 0, max: 60 }),
});

const read = fc.record({
  unitId: fc.constantFrom(1, 2),
  registerAddress: fc.constantFrom(100, 200, 300),
  registerCount: fc.constantFrom(2, 2, 2, 4),
});

const content = (unitId: number, address: number, count: number): number[] =>
  Array.from({ length: count }, (_, offset) => unitId * 1_000 + address + offset);

/** A device that works on one request after the other; what would be later than the late window is never sent. */
function deviceScript(clock: VirtualClock, behaviours: readonly Behaviour[]) {
  const freeAt = new Map<number, number>();
  return (frame: Uint8Array, requestNumber: number): ScriptedPiece[] => {
    const { unitId, functionCode, address, count } = parseRtuRequest(frame);
    const { thinksMs, does, copyAfterMs } = behaviours[requestNumber % behaviours.length] as Behaviour;
    const now = clock.nowMonoMs();
    const readyAt = Math.max(now, freeAt.get(unitId) ?? 0) + thinksMs;
    if (readyAt - now > LATE_WINDOW_MS || does === 'drop') return [];
    freeAt.set(unitId, readyAt);
    const afterMs = readyAt - now;
    const bytes = rtuAnswer(unitId, functionCode, content(unitId, address, count));
    switch (does) {
      case 'answer':
        return [{ afterMs, bytes }];
      case 'corrupt':
        return [{ afterMs, bytes: bytes.map((byte, index) => (index === 4 ? byte ^ 0x10 : byte)) }];
      case 'cut':
        return [{ afterMs, bytes: bytes.subarray(0, -2) }];
      case 'noise before':
        return [{ afterMs, bytes: Uint8Array.of(0, unitId, functionCode, ...bytes) }];
      case 'twice':
        return [
          { afterMs, bytes },
          { afterMs: afterMs + copyAfterMs, bytes },
        ];
    }
  };
}

async function run(
  behaviours: readonly Behaviour[],
  reads: readonly { unitId: number; registerAddress: number; registerCount: number }[],
) {
  const clock = new VirtualClock();
  const device = new ScriptedDevice(clock, deviceScript(clock, behaviours));
  const line = new LineActor({
    id: 'bus',
    kind: 'rtuOverTcp',
    pace: { msPerByte: 0, frameGapMs: 4 },
    open: device.open,
    limits: {
      queueCapacity: 100,
      lateWindowMs: LATE_WINDOW_MS,
      silenceMs: 20,
      peer: { failuresBeforeQuarantine: 1_000, firstPauseMs: 1, longestPauseMs: 1 },
      reopen: { firstPauseMs: 1, longestPauseMs: 1 },
    },
    clock,
    log: silentLog,
  });
  const readers = new Map([1, 2].map((unitId) => [unitId, new RegisterReader(line, unitId, LINK, 'rtu')]));
  let answered = 0;
  let refused = 0;
  const wrong: unknown[] = [];
  const unitReads = (unitId: number) => reads.filter((each) => each.unitId === unitId);
  const unit = async (unitId: number): Promise<void> => {
    for (const { registerAddress, registerCount } of unitReads(unitId)) {
      try {
        const result = await readers
          .get(unitId)
          ?.read({ table: 'input', registerAddress, registerCount }, 'periodic');
        const words = Array.from({ length: registerCount }, (_, i) =>
          Buffer.from(result?.registers ?? []).readUInt16BE(2 * i),
        );
        const right = content(unitId, registerAddress, registerCount);
        if (words.join() !== right.join()) wrong.push({ unitId, registerAddress, words });
        answered++;
      } catch (error) {
        if (!(error instanceof MeterError)) throw error;
        refused++;
      }
    }
  };
  let done = false;
  const all = Promise.all([unit(1), unit(2)]).finally(() => (done = true));
  while (!done) await clock.advance(500);
  await all;
  await line.close();
  return { answered, refused, wrong };
}

describe('a bus whose units answer late, twice, damaged or not at all', () => {
  it('never gives an answer to a request that it does not belong to', async () => {
    let answered = 0;
    await fc.assert(
      fc.asyncProperty(
        fc.array(behaviour, { minLength: 1, maxLength: 12 }),
        fc.array(read, { minLength: 4, maxLength: 24 }),
        async (behaviours, reads) => {
          const outcome = await run(behaviours, reads);
          expect(outcome.wrong).toEqual([]);
          expect(outcome.answered + outcome.refused).toBe(reads.length);
          answered += outcome.answered;
        },
      ),
      { numRuns: Number(process.env['RUNS'] ?? 400) },
    );
    expect(answered).toBeGreaterThan(500);
  });
});
