import { describe, expect, it } from 'vitest';
import { bytesToHex, type ChainFacts, encodeRemarkCall } from '../../../src/chain/index.ts';
import type { Intent } from '../../../src/sync/outbox/intent.ts';
import { checkFee } from '../../../src/sync/signing/fee-policy.ts';
import { type CallOptions, callNameOf, plannedCall } from '../../../src/sync/signing/planned-call.ts';
import { hasCode } from '../../support/has-code.ts';

const note = `o\n3\n${Buffer.alloc(32, 1).toString('base64')}\n\n— o ${Buffer.alloc(68, 2).toString('base64')}\n`;
const anchor = { kind: 'anchor', checkpoint: note, size: 3 } as unknown as Intent;
const publish = { kind: 'publish', payload: '0xd28443' } as unknown as Intent;
const remark: CallOptions = { call: 'remark' };
const pallet: CallOptions = { call: 'pallet', pallet: { name: 'Anchors', call: 'anchor' } };
const named = {
  index: [42, 3] as [number, number],
  arguments: [
    { name: 'root', encoding: 'fixed32' as const },
    { name: 'size', encoding: 'compact' as const },
  ],
};

function facts(change: Partial<ChainFacts> = {}): ChainFacts {
  return {
    specName: 'chain',
    specVersion: 9,
    remark: { index: [0, 8] },
    call: named,
    missing: null,
    ...change,
  } as ChainFacts;
}

describe('the call of an intent', () => {
  it('is the remark where the chain has it, for anchors and for entries', () => {
    expect(callNameOf(remark)).toEqual({ pallet: 'System', name: 'remark_with_event' });
    expect(plannedCall(anchor, remark, facts()).bytes).toEqual(encodeRemarkCall([0, 8], Buffer.from(note)));
    for (const options of [remark, pallet]) {
      expect(bytesToHex(plannedCall(publish, options, facts()).bytes)).toBe('0x00080cd28443');
    }
  });

  it.each<[string, CallOptions, Partial<ChainFacts>]>([
    ['no remark', remark, { remark: null }],
    ['a remark where none may be signed', remark, { remark: { index: [5, 1] } }],
    ['a remark at another index than configured', { ...remark, callIndex: '0x0007' }, {}],
    ['no such pallet', pallet, { call: null, missing: { what: 'pallet', nearest: ['Anchor', 'Assets'] } }],
    ['no such call', pallet, { call: null, missing: { what: 'call', nearest: ['anchor_many'] } }],
    ['the call at another index than configured', { ...pallet, callIndex: '0x2a04' }, {}],
  ])('is refused when the chain has %s', (_name, options, change) => {
    expect(() => plannedCall(anchor, options, facts(change))).toThrow(hasCode('chain.call_missing'));
  });

  it('tells what the chain has in place of what is missing', () => {
    const missing = { what: 'call' as const, nearest: ['anchor_many', 'unanchor'] };
    try {
      plannedCall(anchor, pallet, facts({ call: null, missing }));
      expect.unreachable();
    } catch (error) {
      expect(error).toMatchObject({ details: { found: ['anchor_many', 'unanchor'] } });
    }
  });

  it('fills the arguments of a pallet’s call by their names, or as configured, and keeps how', () => {
    const { bytes, recipe } = plannedCall(anchor, { ...pallet, callIndex: '0x2a03' }, facts());
    expect(bytesToHex(bytes)).toBe(`0x2a03${'01'.repeat(32)}0c`);
    expect(recipe).toMatchObject({ pallet: 'Anchors', name: 'anchor', index: [42, 3] });
    const other = { ...named, arguments: [{ name: 'commitment', encoding: 'bytes' as const }] };
    const configured = { name: 'Anchors', call: 'anchor', arguments: { commitment: 'root' as const } };
    const filled = plannedCall(anchor, { call: 'pallet', pallet: configured }, facts({ call: other }));
    expect(bytesToHex(filled.bytes)).toBe(`0x2a0380${'01'.repeat(32)}`);
  });

  it.each<[string, Record<string, 'root' | 'size'>]>([
    ['an argument that nothing fills', { root: 'root' }],
    ['an argument that the call has not', { root: 'root', size: 'size', extra: 'root' }],
    ['a field that does not fit', { root: 'size', size: 'size' }],
  ])('is refused with %s, and the real arguments are named', (_name, args) => {
    const options: CallOptions = {
      call: 'pallet',
      pallet: { name: 'Anchors', call: 'anchor', arguments: args },
    };
    expect(() => plannedCall(anchor, options, facts())).toThrow(hasCode('chain.call_mismatch'));
  });
});

describe('the price of an anchor', () => {
  const question = { fee: '10', free: '15', existentialDeposit: '5', maxFee: undefined, ss58: '5X' };

  it('is paid when the balance above the existential deposit suffices', () => {
    expect(() => checkFee(question)).not.toThrow();
    expect(() => checkFee({ ...question, maxFee: '10' })).not.toThrow();
    expect(() => checkFee({ ...question, fee: null })).not.toThrow();
    expect(() => checkFee({ ...question, free: null })).not.toThrow();
  });

  it.each([
    ['sync.no_funds', { free: '14' }],
    ['sync.no_funds', { existentialDeposit: '6' }],
    ['sync.no_funds', { fee: null, free: '5' }],
    ['sync.no_funds', { fee: '340282366920938463463374607431768211455' }],
    ['sync.fee_too_high', { maxFee: '9' }],
    ['sync.fee_too_high', { maxFee: '9', fee: null }],
    ['sync.fee_too_high', { maxFee: '9', free: null }],
  ])('is not paid (%s) when %o', (code, change) => {
    expect(() => checkFee({ ...question, ...change })).toThrow(hasCode(code));
  });
});
