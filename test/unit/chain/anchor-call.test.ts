import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  type AnchorCall,
  type AnchorField,
  type ArgumentEncoding,
  encodeAnchorCall,
  encodeRemarkCall,
  readCheckpoint,
} from '../../../src/chain/index.ts';
import { hasCode } from '../../support/has-code.ts';

const root = Buffer.alloc(32, 7);
const signature = Buffer.alloc(64, 9);
const checkpointOf = (size: number): string =>
  `station.example\n${size}\n${root.toString('base64')}\n\n— station.example ${Buffer.concat([Buffer.from('kkkk'), signature]).toString('base64')}\n`;

function callOf(...args: readonly (readonly [ArgumentEncoding, AnchorField])[]): AnchorCall {
  const filled = args.map(([encoding, from]) => ({ name: from, encoding, from }));
  return { pallet: 'Anchors', name: 'anchor', index: [42, 3], arguments: filled };
}

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');

describe('a call filled from a checkpoint', () => {
  it('holds each field by the encoding of its argument', () => {
    const call = callOf(['fixed32', 'root'], ['u64', 'size'], ['fixed64', 'signature'], ['bytes', 'origin']);
    const origin = '3c' + hex(Buffer.from('station.example'));
    const expected = `2a03${'07'.repeat(32)}d204000000000000${'09'.repeat(64)}${origin}`;
    expect(hex(encodeAnchorCall(call, checkpointOf(1234)))).toBe(expected);
  });

  it.each<[ArgumentEncoding, string]>([
    ['u8', 'c8'],
    ['u16', 'c800'],
    ['u32', 'c8000000'],
    ['u128', 'c8000000000000000000000000000000'],
    ['compact', '2103'],
  ])('holds its size as %s', (encoding, expected) => {
    expect(hex(encodeAnchorCall(callOf([encoding, 'size']), checkpointOf(200)))).toBe(`2a03${expected}`);
  });

  it('is the remark when one argument of bytes takes the whole checkpoint', () => {
    const call = { ...callOf(['bytes', 'checkpoint']), index: [0, 8] as [number, number] };
    const remark = encodeRemarkCall([0, 8], Buffer.from(checkpointOf(5)));
    expect(encodeAnchorCall(call, checkpointOf(5))).toEqual(remark);
  });

  it.each<[string, AnchorCall]>([
    ['a size that is too large for it', callOf(['u8', 'size'])],
    ['a root in a number', callOf(['u128', 'root'])],
    ['a number in bytes', callOf(['bytes', 'size'])],
    ['a root where a signature goes', callOf(['fixed64', 'root'])],
    ['anything in a type that is not known', callOf(['other:AccountId32', 'root'])],
  ])('is refused with %s', (_name, call) => {
    expect(() => encodeAnchorCall(call, checkpointOf(256))).toThrow(hasCode('chain.call_mismatch'));
  });

  it('is refused when the text is no signed checkpoint, and nothing else is thrown for any text', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        expect(() => readCheckpoint(text)).toThrow(hasCode('chain.call_mismatch'));
      }),
    );
    for (const text of [
      checkpointOf(-1),
      checkpointOf(1.5),
      checkpointOf(2 ** 53),
      checkpointOf(3).trimEnd().slice(0, -120),
    ]) {
      expect(() => readCheckpoint(text)).toThrow(hasCode('chain.call_mismatch'));
    }
  });
});
