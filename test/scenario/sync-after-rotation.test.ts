// The chain account changes with the root seed. What the old one had on its way is followed to its end with the old one's
// nonce; what is signed from then on is the new one's, with its own.
import { mkdtempSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { bytesToHex, decodeSignedExtrinsic, hexToBytes, type Hex } from '../../src/chain/index.ts';
import {
  anchorCovering,
  openSync,
  readSyncStatus,
  type ChainAccount,
  type Sync,
} from '../../src/sync/index.ts';
import { ModelWorld } from '../support/sync/model-gateway.ts';
import { GrowingLog, syncOptions, testAccount } from '../support/sync/sync-station.ts';
import { VirtualClock } from '../support/virtual-clock.ts';

const SECOND = 1_000;
const MINUTE = 60 * SECOND;
const [OLD, NEW] = [testAccount(1), testAccount(2)];

let directory: string;
let world: ModelWorld;
let clock: VirtualClock;
let log: GrowingLog;
let sync: Sync;
beforeEach(() => {
  directory = mkdtempSync(path.join(os.tmpdir(), 'rotated-'));
  world = new ModelWorld();
  clock = new VirtualClock();
  log = new GrowingLog('model', 3);
});
afterEach(async () => {
  await sync.stop();
  rmSync(directory, { recursive: true, force: true });
});

function start(account: ChainAccount): void {
  sync = openSync(
    syncOptions({
      ...{ stateDirectory: directory, source: log, account, clock, random: () => 0.5 },
      chain: { transport: 'rpc', url: 'ws://model', call: 'remark', anchorEveryMs: 60 * MINUTE },
      gatewayEntry: world.open,
      timing: { firstRetryMs: 2 * SECOND, maxRetryMs: 10 * MINUTE },
    }),
  );
  sync.start();
}

/** Time in which the chain makes a block every six seconds. */
async function pass(durationMs: number): Promise<void> {
  for (let passed = 0; passed < durationMs; passed += 6 * SECOND) {
    await clock.advance(6 * SECOND);
    world.mine();
  }
  await clock.advance(1);
}

/** The old account has handed an extrinsic over; then the station is stopped, its key rotated, and it starts again. */
async function rotateInFlight(meanwhile: () => void): Promise<void> {
  start(OLD);
  // Half of the first delay's five minutes, as `random` says.
  await clock.advance(160 * SECOND);
  expect(world.submitted).toHaveLength(1);
  await sync.stop();
  expect(readSyncStatus(directory).intents).toMatchObject([{ state: 'broadcast', size: 3 }]);
  meanwhile();
  log.grow(4);
  start(NEW);
}

const signerOf = (extrinsic: Hex): string => {
  const decoded = decodeSignedExtrinsic(hexToBytes(extrinsic));
  return 'why' in decoded ? decoded.why : bytesToHex(decoded.signer);
};
const [oldKey, newKey] = [OLD, NEW].map(({ publicKey }) => bytesToHex(publicKey));

describe('an anchor in flight when the chain account changes', () => {
  it('is found where it got in, and is not made again by the new account', async () => {
    await rotateInFlight(() => world.mine());
    await pass(2 * MINUTE);
    expect(signerOf(anchorCovering(directory, 2)!.extrinsic)).toBe(oldKey);
    const bySize3 = world.submitted.filter((extrinsic) => signerOf(extrinsic) === oldKey);
    expect(new Set(bySize3).size).toBe(1);
    // The next one is the new account's first.
    await pass(61 * MINUTE);
    expect(sync.status()).toMatchObject({ anchoredSize: 7 });
    expect(signerOf(anchorCovering(directory, 6)!.extrinsic)).toBe(newKey);
    expect([oldKey, newKey].map((key) => world.nonceOf(key as Hex))).toEqual([1, 1]);
  });

  it('that never gets in expires, and the new account signs it anew with a nonce of its own', async () => {
    await rotateInFlight(() => world.forget());
    // The pool of no node takes the old account's bytes any more.
    const submit = world.submit.bind(world);
    world.submit = (extrinsic) => {
      if (signerOf(extrinsic) === newKey) submit(extrinsic);
    };
    await pass(15 * MINUTE);
    expect(sync.status().anchoredSize).toBeGreaterThanOrEqual(3);
    expect(signerOf(anchorCovering(directory, 2)!.extrinsic)).toBe(newKey);
    expect([oldKey, newKey].map((key) => world.nonceOf(key as Hex))).toEqual([0, 1]);
  });
});
