import { PassThrough } from 'node:stream';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { FrameChannel } from '../../../src/chain/frame-channel.ts';
import { encodeFrame, FrameError, FrameReader, MAX_FRAME_BYTES } from '../../../src/chain/frame.ts';

function lengthOf(bytes: number): Buffer {
  const length = Buffer.alloc(4);
  length.writeUInt32BE(bytes);
  return length;
}

describe('frames', () => {
  it('come out as they went in, however the stream cuts them', () => {
    fc.assert(
      fc.property(
        fc.array(fc.jsonValue(), { maxLength: 8 }),
        fc.array(fc.nat(64), { maxLength: 32 }),
        (messages, cuts) => {
          const bytes = Buffer.concat(messages.map(encodeFrame));
          const reader = new FrameReader();
          const out: unknown[] = [];
          let at = 0;
          for (const cut of [...cuts, bytes.length]) {
            out.push(...reader.push(bytes.subarray(at, at + cut)));
            at = Math.min(bytes.length, at + cut);
          }
          expect(out).toEqual(messages.map((message) => JSON.parse(JSON.stringify(message)) as unknown));
          expect(reader.heldBytes).toBe(0);
        },
      ),
    );
  });

  it('are refused by their length, before anything is kept', () => {
    for (const length of [0, MAX_FRAME_BYTES + 1, 0xffff_ffff]) {
      const reader = new FrameReader();
      expect(() => [...reader.push(lengthOf(length))]).toThrow(FrameError);
      expect(reader.heldBytes).toBeLessThanOrEqual(4);
    }
    expect(() => encodeFrame('x'.repeat(MAX_FRAME_BYTES))).toThrow(FrameError);
  });

  it('of the greatest length pass', () => {
    const message = 'x'.repeat(MAX_FRAME_BYTES - 2);
    expect([...new FrameReader().push(encodeFrame(message))]).toEqual([message]);
  });

  it.each([
    ['no JSON', Buffer.from('nonsense')],
    ['two values', Buffer.from('1 2')],
    ['no UTF-8', Buffer.from([0x22, 0xff, 0x22])],
  ])('are refused when they hold %s', (_name, body) => {
    const frame = Buffer.concat([lengthOf(body.length), body]);
    expect(() => [...new FrameReader().push(frame)]).toThrow(FrameError);
  });
});

describe('a channel of frames', () => {
  const limit = { frames: { burst: 3, perSecond: 1 }, bytes: { burst: 10_000, perSecond: 1_000 } };

  function channel() {
    const seen: unknown[] = [];
    const broken: string[] = [];
    const clock = { now: 0 };
    const stream = new PassThrough();
    new FrameChannel({
      ...{ stream, limit, nowMonoMs: () => clock.now },
      onMessage: (message) => seen.push(message),
      onBroken: (why) => broken.push(why),
    });
    const say = (frames: number): void => {
      stream.emit(
        'data',
        Buffer.concat(Array.from({ length: frames }, (_, i) => Buffer.from(encodeFrame(i)))),
      );
    };
    return { seen, broken, clock, stream, say };
  }

  it('is broken in the middle of a flood, and nothing more is read', () => {
    const { seen, broken, say } = channel();
    say(100);
    say(1);
    expect(seen).toEqual([0, 1, 2]);
    expect(broken).toHaveLength(1);
  });

  it('takes a burst again after a while', () => {
    const { seen, broken, clock, say } = channel();
    say(3);
    clock.now += 3_000;
    say(3);
    expect([seen.length, broken]).toEqual([6, []]);
  });

  it('is broken by more bytes than are ever said', () => {
    const { seen, broken, stream } = channel();
    stream.emit('data', Buffer.alloc(10_001, 0x20));
    expect([seen, broken.length]).toEqual([[], 1]);
  });
});
