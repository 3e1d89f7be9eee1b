// outbox-schema-2.db was written by the release before entries could be published (schema 2): two final anchors, one that was
// superseded, one in flight and one that waits.
import { copyFileSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { anchorCovering, readPublishedSize, readSyncStatus } from '../../../src/sync/index.ts';
import { OutboxStore } from '../../../src/sync/outbox/outbox-store.ts';

const VECTOR = path.join(import.meta.dirname, 'outbox-schema-2.db');
const root = mkdtempSync(path.join(os.tmpdir(), 'outbox-schema-'));
afterAll(() => rmSync(root, { recursive: true, force: true }));

function copied(): string {
  const directory = mkdtempSync(path.join(root, 'd-'));
  copyFileSync(VECTOR, path.join(directory, 'outbox.db'));
  return directory;
}

const NEW_FIELDS = { kind: 'anchor', earlier: [], outcome: null };
const EXPECTED = [
  { id: 5, state: 'planned', size: 50, attempt: null },
  {
    id: 4,
    state: 'broadcast',
    size: 40,
    attempt: { ordinal: 1, nonce: 7, deathNumber: 164, extrinsic: '0x0102' },
  },
  { id: 3, state: 'final', size: 30, evidence: { checkpoint: 'checkpoint 30' } },
  { id: 2, state: 'superseded', size: 20, reason: 'superseded by 3' },
  { id: 1, state: 'final', size: 10, checkpoint: 'checkpoint 10' },
].map((intent) => ({ ...NEW_FIELDS, ...intent }));

describe('an outbox of schema 2', () => {
  it('is read as it is, before anybody has opened it for writing, and left as it is', () => {
    const directory = copied();
    expect(readSyncStatus(directory)).toMatchObject({ intents: EXPECTED, lastAnchor: { size: 30 } });
    expect(anchorCovering(directory, 5)?.size).toBe(10);
    expect(readPublishedSize(directory)).toBe(0);
    expect(readFileSync(path.join(directory, 'outbox.db'))).toEqual(readFileSync(VECTOR));
  });

  it('is brought up to date without losing anything, once', () => {
    const directory = copied();
    for (let opened = 0; opened < 2; opened++) {
      const store = OutboxStore.open(directory);
      expect(store.newest(10)).toMatchObject(EXPECTED);
      expect(store.open().map(({ id }) => id)).toEqual([4, 5]);
      expect(store.lastFinal()?.size).toBe(30);
      expect(store.covering(5)?.size).toBe(10);
      expect(store.lastPublished()).toBeUndefined();
      store.close();
    }
  });
});
