import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createInboundGuard } from '../../../src/telemetry/session/inbound-guard.ts';
import { InboundPace, PUBLISH_COSTS } from '../../../src/telemetry/session/inbound-pace.ts';

describe('the pace at which a broker is read', () => {
  it('lets a burst through, and then so many a second', () => {
    const pace = new InboundPace({ burst: 10, perSecond: 5 }, 0);
    expect(pace.spend(10, 0)).toBe(0);
    expect(pace.spend(1, 0)).toBe(200);
    expect(pace.spend(0, 200)).toBe(0);
    expect(pace.spend(5, 1_000)).toBe(200);
    expect(pace.spend(10, 1_000_000)).toBe(0);
  });

  it('never lets through more than it says, however it comes', () => {
    const step = fc.record({
      packets: fc.integer({ min: 0, max: 40 }),
      idleMs: fc.integer({ min: 0, max: 500 }),
    });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        const [burst, perSecond, largest] = [50, 20, 40];
        const pace = new InboundPace({ burst, perSecond }, 0);
        let [now, read] = [0, 0];
        for (const { packets, idleMs } of steps) {
          now += idleMs;
          read += packets;
          now += pace.spend(packets, now);
          // What made it full is read already when the pause begins.
          expect(read).toBeLessThanOrEqual(burst + largest + (now * perSecond) / 1_000);
        }
      }),
    );
  });

  it('counts a message as what it costs, whichever way the bytes are cut', () => {
    const bytes = Uint8Array.from([0x20, 3, 0, 0, 0, 0x30, 4, 0, 1, 97, 0, 0xd0, 0, 0x40, 2, 0, 1]);
    fc.assert(
      fc.property(fc.integer({ min: 1, max: bytes.length }), (size) => {
        const guard = createInboundGuard(100, 100);
        for (let at = 0; at < bytes.length; at += size)
          expect(guard.inspect(bytes.subarray(at, at + size))).toBeUndefined();
        expect(guard.work).toBe(3 + PUBLISH_COSTS);
      }),
    );
  });
});
