import type { MeterSample } from '../../../hal/contract/index.ts';
import type { SampleStamp } from '../contract/documents.ts';
import type { BudgetRecord } from './budget-record.ts';
import { DailyBudget, type Purpose } from './daily-budget.ts';
import type { OutgoingMessage } from './outgoing-message.ts';
import { OutgoingQueue, type QueueBounds } from './outgoing-queue.ts';
import { exchangeBytes, figuresIntervalMs, isUseful, USEFUL_SAMPLES_PER_DAY } from './pacing.ts';
import { SampleWindow } from './sample-window.ts';
import { type DueWindow, SampleWindows, type WindowBounds } from './sample-windows.ts';
import { WatchedMeters } from './watched-meters.ts';

export interface TrafficParts {
  readonly bounds: QueueBounds & WindowBounds & { readonly sampleExpiryMs: number };
  /** On the wire; null: unlimited, and every sample is sent. */
  readonly bytesPerDay: number | null;
  readonly tls: boolean;
  readonly startMonoMs: number;
  /** What an earlier service of this boot had left. */
  readonly before?: BudgetRecord | undefined;
  /** `late`: it is not the newest of its meter. */
  readonly encode: (
    meterId: string,
    window: SampleWindow,
    late: boolean,
  ) => { readonly topic: string; readonly payload: Buffer };
  /** A sample is too large, and dropped. */
  readonly unsendable: (topic: string, bytes: number) => void;
  /** Said once: the budget has no room for a sample of each meter every hour, which would take so many bytes a day. */
  readonly tooSmall: (bytesNeeded: number) => void;
}

/** What the budget holds back right now. */
export type HeldBack = 'figures' | 'log' | 'samples' | 'backfill';

export interface BudgetFigures {
  /** null: unlimited. */
  readonly bytesPerDay: number | null;
  /** On the wire, as estimated, in the last 24 hours or since the service started. */
  readonly bytesLastDay: number;
  /** Readings that stand in a message of another one. */
  readonly combined: number;
  readonly heldBack: readonly HeldBack[];
  /** Too small for a sample of each meter every hour. */
  readonly tooSmall: boolean;
}

/** What goes out and when: what waits in queues and windows, in an order, as far as the budget allows it. No I/O and no clock. */
export class OutgoingTraffic {
  readonly queue: OutgoingQueue;
  readonly #parts: TrafficParts;
  readonly #budget: DailyBudget;
  readonly #windows: SampleWindows;
  readonly #watched = new WatchedMeters();
  /** What a message of each meter cost last. */
  readonly #sampleBytes = new Map<string, number>();
  /** Documents of what is vital that this session has had. */
  readonly #vitalTold = new Set<string>();
  #combined = 0;
  #isTooSmall = false;
  /** What the budget was charged with, of what the sockets will have counted once nothing is in flight. */
  #charged = 0;

  constructor(parts: TrafficParts) {
    this.#parts = parts;
    this.queue = new OutgoingQueue(parts.bounds);
    this.#budget = new DailyBudget(parts.bytesPerDay, parts.startMonoMs, parts.before);
    this.#windows = new SampleWindows(parts.bounds);
  }

  /** Takes a reading in. */
  addSample(
    meterId: string,
    sample: MeterSample,
    stamp: SampleStamp,
    { nowMonoMs, isConnected }: { readonly nowMonoMs: number; readonly isConnected: boolean },
  ): void {
    if (this.#parts.bytesPerDay === null) {
      return this.#offer({ meterId, window: new SampleWindow(sample, stamp), late: false }, nowMonoMs);
    }
    if (!this.#sampleBytes.has(meterId))
      this.#learn({ meterId, window: new SampleWindow(sample, stamp), late: false });
    this.#windows.add(meterId, sample, stamp, isConnected);
    if (!isConnected || !this.#watched.includes(meterId, nowMonoMs)) return;
    if (!this.#budget.allows('watch', this.#usualBytes(meterId), nowMonoMs)) return;
    const window = this.#windows.openOf(meterId);
    if (window === undefined) return;
    const due = { meterId, window, late: false };
    this.#windows.remove(due, nowMonoMs);
    this.#offer(due, nowMonoMs, 'watch');
  }

  /** From now on each sample of that meter (none named: of all) is sent, as far as the operators' share of the budget goes. */
  watch(meterId: string | undefined, untilMonoMs: number): void {
    this.#watched.watch(meterId, untilMonoMs);
  }

  /** The next message that is due and allowed, now in flight. */
  take(nowMonoMs: number): OutgoingMessage | undefined {
    const allows = (message: OutgoingMessage): boolean => this.#allows(message, nowMonoMs);
    const message =
      this.queue.take(nowMonoMs, (first) => first.kind !== 'backfill' && allows(first)) ??
      this.#takeWindow(nowMonoMs) ??
      this.queue.take(nowMonoMs, allows);
    if (message === undefined) return undefined;
    if (isVitalState(message)) this.#vitalTold.add(message.topic);
    const bytes = this.#costOf(message);
    this.#budget.spend(message.purpose, bytes, nowMonoMs);
    this.#charged += bytes;
    return message;
  }

  /** What the sockets counted since the start, with headers: with nothing in flight, that is what was spent. */
  balanceBooks(wireBytes: number, nowMonoMs: number): void {
    if (this.queue.figures().inFlight > 0) return;
    // Pings, connections, what others sent here, and what was estimated too high or too low.
    this.#budget.spend('vital', wireBytes - this.#charged, nowMonoMs);
    this.#charged = wireBytes;
  }

  /** The session is over. */
  connectionLost(): void {
    this.queue.connectionLost();
    this.#vitalTold.clear();
  }

  /** How long a new attempt to connect should wait for the budget. */
  debtMs(nowMonoMs: number): number {
    return this.#budget.debtMs(nowMonoMs);
  }

  /** What waits and may go, or is on its way. */
  isSendable(nowMonoMs: number): boolean {
    const { inFlight } = this.queue.figures();
    return inFlight > 0 || this.queue.firsts(nowMonoMs).some((message) => this.#allows(message, nowMonoMs));
  }

  /** The end is near: what is known of each meter goes as far as the budget has bytes at all, the rest is given up. */
  finish(nowMonoMs: number): void {
    for (let due = this.#windows.next(); due !== undefined && !due.late; due = this.#windows.next()) {
      if (!this.#budget.allows('figure', this.#usualBytes(due.meterId), nowMonoMs)) break;
      this.#windows.remove(due, nowMonoMs);
      this.#offer(due, nowMonoMs);
    }
    this.#windows.discard();
  }

  /** How often figures of the retained documents below `prefix` should be renewed. */
  figuresEveryMs(prefix: string): number {
    const round = this.queue
      .figureDocuments()
      .filter(({ topic }) => topic.startsWith(prefix))
      .reduce((sum, document) => sum + exchangeBytes(packetBytes(document), this.#parts.tls), 0);
    return figuresIntervalMs(this.#parts.bytesPerDay, round);
  }

  discard(): void {
    this.queue.discard();
    this.#windows.discard();
  }

  /** Samples given up: pushed out, expired, refused, or left at the end. */
  dropped(): number {
    return this.queue.figures().dropped + this.#windows.dropped;
  }

  /** Messages that wait or are in flight; of a window there is one. */
  queued(): number {
    return this.queue.figures().queued + this.#windows.waiting;
  }

  figures(nowMonoMs: number): BudgetFigures {
    return {
      bytesPerDay: this.#parts.bytesPerDay,
      bytesLastDay: this.#budget.bytesOfLastDay(nowMonoMs),
      combined: this.#combined,
      heldBack: this.heldBack(nowMonoMs),
      tooSmall: this.#isTooSmall,
    };
  }

  /** What is left of the budget. */
  budgetRecord(nowMonoMs: number): Omit<BudgetRecord, 'boot'> {
    return this.#budget.record(nowMonoMs);
  }

  heldBack(nowMonoMs: number): HeldBack[] {
    const held = new Set<HeldBack>();
    for (const first of this.queue.firsts(nowMonoMs)) {
      const kind = HELD_BACK[first.purpose];
      if (kind !== undefined && !this.#allows(first, nowMonoMs)) held.add(kind);
    }
    const due = this.#windows.next();
    if (due !== undefined && !this.#allowsWindow(due, nowMonoMs)) held.add('samples');
    return [...held];
  }

  #takeWindow(nowMonoMs: number): OutgoingMessage | undefined {
    const due = this.#windows.next();
    if (due === undefined || !this.#allowsWindow(due, nowMonoMs)) return undefined;
    this.#windows.remove(due, nowMonoMs);
    // What was read last so long ago (its meter is silent, and nobody could be told before) is not how it is now.
    const isOld = nowMonoMs - due.window.endMonoMs > this.#parts.bounds.windowMs;
    this.#offer({ ...due, late: due.late || isOld }, nowMonoMs);
    return this.queue.take(nowMonoMs, ({ kind }) => kind === 'sample');
  }

  #offer(due: DueWindow, nowMonoMs: number, purpose?: 'sample' | 'watch'): void {
    const { bounds, unsendable } = this.#parts;
    const { topic, payload } = this.#learn(due);
    const { samples } = due.window;
    const saying = { topic, payload, samples, expiresAtMonoMs: nowMonoMs + bounds.sampleExpiryMs };
    if (!this.queue.offerSample(saying, purpose)) return unsendable(topic, payload.length);
    this.#combined += samples - 1;
  }

  /** The message of a window, and what such a message costs. */
  #learn(due: DueWindow): { readonly topic: string; readonly payload: Buffer } {
    const message = this.#encoded(due);
    this.#sampleBytes.set(due.meterId, exchangeBytes(packetBytes(message), this.#parts.tls));
    this.#tellWhenTooSmall();
    return message;
  }

  /** What the other readings add may be more than has room; the newest one alone is better than nothing. */
  #encoded({ meterId, window, late }: DueWindow): { readonly topic: string; readonly payload: Buffer } {
    const { encode, bounds } = this.#parts;
    const whole = encode(meterId, window, late);
    if (whole.payload.length <= bounds.maxPayloadBytes || window.samples === 1) return whole;
    return encode(meterId, new SampleWindow(window.newest, window.stamp), late);
  }

  #tellWhenTooSmall(): void {
    if (this.#isTooSmall) return;
    const all = [...this.#sampleBytes.values()].reduce((sum, bytes) => sum + bytes, 0);
    if (isUseful(this.#parts.bytesPerDay, all)) return;
    this.#isTooSmall = true;
    this.#parts.tooSmall(all * USEFUL_SAMPLES_PER_DAY);
  }

  /** A sample in the queue was let in before, or there is no budget. */
  #allows(message: OutgoingMessage, nowMonoMs: number): boolean {
    if (message.kind === 'sample') return true;
    // Each session tells once what is wrong, however deep the debt: beside what a session costs it is nothing.
    if (isVitalState(message) && !this.#vitalTold.has(message.topic)) return true;
    return this.#budget.allows(message.purpose, this.#costOf(message), nowMonoMs);
  }

  #allowsWindow({ meterId }: DueWindow, nowMonoMs: number): boolean {
    return this.#budget.allows('sample', this.#usualBytes(meterId), nowMonoMs);
  }

  #usualBytes(meterId: string): number {
    return this.#sampleBytes.get(meterId) ?? 0;
  }

  #costOf(message: OutgoingMessage): number {
    return exchangeBytes(packetBytes(message), this.#parts.tls);
  }
}

const HELD_BACK: Partial<Record<Purpose, HeldBack>> = { figure: 'figures', log: 'log', backfill: 'backfill' };

function isVitalState({ kind, purpose }: OutgoingMessage): boolean {
  return kind === 'state' && purpose === 'vital';
}

/** Bytes of its PUBLISH packet, or a few more: 16 are more than fixed header, packet id and the properties that are always set take. */
export function packetBytes({
  payload,
  topic,
  properties,
}: Pick<OutgoingMessage, 'payload' | 'topic' | 'properties'>): number {
  const own =
    properties === undefined
      ? 0
      : (properties.contentType?.length ?? 0) + (properties.correlationData?.length ?? 0) + 6;
  return payload.length + Buffer.byteLength(topic) + 16 + own;
}
