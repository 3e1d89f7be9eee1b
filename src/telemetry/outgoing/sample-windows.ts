import type { MeterSample } from '../../../hal/contract/index.ts';
import type { SampleStamp } from '../contract/documents.ts';
import { SampleWindow } from './sample-window.ts';

export interface WindowBounds {
  /** While nothing can be sent, a window is closed after so long, and the next one begins. */
  readonly windowMs: number;
  /** Quantities in all closed windows together. */
  readonly maxHistoryValues: number;
}

/** What may be sent next. `late`: it was closed while there was no session, and is not the newest of its meter. */
export interface DueWindow {
  readonly meterId: string;
  readonly window: SampleWindow;
  readonly late: boolean;
}

interface MeterWindows {
  /** Grows until it is sent. */
  open: SampleWindow | undefined;
  /** Oldest first. */
  closed: SampleWindow[];
  sentMonoMs: number;
}

/**
 * Readings that wait for the budget or for a broker: of each meter a window that grows, and windows that were closed while nothing could
 * be sent. Every reading is in exactly one of them. At the bound the two neighbours that span the least time together become one, so that
 * an outage of whatever length is told evenly, from its beginning to its end; only where no two go together the oldest is dropped.
 */
export class SampleWindows {
  readonly #bounds: WindowBounds;
  readonly #meters = new Map<string, MeterWindows>();
  #historyValues = 0;
  #samples = 0;
  #dropped = 0;
  #lateIsNext = false;

  constructor(bounds: WindowBounds) {
    this.#bounds = bounds;
  }

  /** Readings in all windows. */
  get samples(): number {
    return this.#samples;
  }

  /** Readings that had no room: of meters that take turns under one name nothing can be put together. */
  get dropped(): number {
    return this.#dropped;
  }

  /** Windows that wait. */
  get waiting(): number {
    let count = 0;
    for (const { open, closed } of this.#meters.values())
      count += closed.length + (open === undefined ? 0 : 1);
    return count;
  }

  /** Quantities in closed windows. */
  get historyValues(): number {
    return this.#historyValues;
  }

  /** Meters that were heard of. */
  get meters(): number {
    return this.#meters.size;
  }

  add(meterId: string, sample: MeterSample, stamp: SampleStamp, isConnected: boolean): void {
    const meter = this.#meterOf(meterId);
    const { open } = meter;
    this.#samples++;
    const isFull = !isConnected && open !== undefined && this.#isOver(open, sample);
    if (open?.isOf(sample) === true && !isFull) return open.add(sample, stamp);
    if (open !== undefined) this.#close(meter, open);
    meter.open = new SampleWindow(sample, stamp);
  }

  /**
   * The window whose turn it is: of the meter that was told of the longest ago, its newest one; every second time the oldest closed one of
   * all meters, while there is any.
   */
  next(): DueWindow | undefined {
    const live = this.#nextOpen();
    const late = this.#nextClosed();
    return (this.#lateIsNext ? (late ?? live) : (live ?? late)) ?? undefined;
  }

  /** That window was sent. */
  remove({ meterId, window, late }: DueWindow, nowMonoMs: number): void {
    const meter = this.#meterOf(meterId);
    this.#samples -= window.samples;
    this.#lateIsNext = !late;
    if (late) {
      meter.closed = meter.closed.filter((one) => one !== window);
      this.#historyValues -= window.size;
      return;
    }
    meter.open = undefined;
    meter.sentMonoMs = nowMonoMs;
  }

  /** The one of a meter that grows. */
  openOf(meterId: string): SampleWindow | undefined {
    return this.#meters.get(meterId)?.open;
  }

  /** Gives all of it up. */
  discard(): void {
    this.#dropped += this.#samples;
    this.#meters.clear();
    this.#historyValues = 0;
    this.#samples = 0;
  }

  #meterOf(meterId: string): MeterWindows {
    const known = this.#meters.get(meterId);
    if (known !== undefined) return known;
    const meter: MeterWindows = { open: undefined, closed: [], sentMonoMs: -Infinity };
    this.#meters.set(meterId, meter);
    return meter;
  }

  #isOver(open: SampleWindow, sample: MeterSample): boolean {
    return sample.readEndMonoMs - open.beginMonoMs > this.#bounds.windowMs;
  }

  #close(meter: MeterWindows, open: SampleWindow): void {
    meter.closed.push(open);
    this.#historyValues += open.size;
    while (this.#historyValues > this.#bounds.maxHistoryValues) if (!this.#joinClosest()) this.#dropOldest();
  }

  /** False: every meter has one closed window at most, or none that go together. */
  #joinClosest(): boolean {
    let best: { readonly meter: MeterWindows; readonly at: number; readonly spanMs: number } | undefined;
    for (const meter of this.#meters.values()) {
      for (const [at, earlier] of meter.closed.entries()) {
        const later = meter.closed[at + 1];
        if (later?.isOf(earlier.newest) !== true) continue;
        const spanMs = later.endMonoMs - earlier.beginMonoMs;
        if (best === undefined || spanMs < best.spanMs) best = { meter, at, spanMs };
      }
    }
    if (best === undefined) return false;
    const [earlier, later] = best.meter.closed.splice(best.at, 2);
    if (earlier === undefined || later === undefined) return false;
    this.#historyValues -= earlier.size + later.size;
    earlier.append(later);
    best.meter.closed.splice(best.at, 0, earlier);
    this.#historyValues += earlier.size;
    return true;
  }

  #dropOldest(): void {
    const oldest = this.#nextClosed();
    if (oldest === undefined) return;
    this.#meters.get(oldest.meterId)?.closed.shift();
    this.#historyValues -= oldest.window.size;
    this.#samples -= oldest.window.samples;
    this.#dropped += oldest.window.samples;
  }

  #nextOpen(): DueWindow | undefined {
    let found:
      { readonly meterId: string; readonly window: SampleWindow; readonly sentMonoMs: number } | undefined;
    for (const [meterId, { open, sentMonoMs }] of this.#meters) {
      if (open === undefined) continue;
      if (found === undefined || sentMonoMs < found.sentMonoMs) found = { meterId, window: open, sentMonoMs };
    }
    return found && { meterId: found.meterId, window: found.window, late: false };
  }

  #nextClosed(): DueWindow | undefined {
    let found: DueWindow | undefined;
    for (const [meterId, { closed }] of this.#meters) {
      const [window] = closed;
      if (window === undefined) continue;
      if (found === undefined || window.beginMonoMs < found.window.beginMonoMs) {
        found = { meterId, window, late: true };
      }
    }
    return found;
  }
}
