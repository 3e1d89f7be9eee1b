import type { Log, MonotonicClock } from '../../../hal/contract/index.ts';
import type { OutboxStore } from '../outbox/outbox-store.ts';
import type { Gateway } from '../ports.ts';
import type { Traffic } from '../status/status.ts';
import {
  addTraffic,
  dayLeftMs,
  isOver,
  newTrafficDay,
  type Now,
  parseStoredDay,
  resumeTrafficDay,
  storedForm,
  type TrafficDay,
  usedBytes,
} from './traffic-day.ts';

const TRAFFIC_PROPERTY = 'traffic';
/** Flash wears out: the day is stored when so much of its bound has come to it, and when a gateway has gone. */
const STORED_EVERY = 1 / 8;

export interface TrafficMeterOptions {
  readonly store: OutboxStore;
  readonly clock: MonotonicClock;
  readonly wallClock: { nowWallMs(): number; status?(): string };
  readonly log: Log;
  /** Undefined: nothing is bounded, and nothing is stored. */
  readonly bytesPerDay: number | undefined;
}

/** Counts what gateways carry. A crash forgets an eighth of the bound at most. */
export class TrafficMeter {
  readonly #options: TrafficMeterOptions;
  #day: TrafficDay;
  #storedBytes: number;
  #gateway: Gateway | null = null;
  #counted: Traffic = { bytesIn: 0, bytesOut: 0 };

  constructor(options: TrafficMeterOptions) {
    this.#options = options;
    const stored =
      options.bytesPerDay === undefined
        ? undefined
        : parseStoredDay(options.store.property(TRAFFIC_PROPERTY));
    this.#day = stored === undefined ? newTrafficDay(this.#now()) : resumeTrafficDay(stored, this.#now());
    this.#storedBytes = usedBytes(this.#day, this.#now());
  }

  /** Null: nothing was carried in the last 24 hours. */
  today(): Traffic | null {
    const { bytesIn, bytesOut } = this.#day;
    return bytesIn + bytesOut === 0 || isOver(this.#day, this.#now()) ? null : { bytesIn, bytesOut };
  }

  get usedBytes(): number {
    return usedBytes(this.#day, this.#now());
  }

  get dayLeftMs(): number {
    return dayLeftMs(this.#day, this.#now());
  }

  /** Follows a gateway; to be called again when it has gone, with null. */
  follow(gateway: Gateway | null): void {
    this.look();
    if (gateway === null && this.#gateway !== null) this.#store();
    this.#gateway = gateway;
    this.#counted = { bytesIn: 0, bytesOut: 0 };
  }

  /** Counts what the gateway has told since the last look. */
  look(): void {
    const told = this.#gateway?.traffic;
    if (told === undefined) return;
    const more = {
      bytesIn: Math.max(0, told.bytesIn - this.#counted.bytesIn),
      bytesOut: Math.max(0, told.bytesOut - this.#counted.bytesOut),
    };
    this.#counted = told;
    this.#day = addTraffic(this.#day, more, this.#now());
    const { bytesPerDay = Infinity } = this.#options;
    const used = this.usedBytes;
    if (used < this.#storedBytes || used - this.#storedBytes >= bytesPerDay * STORED_EVERY) this.#store();
  }

  #store(): void {
    const { store, log, bytesPerDay } = this.#options;
    const used = this.usedBytes;
    if (bytesPerDay === undefined || used === this.#storedBytes) return;
    try {
      store.setProperty(TRAFFIC_PROPERTY, JSON.stringify(storedForm(this.#day, this.#now())));
      this.#storedBytes = used;
    } catch (error) {
      log('warning', 'sync.traffic_not_stored', { why: String(error) });
    }
  }

  #now(): Now {
    const { clock, wallClock } = this.#options;
    const isTrusted = wallClock.status?.() === 'S';
    return { monoMs: clock.nowMonoMs(), wallMs: isTrusted ? wallClock.nowWallMs() : null };
  }
}
