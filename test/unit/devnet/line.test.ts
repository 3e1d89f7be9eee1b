import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Line, type LineShape, SEGMENT_BYTES } from '../../devnet/link/line.ts';

const OPEN: LineShape = { bitsPerSecond: null, delayMs: 0, lossPercent: 0 };
const never = () => 1;

/** Lets time pass until nothing is left, and says when each lane got what. */
function arrivals(line: Line<string>): { lane: string; length: number; at: number }[] {
  const all: { lane: string; length: number; at: number }[] = [];
  let now = 0;
  for (;;) {
    const { deliveries, nextAt } = line.advance(now);
    all.push(...deliveries.map(({ lane, payload }) => ({ lane, length: payload.length, at: now })));
    if (nextAt === undefined) return all;
    expect(nextAt).toBeGreaterThan(now);
    now = nextAt;
  }
}

describe('one direction of a link', () => {
  it('carries everything at once when it is open', () => {
    const line = new Line<string>(OPEN, never);
    line.put('a', new Uint8Array(100_000), 0);
    expect(arrivals(line)).toEqual([{ lane: 'a', length: 100_000, at: 0 }]);
  });

  it('takes as long as its speed says, and the delay once', () => {
    const line = new Line<string>({ bitsPerSecond: 20_000, delayMs: 600, lossPercent: 0 }, never);
    line.put('a', new Uint8Array(2_500), 0);
    // 20 kbit/s are 2,500 bytes a second.
    expect(arrivals(line)).toEqual([
      { lane: 'a', length: SEGMENT_BYTES, at: 1_184 },
      { lane: 'a', length: 2_500 - SEGMENT_BYTES, at: 1_600 },
    ]);
  });

  it('is shared fairly: a short message does not wait for the whole of a long one', () => {
    const line = new Line<string>({ ...OPEN, bitsPerSecond: 8_000 }, never);
    line.put('long', new Uint8Array(10 * SEGMENT_BYTES), 0);
    line.put('short', new Uint8Array(100), 0);
    const short = arrivals(line).find(({ lane }) => lane === 'short');
    expect(short?.at).toBe(SEGMENT_BYTES + 100);
  });

  it('makes what follows a lost segment wait for its retransmission, on that connection only', () => {
    const draws = [0, 1, 1, 1];
    const line = new Line<string>({ ...OPEN, delayMs: 100, lossPercent: 5 }, () => draws.shift() ?? 1);
    line.put('hit', new Uint8Array(2 * SEGMENT_BYTES), 0);
    line.put('other', new Uint8Array(10), 0);
    expect(arrivals(line)).toEqual([
      { lane: 'other', length: 10, at: 100 },
      // A round trip of 200 ms and 200 ms on top, then the way there.
      { lane: 'hit', length: SEGMENT_BYTES, at: 500 },
      { lane: 'hit', length: SEGMENT_BYTES, at: 500 },
    ]);
    expect(line.repeated).toBe(SEGMENT_BYTES);
  });

  it('waits twice as long when the retransmission is lost too', () => {
    const draws = [0, 0, 1];
    const line = new Line<string>({ ...OPEN, delayMs: 100, lossPercent: 5 }, () => draws.shift() ?? 1);
    line.put('a', new Uint8Array(10), 0);
    expect(arrivals(line)).toEqual([{ lane: 'a', length: 10, at: 400 + 800 + 100 }]);
  });

  it('does not finish at the old speed what has not been sent yet', () => {
    const line = new Line<string>({ ...OPEN, bitsPerSecond: 8_000 }, never);
    line.put('a', new Uint8Array(100 * SEGMENT_BYTES), 0);
    line.advance(0);
    line.reshape(OPEN, 1_000);
    // The one segment that was being sent is.
    expect(line.advance(1_000)).toEqual({ deliveries: [], nextAt: SEGMENT_BYTES });
    expect(line.advance(SEGMENT_BYTES).deliveries).toHaveLength(100);
  });

  it('forgets a lane that is dropped', () => {
    const line = new Line<string>({ ...OPEN, delayMs: 10 }, never);
    line.put('gone', new Uint8Array(10), 0);
    line.advance(0);
    line.drop('gone');
    expect(line.advance(1_000)).toEqual({ deliveries: [], nextAt: undefined });
  });

  it('delivers each byte once and in order, whatever is lost', () => {
    const messages = fc.array(fc.record({ lane: fc.constantFrom('a', 'b'), length: fc.nat(5_000) }), {
      maxLength: 20,
    });
    const shapes = fc.record({
      bitsPerSecond: fc.option(fc.integer({ min: 1_000, max: 1_000_000 })),
      delayMs: fc.nat(1_000),
      lossPercent: fc.nat(90),
    });
    fc.assert(
      fc.property(
        messages,
        shapes,
        fc.array(fc.double({ min: 0, max: 0.999, noNaN: true })),
        (sent, shape, draws) => {
          const line = new Line<string>(shape, () => draws.shift() ?? 1);
          const written: Record<string, Buffer> = { a: Buffer.alloc(0), b: Buffer.alloc(0) };
          for (const [index, { lane, length }] of sent.entries()) {
            const payload = Buffer.alloc(length, index + 1);
            written[lane] = Buffer.concat([written[lane] ?? payload, payload]);
            line.put(lane, payload, index);
          }
          const read: Record<string, Buffer> = { a: Buffer.alloc(0), b: Buffer.alloc(0) };
          for (let now: number | undefined = 0; now !== undefined;) {
            const { deliveries, nextAt } = line.advance(now);
            for (const { lane, payload } of deliveries) {
              read[lane] = Buffer.concat([read[lane] ?? payload, payload]);
            }
            now = nextAt;
          }
          expect(written['a']?.equals(read['a'] ?? Buffer.of(0))).toBe(true);
          expect(written['b']?.equals(read['b'] ?? Buffer.of(0))).toBe(true);
          expect(line.held('a') + line.held('b')).toBe(0);
        },
      ),
      { numRuns: 100 },
    );
  });
});
