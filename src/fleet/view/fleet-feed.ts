import { performance } from 'node:perf_hooks';
import { setTimeout as delay } from 'node:timers/promises';
import type { BrokerDesk, DeskMessage, DeskSubscription } from '../desk/desk.ts';
import { FleetError } from '../errors.ts';
import type { Fleet, Received } from './model/fleet.ts';
import type { FleetMessage } from './model/fleet-message.ts';
import { FLEET_FILTERS, stationFilters } from './model/subscriptions.ts';
import type { LinkView } from './screen/fleet-screen.ts';

/** What the broker keeps of one filter is in when nothing of it came for so long. */
const QUIET_MS = 100;
/** A broker that goes on and on does not keep us from the next. */
const MAX_TURN_MS = 10_000;

export type FeedDesk = Pick<BrokerDesk, 'subscribe' | 'state' | 'onChange'>;
export type Heard = (message: FleetMessage, received: Received) => void;

/** Milliseconds since 1970 that never jump while this runs: ages are differences of it. */
export function deskNowMs(): number {
  return performance.timeOrigin + performance.now();
}

/**
 * Brings a fleet what the broker has of it, and no more than is looked at: the list from when it is first looked at, and
 * the whole of one station for as long as it is.
 */
export class FleetFeed {
  readonly #desk: FeedDesk;
  readonly #fleet: Fleet;
  readonly #broker: string;
  readonly #nowMs: () => number;
  readonly #heard: Heard;
  readonly #refused = new Set<string>();
  /** When the last document came that the broker had kept. */
  #keptAtMs = 0;
  #ofFleet: Promise<readonly DeskSubscription[]> | undefined;
  #ofStation: Promise<readonly DeskSubscription[]> = Promise.resolve([]);
  #station: string | null | undefined;

  /** `broker` is how the link is named on the screen; `heard` is called after each message that was taken in. */
  constructor(desk: FeedDesk, fleet: Fleet, broker: string, heard: Heard, nowMs: () => number = deskNowMs) {
    this.#desk = desk;
    this.#fleet = fleet;
    this.#broker = broker;
    this.#heard = heard;
    this.#nowMs = nowMs;
  }

  /** Looks at a station from now on, or at the list (null). Resolves when the broker has agreed, or refused. */
  async look(station: string | null): Promise<void> {
    if (station === this.#station) return;
    this.#station = station;
    const before = this.#ofStation;
    this.#fleet.watch(station);
    this.#ofStation = station === null ? Promise.resolve([]) : this.#subscribe(stationFilters(station));
    if (station === null) this.#ofFleet ??= this.#subscribeInTurn(FLEET_FILTERS);
    for (const subscription of await before) void subscription.end();
    await Promise.all([this.#ofStation, this.#ofFleet]);
  }

  get link(): LinkView {
    const { connected, failure } = this.#desk.state();
    const refused = [...this.#refused];
    return {
      broker: this.#broker,
      connected,
      failure: failure?.code ?? null,
      refused: refused.length === 0 ? null : `the broker does not let us hear ${refused.join(', ')}`,
    };
  }

  /**
   * One filter after the other, each when what the broker keeps of the one before is in: a broker drops what it cannot write
   * at once beyond a queue (mosquitto: max_queued_messages, 1,000 by itself), and of ten thousand stations it keeps a lot.
   */
  async #subscribeInTurn(filters: readonly string[]): Promise<readonly DeskSubscription[]> {
    const made: DeskSubscription[] = [];
    for (const filter of filters) {
      made.push(...(await this.#subscribe([filter])));
      const beganAtMs = this.#nowMs();
      this.#keptAtMs = beganAtMs;
      while (this.#nowMs() - this.#keptAtMs < QUIET_MS && this.#nowMs() - beganAtMs < MAX_TURN_MS)
        await delay(QUIET_MS / 2, undefined, { ref: false });
    }
    return made;
  }

  async #subscribe(filters: readonly string[]): Promise<readonly DeskSubscription[]> {
    return (await Promise.all(filters.map((filter) => this.#subscribeTo(filter)))).flat();
  }

  async #subscribeTo(filter: string): Promise<DeskSubscription[]> {
    const onMessage = (message: DeskMessage): void => this.#take(message);
    const onRefused = (): void => void this.#refused.add(filter);
    try {
      // At QoS 0: the next document says the same again, and every acknowledgement is traffic of this link.
      return [await this.#desk.subscribe(filter, onMessage, { qos: 0, onRefused })];
    } catch (error) {
      // One that is not allowed is shown as such; a desk that was closed has no more to say.
      if (!(error instanceof FleetError)) throw error;
      if (error.code === 'fleet.not_allowed') onRefused();
      return [];
    }
  }

  #take({ topic, payload, retained }: DeskMessage): void {
    const message = { topic, payload, retained, atMs: this.#nowMs() };
    if (retained) this.#keptAtMs = message.atMs;
    this.#heard(message, this.#fleet.receive(message));
  }
}
