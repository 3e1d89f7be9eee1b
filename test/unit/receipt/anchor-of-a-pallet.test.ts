// An anchor whose call is a pallet's own: its arguments are filled from the checkpoint by a recipe that the receipt carries.
import { describe, expect, it } from 'vitest';
import type { AnchorCall } from '../../../src/chain/index.ts';
import { parseCheckpoint } from '../../../src/journal/index.ts';
import { createReceipt, verifyReceipt, type Receipt } from '../../../src/receipt/index.ts';
import type { AnchoredBlockOptions } from '../../support/sync/anchored-block.ts';
import { hasCode } from '../../support/has-code.ts';
import { naiveCompact } from '../../support/sync/naive-trie.ts';
import {
  checkpointOf,
  receiptInput,
  testReceipt,
  testStation,
} from '../../support/receipt/receipt-fixture.ts';

const station = testStation();
const checkpoint = checkpointOf(station);
const { root, size } = parseCheckpoint(checkpoint);
const SIGNATURE = Buffer.from(checkpoint.trimEnd().split(' ').at(-1) ?? '', 'base64').subarray(4);
const INDEX = [51, 3] as const;

type Filled = AnchorCall['arguments'][number];
const argument = (from: Filled['from'], encoding: Filled['encoding']): Filled => ({
  name: from,
  encoding,
  from,
});
const bytes = (text: string | Uint8Array): Buffer =>
  Buffer.concat([naiveCompact(Buffer.from(text).length), Buffer.from(text)]);
const u64 = (value: number): Buffer => {
  const buffer = Buffer.alloc(8);
  buffer.writeBigUInt64LE(BigInt(value));
  return buffer;
};

/** A block whose call has these bytes after its index, and the recipe for them. */
function filled(parts: readonly (readonly [Filled, Uint8Array])[]): Pick<AnchoredBlockOptions, 'filled'> {
  const call = Buffer.concat([Uint8Array.from(INDEX), ...parts.map(([, encoded]) => encoded)]);
  const recipe: AnchorCall = {
    ...{ pallet: 'Transparency', name: 'commit', index: [...INDEX] },
    arguments: parts.map(([each]) => each),
  };
  return { filled: { call: new Uint8Array(call), recipe } };
}

const COMMIT = filled([
  [argument('origin', 'bytes'), bytes(station.origin)],
  [argument('size', 'u64'), u64(size)],
  [argument('root', 'fixed32'), root],
  [argument('signature', 'fixed64'), SIGNATURE],
]);
const good = testReceipt(station, [4, 9], COMMIT);

const resultsOf = (file: string): ReadonlyMap<string, string> =>
  new Map(verifyReceipt(file).checks.map(({ name, result }) => [name, result]));

/** The good receipt with something changed, in its canonical form again. */
function changed(change: (receipt: Receipt) => void): string {
  const receipt = JSON.parse(good) as Receipt;
  change(receipt);
  return `${JSON.stringify(receipt, null, 2)}\n`;
}

function recipeOf({ anchor }: Receipt): { index: number[]; arguments: Filled[] } {
  if (anchor?.call === undefined) throw new Error('the receipt has no recipe');
  return anchor.call;
}

describe('an anchor in the call of a pallet', () => {
  it('is proved by a receipt of version 3, signature of the account included', () => {
    expect((JSON.parse(good) as Receipt).format).toBe('delmonicos-receipt/v3');
    const results = resultsOf(good);
    expect(results.get('anchor-call')).toBe('pass');
    expect(results.get('anchor-signature')).toBe('pass');
    expect([...results.values()]).not.toContain('fail');
  });

  it.each([
    ['the checkpoint alone', filled([[argument('checkpoint', 'bytes'), bytes(checkpoint)]])],
    [
      'root and compact size',
      filled([
        [argument('root', 'bytes'), bytes(root)],
        [argument('size', 'compact'), naiveCompact(size)],
      ]),
    ],
  ])('may take %s', (_what, block) => {
    expect(resultsOf(testReceipt(station, [4], block)).get('anchor-call')).toBe('pass');
  });

  it('is not made a receipt of when the call that was sent is another than the recipe makes', () => {
    const wrong = filled([[argument('root', 'fixed32'), new Uint8Array(32).fill(1)]]);
    expect(() => createReceipt(receiptInput(station, [4], wrong))).toThrow(hasCode('receipt.inconsistent'));
  });

  it.each<[string, (receipt: Receipt) => void]>([
    ['another call', (receipt) => (recipeOf(receipt).index[1] = 4)],
    ['the arguments in another order', (receipt) => recipeOf(receipt).arguments.reverse()],
    ['an argument less', (receipt) => recipeOf(receipt).arguments.pop()],
    ['the size as another number', (receipt) => (recipeOf(receipt).arguments[1] = argument('size', 'u32'))],
    [
      'a field that fills no such argument',
      (receipt) => (recipeOf(receipt).arguments[2] = argument('origin', 'u8')),
    ],
    ['an unknown encoding', (receipt) => (recipeOf(receipt).arguments[1] = argument('size', 'other:X'))],
    ['no argument at all', (receipt) => recipeOf(receipt).arguments.splice(0)],
  ])('is not believed with a recipe of %s', (_what, change) => {
    const results = resultsOf(changed(change));
    expect(results.get('format')).toBe('pass');
    expect(results.get('anchor-call')).toBe('fail');
    expect(results.get('anchor-signature')).toBe('fail');
  });

  it('is not believed when what the call takes commits to nothing', () => {
    const vague = filled([[argument('origin', 'bytes'), bytes(station.origin)]]);
    expect(() => createReceipt(receiptInput(station, [4], vague))).toThrow(hasCode('receipt.inconsistent'));
  });

  it.each(['delmonicos-receipt/v1', 'delmonicos-receipt/v2'] as const)(
    'is no receipt under the name of %s, whose readers know no recipe',
    (format) => {
      const file = changed((receipt) => ((receipt as { format: string }).format = format));
      expect(resultsOf(file).get('format')).toBe('fail');
    },
  );

  it('is needed for version 3: a remark is written as before', () => {
    expect((JSON.parse(testReceipt(station)) as Receipt).format).toBe('delmonicos-receipt/v1');
    const file = changed(({ anchor }) => delete (anchor as { call?: unknown }).call);
    expect(resultsOf(file).get('format')).toBe('fail');
  });
});
