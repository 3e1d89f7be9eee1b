import { InvariantError, StationError, type Log } from '../../hal/contract/index.ts';
import type { EntryBodies, JournalStamp, SessionBody } from '../journal/index.ts';
import { SessionError } from './errors.ts';
import { noteOf, SessionBook, type Session, type SessionEntry, type SessionNote } from './session-book.ts';

/** The journal, as sessions need it. */
export interface SessionJournal {
  readonly bootCount: number;
  /** The time that an entry carries which is appended now. */
  stamp(): JournalStamp;
  /** Resolves with the index when the entry is on disk; rejects with a `StationError` whose `effect` says whether it may be. */
  append<K extends 'session-begin' | 'session-end' | 'fault'>(
    kind: K,
    body: EntryBodies[K],
    durability: 'billing',
  ): Promise<number>;
}

export interface SessionLogOptions {
  readonly journal: SessionJournal;
  /** The session entries that the journal has by now, newest first. Throws what reading the journal throws. */
  readonly history: () => Iterable<SessionEntry>;
  /** One of them. Throws what reading the journal throws. */
  readonly entry: (index: number) => SessionEntry;
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

  /** As the journal has it. @throws SessionError `session.unknown`; JournalError */
  session(sessionId: string): Session {
    const { entry } = this.#options;
    const place = this.#book.place(sessionId);
    if (place === undefined)
      throw new SessionError('session.unknown', `no session ${sessionId} has begun here`);
    const { evseId, meterId, beginIndex, endIndex } = place;
    const begin = entry(beginIndex);
    const end = endIndex === undefined ? undefined : entry(endIndex);
    if (begin.kind !== 'session-begin' || end?.kind === 'session-begin') {
      throw new InvariantError(`entries ${beginIndex} and ${endIndex} are no begin and end`);
    }
    return { ...{ sessionId, evseId, meterId, begin }, ...(end && { end }) };
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
      const index = await journal.append(kind, body, 'billing');
      this.#book.note(noteOf({ kind, index, body }));
    } catch (error) {
      // It may be on disk: the journal is asked, as after a restart.
      if (!(error instanceof StationError) || error.effect === 'none') throw error;
      this.#book = bookOf(this.#options);
      const found = this.#book.place(sessionId);
      if (found === undefined || (kind === 'session-end' && found.endIndex === undefined)) throw error;
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
  const newestFirst: SessionNote[] = [];
  for (const entry of history()) newestFirst.push(noteOf(entry));
  for (const note of newestFirst.reverse()) book.note(note);
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
