import type { EntryStamp, JournalEntry } from './entry-types.ts';

/** How fast a clock that nobody steers goes wrong at most, by the kernel's own assumption (adjtimex(2)): 500 ppm. */
const TOLERANCE = 500e-6;

/** A moment of one boot at which the wall clock was synchronised. */
interface Anchor {
  readonly index: number;
  readonly sinceBootMs: number;
  readonly timeMs: number;
  /** As the last `clock-step` entry says; null where none does. */
  readonly maxErrorMs: number | null;
}

/** By this much UTC went on from the entry before to this one while the time since boot did not: sleep, or a leap second. */
interface Shift {
  readonly index: number;
  readonly ms: number;
}

interface BootTimes {
  readonly anchors: readonly Anchor[];
  readonly shifts: readonly Shift[];
}

/** What a log says about the true time of its entries, by boot count; see `timeAnchors`. */
export type TimeAnchors = ReadonlyMap<number, BootTimes>;

export interface CorrectedTime {
  /** Milliseconds since 1970 UTC. */
  readonly timeMs: number;
  /**
   * `own`: the entry's own time, which was synchronised. `later`, `earlier`: from the time since boot between it and a
   * synchronised entry of the same boot. `none`: the boot has no synchronised entry; the time is the entry's own and worth as
   * little as its status says.
   */
  readonly basis: 'own' | 'later' | 'earlier' | 'none';
  /** Bound of the error; null where nothing bounds it. */
  readonly maxErrorMs: number | null;
}

/**
 * Collects from the entries of a log, in their order, at which moments the wall clock was right. In memory stays what the clock
 * did (two moments for each stretch of synchronised entries), not the entries.
 */
export function timeAnchors(entries: Iterable<JournalEntry>): TimeAnchors {
  const boots = new Map<number, { anchors: Anchor[]; shifts: Shift[] }>();
  let stretch: { readonly bootCount: number; readonly first: number } | undefined;
  let maxErrorMs: number | null = null;
  for (const entry of entries) {
    const { index, bootCount, sinceBootMs, timeMs, clock } = entry;
    const boot = boots.get(bootCount) ?? { anchors: [], shifts: [] };
    boots.set(bootCount, boot);
    if (entry.kind === 'clock-step') {
      const { reason, stepMs, after } = entry.body;
      if (reason === 'suspend' || reason === 'leap') boot.shifts.push({ index, ms: stepMs });
      maxErrorMs = after === 'S' ? (entry.body.maxErrorMs ?? null) : null;
      stretch = undefined;
    }
    if (stretch?.bootCount !== bootCount) stretch = undefined;
    if (clock !== 'S') {
      stretch = undefined;
      continue;
    }
    const anchor = { index, sinceBootMs, timeMs, maxErrorMs };
    // Of a stretch its first and its last entry are kept.
    if (stretch !== undefined && boot.anchors.length - stretch.first > 1) boot.anchors.pop();
    stretch ??= { bootCount, first: boot.anchors.length };
    boot.anchors.push(anchor);
  }
  return boots;
}

/**
 * When an entry was really made, as far as its log knows: an inference for people, not what was signed. Right as long as the
 * clock was steered by no more than 500 ppm between the entry and the synchronised moment that is nearest to it.
 */
export function correctedTime(
  { index, timeMs, clock, bootCount, sinceBootMs }: EntryStamp & { readonly index: number },
  known: TimeAnchors,
): CorrectedTime {
  const boot = known.get(bootCount);
  const anchor = boot && nearest(boot.anchors, sinceBootMs);
  if (clock === 'S') return { timeMs, basis: 'own', maxErrorMs: anchor?.maxErrorMs ?? null };
  if (boot === undefined || anchor === undefined) return { timeMs, basis: 'none', maxErrorMs: null };
  const isLater = anchor.index > index;
  const [from, to] = isLater ? [index, anchor.index] : [anchor.index, index];
  const shiftMs = boot.shifts
    .filter((shift) => shift.index > from && shift.index <= to)
    .reduce((sum, { ms }) => sum + ms, 0);
  const elapsedMs = sinceBootMs - anchor.sinceBootMs;
  const maxErrorMs =
    anchor.maxErrorMs === null ? null : anchor.maxErrorMs + Math.ceil(Math.abs(elapsedMs) * TOLERANCE);
  return {
    timeMs: anchor.timeMs + elapsedMs + (isLater ? -shiftMs : shiftMs),
    basis: isLater ? 'later' : 'earlier',
    maxErrorMs,
  };
}

/** Anchors rise by time since boot. */
function nearest(anchors: readonly Anchor[], sinceBootMs: number): Anchor | undefined {
  let [low, high] = [0, anchors.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((anchors[middle]?.sinceBootMs ?? Infinity) < sinceBootMs) low = middle + 1;
    else high = middle;
  }
  const [before, after] = [anchors[low - 1], anchors[low]];
  if (before === undefined || after === undefined) return before ?? after;
  return sinceBootMs - before.sinceBootMs < after.sinceBootMs - sinceBootMs ? before : after;
}
