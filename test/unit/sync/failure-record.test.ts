import { mkdtempSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { silentLog } from '../../../hal/contract/index.ts';
import { ChainError } from '../../../src/chain/index.ts';
import { OutboxStore } from '../../../src/sync/outbox/outbox-store.ts';
import { FailureRecord } from '../../../src/sync/status/failure-record.ts';
import { storedFailure } from '../../../src/sync/status/status.ts';

const directory = mkdtempSync(path.join(os.tmpdir(), 'failure-'));
const store = OutboxStore.open(directory);
afterAll(() => {
  store.close();
  rmSync(directory, { recursive: true });
});

function failure(
  code: ConstructorParameters<typeof ChainError>[0],
  remedy: 'operator' | 'retry',
  message: string,
) {
  return new ChainError(code, message, { remedy });
}

describe('what is stored of a failure', () => {
  const record = new FailureRecord(store, silentLog);

  it('is its first text while it passes by itself: flash wears out', () => {
    record.add(failure('chain.unreachable', 'retry', 'after 3 s'), 1, 0);
    record.add(failure('chain.unreachable', 'retry', 'after 4 s'), 2, 0);
    expect(record.last).toMatchObject({ message: 'after 4 s', failures: 2 });
    expect(storedFailure(store)).toMatchObject({ message: 'after 3 s', failures: 1, atMs: 1 });
  });

  it('is the newest text where somebody has to act: what was wrong before may have been corrected', () => {
    record.add(failure('chain.spec_unreadable', 'operator', 'they are swapped'), 3, 0);
    record.add(failure('chain.spec_unreadable', 'operator', 'it is not raw'), 4, 0);
    record.add(failure('chain.spec_unreadable', 'operator', 'it is not raw'), 5, 0);
    expect(storedFailure(store)).toMatchObject({ message: 'it is not raw', failures: 4, atMs: 4 });
  });

  it('is nothing after a success', () => {
    record.clear();
    expect(storedFailure(store)).toBeNull();
  });

  it('is nothing once a later anchor is final, and the next failure is the first in a row again', () => {
    record.add(failure('chain.unreachable', 'retry', 'away'), 6, 100);
    record.add(failure('chain.unreachable', 'retry', 'away'), 7, 100);
    record.anchored(100);
    expect(record.last).toMatchObject({ failures: 2 });
    record.anchored(101);
    expect(storedFailure(store)).toBeNull();
    expect(record.add(failure('chain.unreachable', 'retry', 'away'), 8, 101)).toBe(1);
  });
});
