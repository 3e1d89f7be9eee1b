import path from 'node:path';
import { productJson, type ServiceProcess } from '../support/product.ts';
import type { Mismatch } from '../support/meters/truth.ts';
import type { Auditor } from './auditor.ts';
import { makeAndVerifyReceipt } from './live-receipt.ts';
import type { Observer } from './observer.ts';
import type { World } from './world.ts';

/** The last line of `--json` (CLI.md of the design), and why it is what it is. */
export interface Summary {
  readonly seconds: number;
  readonly samples: number;
  readonly entries: number;
  readonly wrong: number;
  readonly journal: { readonly size: number; readonly root: string; readonly verified: boolean };
  readonly anchor: {
    readonly size: number;
    readonly root: string;
    readonly via: string;
    readonly block: number;
    readonly blockHash: string;
    readonly final: boolean;
  } | null;
  readonly receipt: { readonly index: number; readonly verified: boolean } | null;
  readonly telemetry: { readonly messages: number };
  /** How the service ended; anything but status 0 when it was told to is a failure. */
  readonly service: {
    readonly status: number | null;
    readonly signal: string | null;
    readonly byItself: boolean;
  };
  readonly mismatches: readonly Mismatch[];
}

interface Parts {
  readonly world: World;
  readonly service: ServiceProcess;
  readonly auditor: Auditor;
  readonly observer: Observer;
  readonly startedMono: number;
  /** Entries of earlier runs in the same state directory. */
  readonly sizeBefore: number;
}

interface StoredStatus {
  readonly lastAnchor: {
    size: number;
    root: string;
    via: string;
    blockNumber: number;
    blockHash: string;
  } | null;
}

/** A short demo may end before its first anchor is final: it is given this long. */
const ANCHOR_GRACE_MS = 45_000;

/** Stops the service and checks everything with the commands that anyone has. */
export async function conclude({
  world,
  service,
  auditor,
  observer,
  startedMono,
  sizeBefore,
}: Parts): Promise<Summary> {
  await service
    .event((event) => event['event'] === 'sync' && anchoredSize(event) > sizeBefore, ANCHOR_GRACE_MS)
    .catch(() => undefined);
  const seconds = Math.round((performance.now() - startedMono) / 1_000);
  const byItself = service.ended;
  const { code: status, signal } = await service.stop('SIGTERM');
  const { messages } = observer.see();
  const audit = await auditor.continue();
  const journal = await productJson<{ size: number; root: string; ok: boolean }>([
    'journal',
    'verify',
    world.stateDirectory,
  ]);
  const { lastAnchor } = await productJson<StoredStatus>(['sync', 'status', world.stateDirectory]);
  const anchor = lastAnchor && {
    size: lastAnchor.size,
    root: lastAnchor.root.replace(/^0x/, ''),
    via: lastAnchor.via,
    block: lastAnchor.blockNumber,
    blockHash: lastAnchor.blockHash,
    // Asked of the chain itself, not of the station.
    final: await isFinal(world, lastAnchor),
  };
  const index = anchor === null ? audit.lastReading : Math.min(anchor.size - 1, audit.lastReading ?? 0);
  const file = path.join(path.dirname(world.configPath), 'demo.receipt.json');
  return {
    seconds,
    samples: audit.samples,
    entries: audit.entries,
    wrong: audit.wrong,
    journal: { size: journal.size, root: journal.root, verified: journal.ok },
    anchor,
    receipt: index === undefined ? null : await makeAndVerifyReceipt(world, index, file),
    telemetry: { messages },
    service: { status, signal, byItself },
    mismatches: audit.firstMismatches,
  };
}

function anchoredSize(event: Record<string, unknown>): number {
  return (event['status'] as { anchoredSize?: number } | undefined)?.anchoredSize ?? 0;
}

async function isFinal(world: World, anchor: { blockNumber: number; blockHash: string }): Promise<boolean> {
  const block = await world.devnet.block(anchor.blockNumber);
  return block?.finalized === true && block.hash === anchor.blockHash;
}
