// A station with a fixed seed, a short log and a block that anchors it: what receipt tests start from.
import { ENERGY_IMPORT, parseDecimal, POWER_ACTIVE } from '../../../hal/contract/index.ts';
import { identityFromSeed, type StationIdentity } from '../../../src/identity/index.ts';
import {
  encodeEntry,
  inclusionProof,
  leafHash,
  nodeHash,
  rootOf,
  signCheckpoint,
  type JournalEntry,
} from '../../../src/journal/index.ts';
import { createReceipt, type ReceiptInput } from '../../../src/receipt/index.ts';
import { anchoredBlock, type AnchoredBlockOptions } from '../sync/anchored-block.ts';

export interface TestStation {
  readonly identity: StationIdentity;
  readonly origin: string;
  /** Entry 0 is a boot; entry i is a reading of 1000 + 12.5 * i Wh. */
  readonly log: readonly Uint8Array[];
}

const START_MS = Date.UTC(2026, 3, 1, 12);

export function testStation(seedByte = 1, entries = 12, ownOrigin?: string): TestStation {
  const identity = identityFromSeed(new Uint8Array(32).fill(seedByte));
  const origin = ownOrigin ?? `delmonicos/${identity.chainAccount.ss58}`;
  const log = Array.from({ length: entries }, (_, index) => encodeEntry(testEntry(origin, index), identity));
  return { identity, origin, log };
}

function testEntry(station: string, index: number): JournalEntry {
  const monoMs = 60_000 + index * 900_000;
  const stamp = {
    station,
    index,
    timeMs: START_MS + monoMs,
    clock: 'S',
    bootCount: 3,
    sinceBootMs: monoMs,
  } as const;
  if (index === 0)
    return { ...stamp, kind: 'boot', body: { bootId: new Uint8Array(16), software: 'test 1.0' } };
  const wh = parseDecimal((1000 + 12.5 * index).toFixed(1));
  return {
    ...stamp,
    kind: 'reading',
    body: {
      meterSerial: 'SIM-0001',
      profileId: 'eastron-sdm630',
      readBeginMonoMs: monoMs - 80,
      readEndMonoMs: monoMs - 10,
      values: [
        { obis: ENERGY_IMPORT, value: wh, unit: 'Wh', quality: 'G' },
        { obis: POWER_ACTIVE, value: parseDecimal('3680.2'), unit: 'W', quality: 'G' },
      ],
    },
  };
}

/** Reads the tree over the leaves as the journal's own functions want it: complete subtrees, computed on the spot. */
function nodesOf(log: readonly Uint8Array[]) {
  const read = (level: number, index: number): Uint8Array =>
    level === 0
      ? leafHash(log[index]!)
      : nodeHash(read(level - 1, 2 * index), read(level - 1, 2 * index + 1));
  return read;
}

export function checkpointOf(station: TestStation, size = station.log.length): string {
  const root = rootOf(nodesOf(station.log), size);
  return signCheckpoint({ origin: station.origin, size, root }, station.identity);
}

export function receiptInput(
  station: TestStation,
  indices: readonly number[],
  block: Partial<AnchoredBlockOptions> | null = {},
): ReceiptInput {
  const size = station.log.length;
  const checkpoint = checkpointOf(station);
  return {
    origin: station.origin,
    publicKey: station.identity.publicKey,
    checkpoint,
    entries: indices.map((index) => ({
      index,
      bytes: station.log[index]!,
      inclusionProof: inclusionProof(nodesOf(station.log), index, size),
    })),
    anchor:
      block === null
        ? null
        : anchoredBlock({ account: station.identity.chainAccount, checkpoint, size, ...block }),
  };
}

export function testReceipt(
  station: TestStation = testStation(),
  indices: readonly number[] = [4, 9],
  block: Partial<AnchoredBlockOptions> | null = {},
): string {
  return createReceipt(receiptInput(station, indices, block));
}
