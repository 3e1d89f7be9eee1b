import { describe, expect, it } from 'vitest';
import { pastOutcome, type PastState } from '../../../src/chain/gateway/blocks/past-outcome.ts';
import type { Runtime } from '../../../src/chain/gateway/runtime/runtime.ts';
import { JsonRpcError } from '../../../src/chain/gateway/transport/link.ts';
import { ChainError, type Hex } from '../../../src/chain/index.ts';
import { hasCode } from '../../support/has-code.ts';

const AT: Hex = `0x${'a5'.repeat(32)}`;
const UPGRADE: Hex = '0x01';
const EVENTS: Hex = '0x02';
/** Compact 900, then the name `x`. */
const SPEC_900: Hex = '0x110e0478';
const NOT_KNOWN = { success: null, fee: null, error: null };

/** A runtime that reads any events as the success of extrinsic 2, and says of which version it is in the fee. */
function runtimeOf(specVersion: number): Runtime {
  const named = (section: string, method: string, data: unknown[] = []) => ({
    phase: { isApplyExtrinsic: true, asApplyExtrinsic: 2 },
    event: { section, method, data },
  });
  const runtime = {
    version: { specVersion },
    storageKey: (_pallet: string, item: string) => (item === 'Events' ? EVENTS : UPGRADE),
    decodeStorage: () => [
      named('system', 'ExtrinsicSuccess'),
      named('transactionPayment', 'TransactionFeePaid', ['who', specVersion]),
    ],
  };
  return runtime as unknown as Runtime;
}

function stateOf(latest: number, more: Partial<PastState> = {}): PastState {
  return {
    finalizedNumber: 1_000,
    latest: runtimeOf(latest),
    runtimeOf: () => undefined,
    storage: (key) => Promise.resolve(key === UPGRADE ? SPEC_900 : '0x00'),
    ...more,
  };
}

const failing = (error: Error) => () => Promise.reject(error);
const ask = (state: PastState, number = 990) =>
  pastOutcome(state, { block: { number, hash: AT }, extrinsicIndex: 2 });

describe('what became of an extrinsic in a block of the past', () => {
  it('is read by the runtime that executed the block, the one of now or the one before', async () => {
    expect(await ask(stateOf(900))).toEqual({ success: true, fee: '900', error: null });
    const upgraded = stateOf(901, { runtimeOf: (version) => (version === 900 ? runtimeOf(900) : undefined) });
    expect(await ask(upgraded)).toEqual({ success: true, fee: '900', error: null });
  });

  it('is not known when that runtime is not at hand, whatever its bytes would say to another one', async () => {
    expect(await ask(stateOf(901))).toEqual(NOT_KNOWN);
  });

  it.each([
    ['a node says that the state is discarded', 4003, 'State already discarded for 0xa5', 990],
    ['it lies deeper than nodes keep states, and nobody has it', -32000, 'No node available', 743],
  ])('is not known when %s', async (_name, code, message, number) => {
    const storage = failing(new JsonRpcError(code, message));
    expect(await ask(stateOf(900, { storage }), number)).toEqual(NOT_KNOWN);
  });

  it('is asked for again when nobody answers about a state that must be there, or nothing answers at all', async () => {
    const absent = new JsonRpcError(-32000, 'No node available');
    await expect(ask(stateOf(900, { storage: failing(absent) }))).rejects.toBe(absent);
    const timeout = stateOf(900, { storage: failing(new ChainError('chain.timeout', 'no answer')) });
    await expect(ask(timeout, 500)).rejects.toThrow(hasCode('chain.timeout'));
  });
});
