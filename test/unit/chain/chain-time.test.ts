import { describe, expect, it } from 'vitest';
import {
  auraSlotOf,
  checkClockIsSet,
  clockProblem,
  timestampOf,
} from '../../../src/chain/gateway/transport/chain-time.ts';
import { hasCode } from '../../support/has-code.ts';

const NOW = Date.UTC(2026, 10, 23);
const MINUTE = 60_000;

describe('the clock', () => {
  it.each([
    ['a year behind', -365 * 24 * 60 * MINUTE, 'behind'],
    ['a minute behind', -MINUTE, 'behind'],
    ['some seconds behind', -20_000, undefined],
    ['right', 0, undefined],
    ['half an hour after the newest final block', 30 * MINUTE, undefined],
    ['a day after it', 24 * 60 * MINUTE, 'ahead-or-chain-stalled'],
  ])('that is %s', (_what, offsetMs, problem) => {
    expect(clockProblem(NOW, NOW + offsetMs)).toBe(problem);
  });

  it('that was never set is named', () => {
    expect(() => checkClockIsSet(0)).toThrow(hasCode('chain.clock_wrong'));
    expect(() => checkClockIsSet(NOW)).not.toThrow();
  });
});

it('reads a timestamp of the chain, and nothing else', () => {
  // 1,794,830,820,000 ms, as a little-endian u64.
  expect(timestampOf('0xa0e240e4a1010000')).toBe(1_794_830_820_000);
  for (const other of [null, undefined, '0x', '0xa0e240e4a10100', 7, 'a0e240e4a1010000']) {
    expect(timestampOf(other)).toBeUndefined();
  }
});

it("reads the slot of Aura's pre-runtime digest, and no other digest", () => {
  const seal = `0x056175726101${'01'.repeat(65)}`;
  expect(auraSlotOf([seal, '0x0661757261207a3eea0800000000'])).toBe(0x08ea_3e7a);
  expect(auraSlotOf([seal])).toBeUndefined();
  expect(auraSlotOf(['0x0642414245207a3eea0800000000'])).toBeUndefined();
  expect(auraSlotOf([])).toBeUndefined();
});
