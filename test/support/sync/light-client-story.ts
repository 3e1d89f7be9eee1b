// One station that syncs through the light client while things happen to its chains and peers. Each chapter leaves the
// service running, and the next one goes on with it.
import { committed, committedSize, serviceForTest, syncStatus, type SyncEvent } from '../running-world.ts';
import type { ServiceProcess } from '../product.ts';
import type { SyncWorld } from './sync-world.ts';

/** How long an anchor may take when nothing is wrong any more. A light client gives a lost peer 10 s before it tries again. */
export const ANCHOR_MS = 180_000;

/** Everything that is on disk now is under a final anchor. */
export async function anchored(service: ServiceProcess, withinMs = ANCHOR_MS): Promise<SyncEvent> {
  const size = committedSize(service);
  return await syncStatus(service, ({ anchoredSize }) => anchoredSize >= size, withinMs);
}

/** The next status, from now on, that fits. */
export async function nextStatus(
  service: ServiceProcess,
  fits: (status: SyncEvent) => boolean,
  withinMs = ANCHOR_MS,
): Promise<SyncEvent> {
  const seen = new Set(service.events);
  const event = await service.event(
    (candidate) =>
      candidate['event'] === 'sync' && !seen.has(candidate) && fits(candidate['status'] as SyncEvent),
    withinMs,
  );
  return event['status'] as SyncEvent;
}

/** What one life of the service, which ends with its first final anchor, takes: bytes through the link, and time. */
export async function bytesOfOneLife(
  world: SyncWorld,
  withinMs = ANCHOR_MS,
): Promise<{ readonly down: number; readonly up: number; readonly ms: number }> {
  const before = await world.devnet.linkBytes();
  const startedAt = performance.now();
  const service = serviceForTest(world);
  await committed(service, 1);
  await anchored(service, withinMs);
  const ms = Math.round(performance.now() - startedAt);
  const after = await world.devnet.linkBytes();
  await service.stop('SIGTERM');
  return { down: after.down - before.down, up: after.up - before.up, ms };
}
