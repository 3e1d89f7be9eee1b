/**
 * When a meter is read next: on a fixed grid of `everyMs` from its first read, so that a slow read shifts nothing. Slots that
 * passed while the last read was running are skipped and counted, never made up for: two reads at once tell nothing new.
 */
export interface Slot {
  readonly atMonoMs: number;
  readonly skipped: number;
}

/** The next slot strictly after `nowMonoMs`, for a grid that had a slot at `lastSlotMonoMs`. */
export function nextSlot(lastSlotMonoMs: number, everyMs: number, nowMonoMs: number): Slot {
  const passed = Math.max(0, Math.floor((nowMonoMs - lastSlotMonoMs) / everyMs));
  return { atMonoMs: lastSlotMonoMs + (passed + 1) * everyMs, skipped: passed };
}

/** Spreads meters with the same interval over it, so that a shared line is asked evenly: the first slot of meter i of n. */
export function firstSlot(startMonoMs: number, everyMs: number, index: number, count: number): number {
  return startMonoMs + Math.floor((everyMs * index) / Math.max(1, count));
}
