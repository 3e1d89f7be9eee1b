import { mkdtempSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { onTestFinished } from 'vitest';
import { startWorld, type World, type WorldOptions } from '../demo/world.ts';
import { productJson, runProduct, ServiceProcess } from './product.ts';

/** A world of its own for one test: simulator, broker, dev network; all of it gone when the test is over. */
export async function worldForTest(options: Partial<WorldOptions> = {}): Promise<World> {
  const directory = mkdtempSync(path.join(os.tmpdir(), 'delmonicos-world-'));
  onTestFinished(() => rmSync(directory, { recursive: true, force: true }));
  const world = await startWorld({ directory, anchorEvery: '3s', groupCommit: '500ms', ...options });
  onTestFinished(() => world.stop());
  return world;
}

/** The service on that world; killed when the test is over. */
export function serviceForTest(
  world: Pick<World, 'configPath' | 'stateDirectory'>,
  extra: readonly string[] = [],
): ServiceProcess {
  const service = ServiceProcess.start(world.configPath, world.stateDirectory, extra);
  onTestFinished(async () => void (await service.stop('SIGKILL')));
  return service;
}

/** Entries 0 to size - 1 that the service said are on disk. */
export function committedSize(service: ServiceProcess): number {
  return Number(service.last('committed')?.['size'] ?? 0);
}

/** Waits until the service has said that at least `size` entries are on disk. */
export async function committed(service: ServiceProcess, size: number): Promise<void> {
  await service.event((event) => event['event'] === 'committed' && Number(event['size']) >= size, 60_000);
}

export interface SyncEvent {
  readonly phase: string;
  readonly anchoredSize: number;
  readonly open: { readonly id: number; readonly state: string; readonly size: number } | null;
  readonly lastAnchor: {
    readonly size: number;
    readonly blockNumber: number;
    readonly blockHash: string;
  } | null;
  readonly failure: { readonly code: string } | null;
  readonly seen: { readonly specVersion: number } | null;
  readonly words: readonly [{ readonly state: string; readonly severity: string; readonly text: string }];
}

/** Waits for a sync status that the test accepts, now or later. */
export async function syncStatus(
  service: ServiceProcess,
  accepts: (status: SyncEvent) => boolean,
  timeoutMs = 60_000,
): Promise<SyncEvent> {
  const event = await service.event(
    (candidate) => candidate['event'] === 'sync' && accepts(candidate['status'] as SyncEvent),
    timeoutMs,
  );
  return event['status'] as SyncEvent;
}

export interface VerifiedJournal {
  readonly size: number;
  readonly root: string;
  readonly ok: boolean;
  readonly firstBad: { readonly index: number; readonly why: string } | null;
}

export async function verifiedJournal(stateDirectory: string): Promise<VerifiedJournal> {
  return await productJson<VerifiedJournal>(['journal', 'verify', stateDirectory]);
}

export interface ExportedEntry {
  readonly index: number;
  readonly kind: string;
  readonly body: Readonly<Record<string, unknown>>;
}

/** All entries, as `journal export --format jsonl` gives them. */
export async function exportedEntries(stateDirectory: string): Promise<ExportedEntry[]> {
  const { status, stdout, stderr } = await runProduct([
    'journal',
    'export',
    stateDirectory,
    '--format',
    'jsonl',
  ]);
  if (status !== 0) throw new Error(stderr);
  return stdout
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as ExportedEntry);
}

export interface StoredIntent {
  readonly id: number;
  readonly state: string;
  readonly size: number;
  /** Root hash, `0x` and hexadecimal. */
  readonly root: string;
}

/** How often the checkpoint of an intent stands in final blocks, asked of the chain itself. */
export async function timesOnChain(
  world: World,
  { size, root }: Pick<StoredIntent, 'size' | 'root'>,
): Promise<number> {
  // The body of a C2SP checkpoint: origin, size, root. Found by its last two lines.
  const body = `\n${size}\n${Buffer.from(root.slice(2), 'hex').toString('base64')}\n`;
  const found = await world.devnet.findExtrinsics(`0x${Buffer.from(body).toString('hex')}`);
  return found.length;
}
