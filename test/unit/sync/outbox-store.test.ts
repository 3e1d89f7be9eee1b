import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import Database from 'better-sqlite3';
import fc from 'fast-check';
import { afterAll, describe, expect, it } from 'vitest';
import { type AnchorEvidence, bytesToHex } from '../../../src/chain/index.ts';
import { anchorCovering, readSyncStatus } from '../../../src/sync/index.ts';
import type {
  AnchorIntent,
  Attempt,
  Intent,
  IntentKind,
  IntentState,
} from '../../../src/sync/outbox/intent.ts';
import { acquireOutboxLock } from '../../../src/sync/outbox/outbox-lock.ts';
import { OutboxStore } from '../../../src/sync/outbox/outbox-store.ts';
import { hasCode } from '../../support/has-code.ts';

const root = mkdtempSync(path.join(os.tmpdir(), 'outbox-'));
afterAll(() => rmSync(root, { recursive: true, force: true }));
const directory = (): string => mkdtempSync(path.join(root, 'd-'));

const bytes = (length: number) => fc.uint8Array({ minLength: length, maxLength: length }).map(bytesToHex);
const u32 = fc.nat(0xffff_ffff);
const attempt = fc.record(
  {
    ordinal: fc.integer({ min: 1, max: 1_000 }),
    nonce: u32,
    birth: fc.record({ number: u32, hash: bytes(32) }),
    deathNumber: u32,
    extrinsic: bytes(300),
    additionalSigned: bytes(72),
  },
  { requiredKeys: ['ordinal', 'nonce', 'birth', 'deathNumber', 'extrinsic'] },
);
const outcome = fc.record({
  success: fc.option(fc.boolean(), { nil: null }),
  fee: fc.option(fc.nat().map(String), { nil: null }),
  error: fc.option(fc.string(), { nil: null }),
});
const place = fc.record({
  via: fc.constantFrom('light-client' as const, 'rpc' as const),
  genesisHash: bytes(32),
  blockNumber: u32,
  blockHash: bytes(32),
  extrinsicIndex: fc.nat(100),
  finalizedAtMs: fc.nat(),
});
const evidence = fc.record({
  via: fc.constantFrom('light-client' as const, 'rpc' as const),
  genesisHash: bytes(32),
  blockNumber: u32,
  blockHash: bytes(32),
  header: bytes(200),
  extrinsicIndex: fc.nat(100),
  extrinsic: bytes(300),
  extrinsicProof: fc.array(bytes(64), { maxLength: 5 }),
  checkpoint: fc.string({ maxLength: 300 }),
  size: fc.nat(),
});

function intentOf(state: IntentState, id: number, kind: IntentKind = 'anchor'): fc.Arbitrary<Intent> {
  const withBytes = !['planned', 'superseded'].includes(state);
  const shared = {
    id: fc.constant(id),
    state: fc.constant(state),
    size: fc.integer({ min: 1, max: Number.MAX_SAFE_INTEGER }),
    root: bytes(32),
    plannedAtMs: fc.nat(),
    attempt: withBytes ? attempt : fc.constant(null),
    earlier: ['planned', 'expired', 'signed', 'broadcast', 'inBlock'].includes(state)
      ? fc.uniqueArray(attempt, { maxLength: 4, selector: ({ ordinal }) => ordinal }).map(inOrder)
      : fc.constant([]),
    block: state === 'inBlock' ? fc.record({ number: u32, hash: bytes(32) }) : fc.constant(null),
    outcome: state === 'final' ? fc.option(outcome, { nil: null }) : fc.constant(null),
    reason: fc.option(fc.string(), { nil: null }),
  };
  if (kind === 'anchor') {
    const checkpoint = fc.string({ unit: 'binary', maxLength: 300 }).filter((text) => !text.includes('\0'));
    const proof = state === 'final' ? evidence : fc.constant(null);
    return fc.record({ kind: fc.constant('anchor' as const), ...shared, checkpoint, evidence: proof });
  }
  return fc.record({
    kind: fc.constant('publish' as const),
    ...shared,
    fromIndex: fc.nat(),
    toIndex: fc.nat(),
    payload: bytes(500),
    entries: fc.nat(),
    entriesSoFar: fc.nat(),
    skippedSoFar: fc.nat(),
    evidence: state === 'final' ? place : fc.constant(null),
  });
}

function inOrder(attempts: readonly Attempt[]): Attempt[] {
  return [...attempts].sort((a, b) => a.ordinal - b.ordinal);
}

function exampleOf<K extends IntentKind>(kind: K, state: IntentState, id: number): Intent & { kind: K } {
  return fc.sample(intentOf(state, id, kind), { numRuns: 1, seed: id })[0] as Intent & { kind: K };
}

/** An anchor; as of the last release unless said otherwise: the runtime refused none. */
function example(state: IntentState, id: number, change: Partial<AnchorIntent> = {}): AnchorIntent {
  return { ...exampleOf('anchor', state, id), outcome: null, ...change };
}

describe('the outbox on disk', () => {
  const states: IntentState[] = [
    'planned',
    'signed',
    'broadcast',
    'inBlock',
    'expired',
    'final',
    'superseded',
    'unplaced',
  ];

  it('gives back what was committed, after it was closed', () => {
    const where = directory();
    let id = 0;
    fc.assert(
      fc.property(
        fc.constantFrom<IntentKind>('anchor', 'publish'),
        fc.constantFrom(...states),
        fc.nat(),
        (kind, state, seed) => {
          const [intent] = fc.sample(intentOf(state, ++id, kind), { numRuns: 1, seed }) as [Intent];
          const store = OutboxStore.open(where);
          store.commit([intent]);
          store.close();
          const again = OutboxStore.open(where);
          expect(again.newest(5).find((found) => found.id === id)).toEqual(intent);
          again.commit([{ ...intent, state: 'superseded', evidence: null, earlier: [] }]);
          again.close();
        },
      ),
      { numRuns: 24 },
    );
  });

  it('takes all rows of a step or none', () => {
    const store = OutboxStore.open(directory());
    store.commit([example('broadcast', 1)]);
    const second = example('signed', 2);
    expect(() => store.commit([example('planned', 3), second])).toThrow(hasCode('sync.outbox_damaged'));
    expect(store.newest(5).map(({ id }) => id)).toEqual([1]);
    store.commit([second, example('final', 1)]);
    expect(store.open().map(({ id }) => id)).toEqual([2]);
    store.close();
  });

  it('finds the smallest final anchor that covers a leaf', () => {
    const where = directory();
    const store = OutboxStore.open(where);
    const sizes = [10, 20, 30];
    store.commit(
      sizes.map((size, i) => {
        const intent = example('final', i + 1, { size });
        return { ...intent, evidence: { ...(intent.evidence as AnchorEvidence), size } };
      }),
    );
    store.commit([example('broadcast', 9, { size: 40 })]);
    expect([0, 9, 10, 29].map((index) => anchorCovering(where, index)?.size)).toEqual([10, 10, 20, 30]);
    expect(anchorCovering(where, 30)).toBeUndefined();
    expect(readSyncStatus(where)).toMatchObject({
      lastAnchor: { size: 30 },
      failure: null,
      genesisHash: null,
    });
    store.close();
  });

  it('takes as long for a step after a year of anchors as on the first day', () => {
    const anchor = example('final', 1);
    const fastest = (store: OutboxStore, firstId: number): number => {
      const times = Array.from({ length: 15 }, (_, i) => {
        const from = performance.now();
        store.commit([{ ...anchor, id: firstId + i, size: firstId + i }]);
        store.lastFinal();
        return performance.now() - from;
      });
      return Math.min(...times);
    };
    const young = OutboxStore.open(directory());
    const old = OutboxStore.open(directory());
    for (let id = 1; id <= 10_000; id += 1_000) {
      old.commit(Array.from({ length: 1_000 }, (_, i) => ({ ...anchor, id: id + i, size: id + i })));
    }
    fastest(young, 1);
    expect(fastest(old, 20_000)).toBeLessThan(5 * fastest(young, 20_000));
    expect(old.newest(20_000)).toHaveLength(10_000);
    young.close();
    old.close();
  }, 60_000);

  it('keeps a hundred of those that came to nothing', () => {
    const store = OutboxStore.open(directory());
    for (let id = 1; id <= 150; id++) store.commit([example('superseded', id)]);
    store.commit([example('planned', 151)]);
    expect(store.newest(1_000)).toHaveLength(101);
    expect(store.lastId()).toBe(151);
    store.close();
  });
});

describe('an outbox that cannot be used', () => {
  it('is said to be missing, damaged or newer, and left as it is', () => {
    const where = directory();
    expect(() => readSyncStatus(where)).toThrow(hasCode('sync.outbox_missing'));
    const file = path.join(where, 'outbox.db');
    writeFileSync(file, 'this is no database, and long enough that SQLite looks at it'.repeat(20));
    const before = readFileSync(file);
    expect(() => OutboxStore.open(where)).toThrow(hasCode('sync.outbox_damaged'));
    expect(readFileSync(file)).toEqual(before);
    rmSync(file);
    const other = new Database(file);
    other.exec('CREATE TABLE something (x); PRAGMA user_version = 1');
    other.close();
    expect(() => OutboxStore.open(where)).toThrow(hasCode('sync.outbox_damaged'));
    const newer = new Database(file);
    newer.pragma('user_version = 99');
    newer.close();
    expect(() => OutboxStore.open(where)).toThrow(hasCode('sync.outbox_newer'));
  });

  it('is found when a page in the middle is overwritten', () => {
    const where = directory();
    const store = OutboxStore.open(where);
    for (let id = 1; id <= 40; id++) store.commit([example('final', id)]);
    store.close();
    const file = path.join(where, 'outbox.db');
    const content = readFileSync(file);
    content.fill(0xa5, 3 * 4096, 6 * 4096);
    writeFileSync(file, content);
    expect(() => OutboxStore.open(where)).toThrow(hasCode('sync.outbox_damaged'));
  });

  it('is locked for a second writer until the first lets go', () => {
    const where = directory();
    const lock = acquireOutboxLock(where);
    expect(() => acquireOutboxLock(where)).toThrow(hasCode('sync.locked'));
    lock.release();
    acquireOutboxLock(where).release();
  });
});
