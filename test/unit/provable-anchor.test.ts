import { afterEach, beforeEach, expect, it } from 'vitest';
import { JournalError } from '../../src/journal/index.ts';
import { provableAnchor } from '../../src/station/evidence/provable-anchor.ts';
import type { AnchorEvidence } from '../../src/chain/index.ts';
import { OutboxStore } from '../../src/sync/outbox/outbox-store.ts';
import { temporaryDirectory } from '../support/journal/journal-fixture.ts';

let directory: string;
let remove: () => void;
beforeEach(() => {
  ({ directory, remove } = temporaryDirectory());
});
afterEach(() => remove());

const ORIGIN = 'delmonicos/test';
const HASH = `0x${'22'.repeat(32)}` as const;

/** As the outbox keeps them when their checkpoints are in final blocks. */
function finalAnchors(...sizes: readonly number[]): void {
  const outbox = OutboxStore.open(directory);
  outbox.commit(
    sizes.map((size, i) => {
      const evidence: AnchorEvidence = {
        ...{ via: 'rpc', genesisHash: HASH, blockNumber: 7, blockHash: HASH, header: '0x00', size },
        ...{
          extrinsicIndex: 1,
          extrinsic: '0x00',
          extrinsicProof: ['0x00'],
          checkpoint: `${ORIGIN}\n${size}\n…`,
        },
      };
      return {
        ...({ id: i + 1, kind: 'anchor', state: 'final', checkpoint: '', size, root: HASH } as const),
        ...{ plannedAtMs: 1, earlier: [], outcome: null },
        ...{ attempt: null, block: null, evidence, reason: null },
      };
    }),
  );
  outbox.close();
}
/** A log of which only some sizes can still be proved. */
const log = (...provable: readonly number[]) => ({
  origin: ORIGIN,
  rootAt: (size: number): Uint8Array => {
    if (!provable.includes(size)) throw new JournalError('journal.pruned', 'gone');
    return new Uint8Array(32);
  },
});

it('is the first one that covers the entry, while its tree can be proved', async () => {
  finalAnchors(100, 200, 300);
  expect(await provableAnchor(log(100, 200, 300), directory, 150)).toMatchObject({ size: 200 });
});

it('is the newest one when the end of the first one gave way', async () => {
  finalAnchors(100, 200, 300);
  expect(await provableAnchor(log(300), directory, 50)).toMatchObject({ size: 300 });
});

it('is none for an entry that no anchor covers, or without an outbox', async () => {
  expect(await provableAnchor(log(), directory, 50)).toBeNull();
  finalAnchors(100);
  expect(await provableAnchor(log(100), directory, 100)).toBeNull();
});

it('is none when the anchors are of the log before this one', async () => {
  finalAnchors(100, 200);
  expect(await provableAnchor({ ...log(100, 200), origin: `${ORIGIN}/2` }, directory, 50)).toBeNull();
});
