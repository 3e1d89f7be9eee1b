import { fieldsOf } from './fields.ts';
import { addressOf, ownCopy, type FleetMessage, type Subject } from './fleet-message.ts';
import { NO_DETAIL, withDetail, withoutDetail, type StationDetail } from './station-detail.ts';
import {
  isEmpty,
  newSummary,
  withDocument,
  withoutDocument,
  type StationSummary,
} from './station-summary.ts';

/** Beyond it a station is counted, not kept. */
export const MAX_STATIONS = 20_000;
const MAX_MALFORMED_NAMED = 20;

/** A message that was not what its topic promises. */
export interface Malformed {
  readonly topic: string;
  readonly why: string;
}

/** What a message has changed; null: nothing that is kept. */
export type Received = { readonly station: string; readonly subject: Subject } | null;

/**
 * What is known of a fleet: messages in, state out, no I/O and no clock. The same messages of each topic in their order give
 * the same state, however the topics are mixed, however often one is repeated or said again by the broker.
 *
 * Kept is one summary per station, and the detail of the one station that is looked at. Everything in them is bounded
 * (docs/top.md), whatever a station or a broker sends.
 */
export class Fleet {
  readonly #stations = new Map<string, StationSummary>();
  readonly #named: Malformed[] = [];
  #watched: string | null = null;
  #detail: StationDetail = NO_DETAIL;
  #malformed = 0;
  #omitted = 0;
  #messages = 0;
  #bytes = 0;
  #revision = 0;

  /** Takes one message in. */
  receive(message: FleetMessage): Received {
    this.#messages++;
    this.#bytes += message.topic.length + message.payload.length;
    const address = addressOf(message.topic);
    if (address === undefined) return this.#refuse(message, 'no topic of a station');
    const { station, subject } = address;
    if (subject.kind === 'ignored') return null;
    if (message.payload.length === 0) return this.#forget(station, subject);
    const fields = fieldsOf(message.payload);
    if (typeof fields === 'string') return this.#refuse(message, fields);
    const known = this.#stations.get(station);
    if (known === undefined && this.#stations.size >= MAX_STATIONS) {
      this.#omitted++;
      return null;
    }
    const before = known ?? newSummary(station);
    const summary = withDocument(before, subject, fields, message);
    const detail =
      station === this.#watched ? withDetail(this.#detail, subject, fields, message) : this.#detail;
    if (summary === undefined || detail === undefined)
      return this.#refuse(message, `no document of the kind ${subject.kind}`);
    if (summary !== known) this.#stations.set(station, summary);
    this.#detail = detail;
    this.#revision++;
    return { station, subject };
  }

  /** Looks at one station from now on, or at none: what was kept of the one before is let go. */
  watch(station: string | null): void {
    this.#watched = station;
    this.#detail = NO_DETAIL;
    this.#revision++;
  }

  get watched(): string | null {
    return this.#watched;
  }

  /** Of the station that is looked at. */
  get detail(): StationDetail {
    return this.#detail;
  }

  station(name: string): StationSummary | undefined {
    return this.#stations.get(name);
  }

  stations(): IterableIterator<StationSummary> {
    return this.#stations.values();
  }

  get size(): number {
    return this.#stations.size;
  }

  /** Another number after each message that may have changed something. */
  get revision(): number {
    return this.#revision;
  }

  /** What was heard so far, and what of it was of no use: the newest of those by name. */
  get heard(): {
    readonly messages: number;
    readonly bytes: number;
    readonly malformed: number;
    readonly named: readonly Malformed[];
    /** Messages of stations that had no room. */
    readonly omitted: number;
  } {
    return {
      messages: this.#messages,
      bytes: this.#bytes,
      malformed: this.#malformed,
      named: this.#named,
      omitted: this.#omitted,
    };
  }

  #refuse({ topic }: FleetMessage, why: string): null {
    this.#malformed++;
    this.#revision++;
    this.#named.push({ topic: ownCopy(topic.slice(0, 160)), why });
    if (this.#named.length > MAX_MALFORMED_NAMED) this.#named.shift();
    return null;
  }

  #forget(station: string, subject: Subject): Received {
    const known = this.#stations.get(station);
    if (known === undefined) return null;
    const left = withoutDocument(known, subject);
    if (isEmpty(left)) this.#stations.delete(station);
    else this.#stations.set(station, left);
    if (station === this.#watched) this.#detail = withoutDetail(this.#detail, subject);
    this.#revision++;
    return { station, subject };
  }
}
