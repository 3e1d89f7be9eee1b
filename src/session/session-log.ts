import { StationError, type Log } from '../../hal/contract/index.ts';
import type { EntryBodies, EntryStamp, JournalStamp, SessionBody } from '../journal/index.ts';
import { SessionError } from './errors.ts';
import { SessionBook, type Session, type SessionEntry } from './session-book.ts';

/** The journal, as sessions need it. */
export interface SessionJournal {
  readonly origin: string;
  readonly bootCount: number;
  /** The time that an entry carries which is appended now. */
  stamp(): JournalStamp;
  /** The time that the entry carries which was appended last: it is stamped before `append` returns. */
  lastStamp(): JournalStamp;
  /** Resolves with the index when the entry is on disk; rejects with a `StationError` whose `effect` says whether it may be. */
  append<K extends 'session-begin' | 'session-end' | 'fault'>(
    kind: K,
    body: EntryBodies[K],
    durability: 'billing',
  ): Promise<number>;
}

export interface SessionLogOptions {
  readonly journal: SessionJournal;
  /** The session entries that the journal has by now, oldest first. Throws what reading the journal throws. */
  readonly history: () => Iterable<SessionEntry>;
  readonly log: Log;
}

/** An entry to be: what is undefined is not in it. */
type DraftBody = { [P in keyof SessionBody]: SessionBody[P] | undefined } & Pick<
  SessionBody,
  'sessionId' | 'evseId' | 'reading'
>;

export interface SessionDraft {
  readonly kind: 'session-begin' | 'session-end';
  readonly body: DraftBody;
  /** Codes of what is to be put on record besides. */
  readonly faults: readonly string[];
}

/** As the entry has it. */
export function entryStamp(stamp: JournalStamp, bootCount: number): EntryStamp {
  return {
    ...{ timeMs: Math.max(0, Math.floor(stamp.wallTimeMs)), clock: stamp.clockStatus },
    ...{ sinceBootMs: Math.floor(stamp.sinceBootMs), bootCount },
  };
}

/** The sessions as the journal has them, and the one way in which they get there. */
export class SessionLog {
  readonly #options: SessionLogOptions;
  #book: SessionBook;
  /** Numbering, signing and appending, one after the other. */
  #recording: Promise<unknown> = Promise.resolve();

  /** @throws JournalError when the journal cannot be read */
  constructor(options: SessionLogOptions) {
    this.#options = options;
    this.#book = bookOf(options);
  }

  get book(): SessionBook {
    return this.#book;
  }

  /** @throws SessionError `session.unknown` */
  session(sessionId: string): Session {
    const session = this.#book.session(sessionId);
    if (session !== undefined) return session;
    throw new SessionError('session.unknown', `no session ${sessionId} has begun here`);
  }

  /** Drafts and appends while no other entry of a session is drafted. Resolves when the entry is on disk. */
  record(draft: () => SessionDraft): Promise<Session> {
    const done = this.#recording.then(() => this.#append(draft()));
    this.#recording = done.catch(() => undefined);
    return done;
  }

  async #append({ kind, body: given, faults }: SessionDraft): Promise<Session> {
    const { journal, log } = this.#options;
    const body = present(given);
    const { sessionId } = body;
    try {
      const appended = journal.append(kind, body, 'billing');
      const stamp = entryStamp(journal.lastStamp(), journal.bootCount);
      this.#book.note({ station: journal.origin, index: await appended, kind, ...stamp, body });
    } catch (error) {
      // It may be on disk: the journal is asked, as after a restart.
      if (!(error instanceof StationError) || error.effect === 'none') throw error;
      this.#book = bookOf(this.#options);
      const found = this.#book.session(sessionId);
      if (found === undefined || (kind === 'session-end' && found.end === undefined)) throw error;
    }
    const event = kind === 'session-begin' ? 'session.begun' : 'session.ended';
    log('info', event, { session: sessionId, evse: body.evseId });
    const { result, why } = body.meterRecord ?? {};
    if (result !== undefined && result !== 'verified') {
      this.#fault('session.meter_record_unverified', body, [{ name: 'why', value: why ?? result }]);
    }
    for (const code of faults) this.#fault(code, body, []);
    return this.session(sessionId);
  }

  /** The session's entry says it too; a fault entry that cannot be written is no reason to fail what is on disk. */
  #fault(code: string, body: SessionBody, more: readonly { name: string; value: string }[]): void {
    const facts = [
      { name: 'session', value: body.sessionId },
      { name: 'meter', value: body.meterId ?? '' },
      { name: 'serial', value: body.reading.meterSerial },
      ...more,
    ];
    this.#options.log('error', code, { session: body.sessionId, meter: body.meterId });
    this.#options.journal
      .append('fault', { code, message: 'raised', facts }, 'billing')
      .catch((error: unknown) => {
        this.#options.log('error', 'journal.append_failed', { kind: 'fault', error });
      });
  }
}

function bookOf({ history }: SessionLogOptions): SessionBook {
  const book = new SessionBook();
  for (const entry of history()) book.note(entry);
  return book;
}

function present(body: DraftBody): SessionBody {
  const { sessionId, evseId, reading, ocmf, meterRecord, meterId } = body;
  return {
    ...{ sessionId, evseId, reading },
    ...(ocmf !== undefined && { ocmf }),
    ...(meterRecord !== undefined && { meterRecord }),
    ...(meterId !== undefined && { meterId }),
  };
}
