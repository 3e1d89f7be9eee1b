import { encodeFrame, FrameError, FrameReader, MAX_FRAME_BYTES } from '../../src/chain/frame.ts';
import { type FuzzTarget, foundUnless, mustHold } from './fuzz-target.ts';

const messages = [
  { v: 3, kind: 'ready' },
  { v: 3, kind: 'heartbeat', pid: 4_711, rssBytes: 123_456_789, traffic: { bytesIn: 1, bytesOut: 2 } },
  { v: 3, kind: 'result', id: 7, result: { extrinsic: `0x${'ab'.repeat(300)}` } },
];
const frames = messages.map((message) => Buffer.from(encodeFrame(message)));

/** What a gateway gone mad writes into the channel to the core. */
export const FRAME_TARGET: FuzzTarget = {
  name: 'gateway frames',
  seeds: [...frames, Buffer.concat(frames)],
  fullRuns: 200_000,
  maxMs: 50,
  run: (input) => {
    const reader = new FrameReader();
    return foundUnless(
      (error) => error instanceof FrameError,
      () => {
        // In two pieces: where a stream cuts is nobody's choice.
        const cut = input.length >> 1;
        for (const piece of [input.subarray(0, cut), input.subarray(cut)]) {
          for (const message of reader.push(piece))
            mustHold(message !== undefined, 'a message is a JSON value');
          mustHold(reader.heldBytes <= MAX_FRAME_BYTES + 4, 'one frame is held at most');
        }
      },
    );
  },
};
