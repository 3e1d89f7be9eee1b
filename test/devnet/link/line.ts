// One direction of the link, without clock or sockets: what is sent when, what gets lost, and when it arrives.
import { type Link } from './link.ts';

/** What fits a TCP segment on an Ethernet-like path. */
export const SEGMENT_BYTES = 1_460;
/** Linux: the retransmission time-out is the smoothed round trip and at least 200 ms on top (RFC 6298; TCP_RTO_MIN). */
const TIMEOUT_ABOVE_ROUND_TRIP_MS = 200;
/** Each time-out doubles the next one (RFC 6298, section 5.5). Beyond this many the segment gets through. */
const MAX_LOSSES = 6;

export type LineShape = Pick<Link, 'bitsPerSecond' | 'delayMs' | 'lossPercent'>;

interface Segment {
  readonly payload: Uint8Array;
  readonly arrivedAt: number;
}

interface Flight {
  readonly payload: Uint8Array;
  readonly dueAt: number;
}

export interface Delivery<Lane> {
  readonly lane: Lane;
  /** Empty: the end of what this lane sends. */
  readonly payload: Uint8Array;
}

export interface Progress<Lane> {
  readonly deliveries: readonly Delivery<Lane>[];
  /** When there is something to do next; undefined: when something is put in. */
  readonly nextAt: number | undefined;
}

/**
 * Lanes, one for each connection, take turns on a line of limited speed, segment by segment. A lost segment is what it
 * is for a TCP connection: it comes after a time-out, takes the line once more, and all that follows on its lane waits
 * for it. Times are in milliseconds of any clock that does not jump.
 */
export class Line<Lane> {
  readonly #random: () => number;
  /** In turn: the first lane is the next to send. */
  readonly #waiting = new Map<Lane, Segment[]>();
  readonly #flying = new Map<Lane, Flight[]>();
  readonly #lastDueAt = new Map<Lane, number>();
  readonly #held = new Map<Lane, number>();
  #shape: LineShape;
  #freeAt = 0;
  #repeated = 0;

  /** `random`: from 0 up to 1. */
  constructor(shape: LineShape, random: () => number) {
    this.#shape = shape;
    this.#random = random;
  }

  /** What is on its way stays as it is. */
  reshape(shape: LineShape, now: number): void {
    this.#shape = shape;
    this.#freeAt = Math.min(this.#freeAt, now + this.#durationOf(SEGMENT_BYTES));
  }

  /** Bytes that were sent once more. */
  get repeated(): number {
    return this.#repeated;
  }

  /** Bytes of a lane that are waiting or on their way. */
  held(lane: Lane): number {
    return this.#held.get(lane) ?? 0;
  }

  /** An empty payload is the end of the lane, and keeps its place behind what came before. */
  put(lane: Lane, payload: Uint8Array, now: number): void {
    const segments = this.#waiting.get(lane) ?? [];
    this.#waiting.set(lane, segments);
    const { bitsPerSecond, lossPercent } = this.#shape;
    const size = bitsPerSecond === null && lossPercent === 0 ? Math.max(1, payload.length) : SEGMENT_BYTES;
    let start = 0;
    do {
      segments.push({ payload: payload.subarray(start, start + size), arrivedAt: now });
      start += size;
    } while (start < payload.length);
    this.#held.set(lane, this.held(lane) + payload.length);
  }

  /** Forgets a lane and all that is on it. */
  drop(lane: Lane): void {
    for (const map of [this.#waiting, this.#flying, this.#lastDueAt, this.#held]) map.delete(lane);
  }

  /** What has happened up to `now`. */
  advance(now: number): Progress<Lane> {
    let nextStart = this.#nextStart();
    while (nextStart !== undefined && nextStart <= now) {
      this.#sendNext(nextStart);
      nextStart = this.#nextStart();
    }
    const deliveries = this.#takeDue(now);
    const arrivals = [...this.#flying.values()].map(([first]) => first?.dueAt ?? Infinity);
    const nextAt = Math.min(nextStart ?? Infinity, ...arrivals);
    return { deliveries, nextAt: nextAt === Infinity ? undefined : nextAt };
  }

  #nextStart(): number | undefined {
    const [first] = this.#waiting.values();
    const segment = first?.[0];
    return segment && Math.max(this.#freeAt, segment.arrivedAt);
  }

  #sendNext(start: number): void {
    const [turn] = this.#waiting;
    const segment = turn?.[1].shift();
    if (turn === undefined || segment === undefined) return;
    const [lane, rest] = turn;
    this.#waiting.delete(lane);
    if (rest.length > 0) this.#waiting.set(lane, rest);
    const { length } = segment.payload;
    const losses = length === 0 ? 0 : this.#losses();
    this.#repeated += losses * length;
    this.#freeAt = start + this.#durationOf(length) * (losses + 1);
    const arrival = this.#freeAt + this.#shape.delayMs + this.#stall(losses);
    const dueAt = Math.max(arrival, this.#lastDueAt.get(lane) ?? 0);
    this.#lastDueAt.set(lane, dueAt);
    const flying = this.#flying.get(lane) ?? [];
    flying.push({ payload: segment.payload, dueAt });
    this.#flying.set(lane, flying);
  }

  #takeDue(now: number): Delivery<Lane>[] {
    const due: (Delivery<Lane> & { dueAt: number })[] = [];
    for (const [lane, flights] of this.#flying) {
      const late = flights.findIndex(({ dueAt }) => dueAt > now);
      const arrived = flights.splice(0, late === -1 ? flights.length : late);
      for (const { payload, dueAt } of arrived) {
        due.push({ lane, payload, dueAt });
        this.#held.set(lane, this.held(lane) - payload.length);
      }
      if (flights.length === 0) this.#flying.delete(lane);
    }
    return due.sort((a, b) => a.dueAt - b.dueAt);
  }

  #durationOf(bytes: number): number {
    const { bitsPerSecond } = this.#shape;
    return bitsPerSecond === null ? 0 : (bytes * 8 * 1_000) / bitsPerSecond;
  }

  #losses(): number {
    let losses = 0;
    while (losses < MAX_LOSSES && this.#random() * 100 < this.#shape.lossPercent) losses += 1;
    return losses;
  }

  /** The time-outs that pass before a segment gets through that was lost so many times. */
  #stall(losses: number): number {
    const timeout = 2 * this.#shape.delayMs + TIMEOUT_ABOVE_ROUND_TRIP_MS;
    return timeout * (2 ** losses - 1);
  }
}
