import { expect, it } from 'vitest';
import { MessagePump, type PumpParts } from '../../../src/telemetry/message-pump.ts';
import { VirtualClock } from '../../support/virtual-clock.ts';

it('goes on after a message that cannot be made', () => {
  let taken = 0;
  const traffic = {
    balanceBooks: () => {},
    heldBack: () => [],
    queue: { figures: () => ({ inFlight: 0 }) },
    take: () => {
      if (taken++ === 0) throw new TypeError('it cannot be encoded');
      return undefined;
    },
  } as unknown as PumpParts['traffic'];
  const connection = { accepts: { inFlight: 16 } } as unknown as ReturnType<PumpParts['connection']>;
  const nothing = (): void => {};
  const pump = new MessagePump({
    ...{ traffic, limits: { maxInFlight: 16 }, clock: new VirtualClock(0), connection: () => connection },
    ...{ wireBytes: () => 0, unsendable: nothing, refused: nothing, spent: nothing },
  });
  expect(() => pump.pump()).toThrow(TypeError);
  pump.pump();
  expect(taken).toBe(2);
});
