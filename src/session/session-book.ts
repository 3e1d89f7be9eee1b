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

/** Ended sessions that are remembered, so that a repeated request gets the same answer: some 100 days of a busy station. */
export const REMEMBERED_SESSIONS = 5_000;

/**
 * What the journal says of sessions. The same `note` serves the entries of earlier runs and those that were just written, so
 * that a restart is nothing special.
 */
export class SessionBook {
  readonly #sessions = new Map<string, Session>();
  readonly #openByEvse = new Map<string, Session>();
  readonly #openByMeter = new Map<string, Session>();
  /** Pagination of OCMF's context T, by the serial number of the meter that the session began with. */
  readonly #pages = new Map<string, bigint>();

  /** Takes an entry of the journal into account; entries come in the order of the log. */
  note(entry: SessionEntry): void {
    const { sessionId, evseId, meterId = '', ocmf } = entry.body;
    const known = this.#sessions.get(sessionId);
    const begin = known?.begin ?? (entry.kind === 'session-begin' ? entry : undefined);
    this.#notePage(begin?.body.reading.meterSerial ?? entry.body.reading.meterSerial, ocmf);
    if (entry.kind === 'session-begin') {
      // A second begin of the same id is not of this program; the first one counts.
      if (known !== undefined) return;
      const session = { sessionId, evseId, meterId, begin: entry };
      this.#sessions.set(sessionId, session);
      this.#openByEvse.set(evseId, session);
      this.#openByMeter.set(meterId, session);
      this.#forget();
    } else if (known !== undefined && known.end === undefined) {
      this.#sessions.set(sessionId, { ...known, end: entry });
      if (this.#openByEvse.get(known.evseId) === known) this.#openByEvse.delete(known.evseId);
      if (this.#openByMeter.get(known.meterId) === known) this.#openByMeter.delete(known.meterId);
    }
  }

  session(sessionId: string): Session | undefined {
    return this.#sessions.get(sessionId);
  }

  /** In the order of their begins. */
  open(): readonly Session[] {
    return [...this.#openByEvse.values()].sort((a, b) => a.begin.index - b.begin.index);
  }

  /** The number of the next record of that meter; the numbers of begin and end of a session follow each other. */
  nextPage(meterSerial: string): bigint {
    return (this.#pages.get(meterSerial) ?? 0n) + 1n;
  }

  /**
   * The session when the request repeats one that has begun; undefined when it may begin.
   * @throws SessionError `session.conflict`, `session.evse_busy`, `session.meter_busy`
   */
  begun(request: BeginRequest): Session | undefined {
    const { sessionId, evseId, meterId } = request;
    const known = this.#sessions.get(sessionId);
    if (known !== undefined) {
      if (known.evseId === evseId && known.meterId === meterId) return known;
      throw new SessionError(
        'session.conflict',
        `session ${sessionId} has begun at ${known.evseId} with meter ${known.meterId}`,
        { details: { sessionId, evseId: known.evseId, meterId: known.meterId } },
      );
    }
    const busy = this.#openByEvse.get(evseId) ?? this.#openByMeter.get(meterId);
    if (busy === undefined) return undefined;
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

  #notePage(meterSerial: string, ocmf: string | undefined): void {
    const page = /^OCMF\|\{[^]*?"PG":"T(\d{1,18})"/.exec(ocmf ?? '')?.[1];
    if (page === undefined) return;
    const number = BigInt(page);
    if (number > (this.#pages.get(meterSerial) ?? 0n)) this.#pages.set(meterSerial, number);
  }

  #forget(): void {
    if (this.#sessions.size <= REMEMBERED_SESSIONS) return;
    for (const [sessionId, { end }] of this.#sessions) {
      if (end === undefined) continue;
      this.#sessions.delete(sessionId);
      return;
    }
  }
}
