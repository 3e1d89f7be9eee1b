import type { EntryOf } from '../journal/index.ts';
import { SessionError } from './errors.ts';
import type { BeginRequest } from './request.ts';

export type SessionEntry = EntryOf<'session-begin'> | EntryOf<'session-end'>;

/** A session as the journal has it. */
export interface Session {
  readonly sessionId: string;
  readonly evseId: string;
  readonly meterId: string;
  readonly begin: EntryOf<'session-begin'>;
  readonly end?: EntryOf<'session-end'>;
}

/** What is remembered of an entry; the rest is read from the journal when it is asked for. */
export interface SessionNote {
  readonly kind: SessionEntry['kind'];
  readonly index: number;
  readonly sessionId: string;
  readonly evseId: string;
  readonly meterId: string;
  readonly meterSerial: string;
  /** Number of its OCMF record. */
  readonly page: bigint | undefined;
}

/** Where the journal has a session. */
export interface SessionPlace {
  readonly sessionId: string;
  readonly evseId: string;
  readonly meterId: string;
  /** Of the meter that it began with. */
  readonly meterSerial: string;
  readonly beginIndex: number;
  readonly endIndex?: number;
}

/**
 * Ended sessions that are remembered, so that a repeated request gets the same answer: some 100 days of a busy station, in one or
 * two megabytes.
 */
export const REMEMBERED_SESSIONS = 5_000;

export function noteOf({ kind, index, body }: Pick<SessionEntry, 'kind' | 'index' | 'body'>): SessionNote {
  const { sessionId, evseId, meterId = '', ocmf, reading } = body;
  const page = /^OCMF\|\{[^]*?"PG":"T(\d{1,18})"/.exec(ocmf ?? '')?.[1];
  return {
    ...{ kind, index, sessionId, evseId, meterId, meterSerial: reading.meterSerial },
    page: page === undefined ? undefined : BigInt(page),
  };
}

/**
 * What the journal says of sessions. The same `note` serves the entries of earlier runs and those that were just written, so
 * that a restart is nothing special.
 */
export class SessionBook {
  readonly #places = new Map<string, SessionPlace>();
  readonly #openByEvse = new Map<string, SessionPlace>();
  readonly #openByMeter = new Map<string, SessionPlace>();
  /** Pagination of OCMF's context T, by the serial number of the meter that the session began with. */
  readonly #pages = new Map<string, bigint>();

  /** Takes an entry of the journal into account; entries come in the order of the log. */
  note({ kind, index, page, ...named }: SessionNote): void {
    const known = this.#places.get(named.sessionId);
    this.#notePage(known?.meterSerial ?? named.meterSerial, page);
    if (kind === 'session-begin') {
      // A second begin of the same id is not of this program; the first one counts.
      if (known !== undefined) return;
      const place = { ...named, beginIndex: index };
      this.#places.set(place.sessionId, place);
      this.#openByEvse.set(place.evseId, place);
      this.#openByMeter.set(place.meterId, place);
      this.#forget();
    } else if (known !== undefined && known.endIndex === undefined) {
      this.#places.set(known.sessionId, { ...known, endIndex: index });
      if (this.#openByEvse.get(known.evseId) === known) this.#openByEvse.delete(known.evseId);
      if (this.#openByMeter.get(known.meterId) === known) this.#openByMeter.delete(known.meterId);
    }
  }

  place(sessionId: string): SessionPlace | undefined {
    return this.#places.get(sessionId);
  }

  /** Open sessions, in the order of their begins. */
  open(): readonly SessionPlace[] {
    return [...this.#openByEvse.values()].sort((a, b) => a.beginIndex - b.beginIndex);
  }

  /** The number of the next record of that meter; the numbers of begin and end of a session follow each other. */
  nextPage(meterSerial: string): bigint {
    return (this.#pages.get(meterSerial) ?? 0n) + 1n;
  }

  /**
   * Whether the request repeats one that has begun; false when it may begin.
   * @throws SessionError `session.conflict`, `session.evse_busy`, `session.meter_busy`
   */
  hasBegun({ sessionId, evseId, meterId }: BeginRequest): boolean {
    const known = this.#places.get(sessionId);
    if (known !== undefined) {
      if (known.evseId === evseId && known.meterId === meterId) return true;
      throw new SessionError(
        'session.conflict',
        `session ${sessionId} has begun at ${known.evseId} with meter ${known.meterId}`,
        { details: { sessionId, evseId: known.evseId, meterId: known.meterId } },
      );
    }
    const busy = this.#openByEvse.get(evseId) ?? this.#openByMeter.get(meterId);
    if (busy === undefined) return false;
    const what = busy.evseId === evseId ? 'evse' : 'meter';
    throw new SessionError(
      `session.${what}_busy`,
      `${what === 'evse' ? evseId : `meter ${meterId}`} has an open session`,
      {
        details: { sessionId: busy.sessionId, evseId: busy.evseId, meterId: busy.meterId },
        hint: `End session ${busy.sessionId} first.`,
      },
    );
  }

  #notePage(meterSerial: string, page: bigint | undefined): void {
    if (page === undefined || page <= (this.#pages.get(meterSerial) ?? 0n)) return;
    this.#pages.set(meterSerial, page);
  }

  /** The oldest that has ended. */
  #forget(): void {
    if (this.#places.size <= REMEMBERED_SESSIONS) return;
    for (const [sessionId, { endIndex }] of this.#places) {
      if (endIndex === undefined) continue;
      this.#places.delete(sessionId);
      return;
    }
  }
}
