import type { Log, MonotonicClock } from '../../../hal/contract/index.ts';
import type { OutboxStore } from '../outbox/outbox-store.ts';
import type { Gateway, OpenGateway } from '../ports.ts';
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
/** And so often while it lasts: a station that is switched off each night and is told no time would never come to its end. */
const STORED_EVERY_MS = 3_600_000;

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
  #storedMonoMs: number;
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
    this.#storedMonoMs = this.#now().monoMs;
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

  /** Opens gateways whose bytes are counted. */
  counting(open: OpenGateway): OpenGateway {
    return async (onEvent, signal) => {
      const gateway = await open(onEvent, signal);
      this.follow(gateway);
      void gateway.ended.then(() => this.follow(null));
      return gateway;
    };
  }

  /** Follows a gateway; to be called again when it has gone, with null. */
  follow(gateway: Gateway | null): void {
    this.look();
    if (gateway === null && this.#gateway !== null && this.usedBytes !== this.#storedBytes) this.#store();
    this.#gateway = gateway;
    this.#counted = { bytesIn: 0, bytesOut: 0 };
  }

  /** Counts what the gateway has told since the last look. To be called now and then, also while there is none. */
  look(): void {
    const told = this.#gateway?.traffic ?? this.#counted;
    const more = {
      bytesIn: Math.max(0, told.bytesIn - this.#counted.bytesIn),
      bytesOut: Math.max(0, told.bytesOut - this.#counted.bytesOut),
    };
    this.#counted = told;
    this.#day = addTraffic(this.#day, more, this.#now());
    const { bytesPerDay = Infinity } = this.#options;
    const used = this.usedBytes;
    const isLongAgo = used > 0 && this.#now().monoMs - this.#storedMonoMs >= STORED_EVERY_MS;
    const isMuch = used < this.#storedBytes || used - this.#storedBytes >= bytesPerDay * STORED_EVERY;
    if (isMuch || isLongAgo) this.#store();
  }

  #store(): void {
    const { store, log, bytesPerDay } = this.#options;
    if (bytesPerDay === undefined) return;
    const now = this.#now();
    // Also when it cannot be stored: then it is tried again in an hour, and not at every look.
    this.#storedMonoMs = now.monoMs;
    this.#storedBytes = this.usedBytes;
    try {
      store.setProperty(TRAFFIC_PROPERTY, JSON.stringify(storedForm(this.#day, now)));
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
