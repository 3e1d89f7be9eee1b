import { beforeAll, describe, expect, it } from 'vitest';
import type { MeterProfile } from '../../../hal/contract/index.ts';
import { FrameTrace, type TracedFrame } from '../../../hal/driver/modbus/index.ts';
import { loadProfile } from '../../../hal/profile/index.ts';
import { rtuAnswer, rtuFrame } from '../../support/meters/rtu-frames.ts';

let profile: MeterProfile;
beforeAll(async () => {
  profile = await loadProfile('eastron-sdm630');
});

/** Voltage of L1: input registers 0 and 1, 230.5 V as float32. */
const REQUEST = rtuFrame(1, 4, 0, 0, 0, 2);
const ANSWER = rtuAnswer(1, 4, [0x4366, 0x8000]);

function trace(...bytes: readonly (readonly ['out' | 'in', Uint8Array])[]): TracedFrame[] {
  const frames = new FrameTrace(profile, 'rtu');
  const found = bytes.flatMap(([direction, piece], index) =>
    frames.push({ direction, atMonoMs: 10 * index, bytes: piece }),
  );
  return [...found, ...frames.end(1_000)];
}

describe('a trace of frames', () => {
  it('shows what was asked and what the answer means, however it was cut', () => {
    const [asked, answered, ...rest] = trace(
      ['out', REQUEST],
      ['in', ANSWER.subarray(0, 4)],
      ['in', ANSWER.subarray(4)],
    );
    expect(asked?.request).toEqual({ unitId: 1, table: 'input', registerAddress: 0, registerCount: 2 });
    expect(answered).toMatchObject({ direction: 'in', afterMs: 20, values: { '1-0:32.7.0*255': '230.5 V' } });
    expect(Buffer.from(answered?.bytes ?? [])).toEqual(Buffer.from(ANSWER));
    expect(rest).toEqual([]);
  });

  it('names an exception', () => {
    const [, answered] = trace(['out', REQUEST], ['in', rtuFrame(1, 0x84, 2)]);
    expect(answered?.problem).toMatch(/exception 2/);
    expect(answered?.values).toBeUndefined();
  });

  it('shows no value of a damaged answer, and says what is wrong with it', () => {
    const damaged = ANSWER.slice();
    damaged[4] = 0;
    const [, answered] = trace(['out', REQUEST], ['in', damaged]);
    expect(answered?.problem).toMatch(/CRC/);
    expect(answered?.values).toBeUndefined();
  });

  it('says that nothing came, and for how long', () => {
    const [, answered] = trace(['out', REQUEST]);
    expect(answered?.problem).toBe('no answer for 1000 ms');
  });

  it('shows bytes that nobody asked for, before a request and behind an answer', () => {
    const frames = trace(['in', Uint8Array.of(0xff)], ['out', REQUEST], ['in', ANSWER], ['in', ANSWER]);
    expect(frames.map(({ problem }) => problem)).toEqual([
      'bytes that nobody asked for',
      undefined,
      undefined,
      'bytes behind the answer',
    ]);
  });
});
