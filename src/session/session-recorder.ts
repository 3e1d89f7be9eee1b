import {
  ENERGY_IMPORT,
  StationError,
  type Log,
  type MeterSample,
  type MonotonicClock,
  type Quality,
  type SignedMeterRecord,
} from '../../hal/contract/index.ts';
import type { EntryStamp, JournalStamp, MeterRecord, SessionBody } from '../journal/index.ts';
import { createOcmfRecord, readOcmf, type OcmfSigner, type RegisteredMeter } from '../ocmf/index.ts';
import { SessionError } from './errors.ts';
import { checkMeterRecord } from './meter-record.ts';
import { judgeBegin, judgeEnd, ocmfContent, type SessionFinding, type SessionMoment } from './ocmf-moment.ts';
import { END_REASONS, type BeginRequest, type EndRequest, type IdToken } from './request.ts';
import type { Session } from './session-book.ts';
import { SessionLog, type SessionLogOptions } from './session-log.ts';

/** The meters of the station, by their ids in the configuration. */
export interface SessionMeters {
  readonly ids: readonly string[];
  /** A fresh sample, judged and journaled; rejects with a `MeterError`. */
  read(meterId: string): Promise<MeterSample>;
  profileOf(meterId: string): string;
  /** Of a meter that signs by itself; undefined of any other. */
  readSigned(meterId: string, moment: 'begin' | 'end'): Promise<SignedMeterRecord> | undefined;
  registered(meterId: string): RegisteredMeter | undefined;
}

export interface SessionOptions extends SessionLogOptions {
  readonly station: { readonly name: string; readonly version: string };
  readonly meters: SessionMeters;
  readonly signer: OcmfSigner;
  readonly clock: MonotonicClock;
  readonly log: Log;
}

/** A meter that does not answer is asked this often, this far apart, before it counts as silent. */
const READ_ATTEMPTS = 3;
const READ_AGAIN_MS = 500;

/**
 * Begins and ends charging sessions: a fresh reading of the meter, the OCMF record that the station signs over it, both in one entry
 * that is on disk before the caller hears of it. What is repeated gets the answer that it got the first time.
 */
export class SessionRecorder {
  readonly #options: SessionOptions;
  readonly #log: SessionLog;
  /** Requests under way: the same one, repeated meanwhile, waits for the same answer. */
  readonly #running = new Map<
    string,
    { readonly evseId: string; readonly meterId: string; readonly done: Promise<Session> }
  >();
  #isStopping = false;

  /** @throws JournalError when the journal cannot be read */
  constructor(options: SessionOptions) {
    this.#options = options;
    this.#log = new SessionLog(options);
  }

  /** Open sessions, by their begin. */
  open(): readonly Session[] {
    return this.#log.book.open().map(({ sessionId }) => this.#log.session(sessionId));
  }

  /** @throws SessionError `session.unknown` */
  session(sessionId: string): Session {
    return this.#log.session(sessionId);
  }

  /**
   * Resolves when the begin is on disk. The same request, repeated, resolves with the same session and records nothing.
   * @throws SessionError `session.conflict`, `session.evse_busy`, `session.meter_busy`, `session.unknown_meter`,
   * `session.meter_unreadable` (nothing was recorded), `session.stopping`; JournalError
   */
  async begin(request: BeginRequest): Promise<Session> {
    const { sessionId, evseId, meterId } = request;
    const running = this.#running.get(`begin ${sessionId}`);
    if (running?.evseId === evseId && running.meterId === meterId) return await running.done;
    if (running !== undefined) {
      const where = `${running.evseId} with meter ${running.meterId}`;
      throw new SessionError('session.conflict', `session ${sessionId} begins at ${where}`);
    }
    if (this.#log.book.hasBegun(request)) return this.#log.session(sessionId);
    this.#refuseBusy(request);
    if (!this.#options.meters.ids.includes(meterId)) {
      throw new SessionError('session.unknown_meter', `there is no meter ${meterId}`, {
        hint: `The meters are ${this.#options.meters.ids.join(', ')}.`,
      });
    }
    return await this.#run(`begin ${sessionId}`, request, () => this.#recordBegin(request));
  }

  /**
   * Resolves when the end is on disk; with a meter that does not answer too, because a session has to end: then without a value, and
   * marked as not to be billed. Repeated, it resolves with the same session and records nothing.
   * @throws SessionError `session.unknown`, `session.stopping`; JournalError
   */
  async end(request: EndRequest): Promise<Session> {
    // An end that overtakes its begin would leave the session open for good.
    await this.#running.get(`begin ${request.sessionId}`)?.done.catch(() => undefined);
    const running = this.#running.get(`end ${request.sessionId}`);
    if (running !== undefined) return await running.done;
    const session = this.session(request.sessionId);
    if (session.end !== undefined) return session;
    return await this.#run(`end ${request.sessionId}`, session, () => this.#recordEnd(session, request));
  }

  /** Refuses what comes from now on; resolves when what is under way is done. */
  async stop(): Promise<void> {
    this.#isStopping = true;
    await Promise.allSettled([...this.#running.values()].map(({ done }) => done));
  }

  #refuseBusy({ evseId, meterId }: BeginRequest): void {
    for (const other of this.#running.values()) {
      const what = other.evseId === evseId ? 'evse' : other.meterId === meterId ? 'meter' : undefined;
      if (what === undefined) continue;
      throw new SessionError(`session.${what}_busy`, 'another session begins or ends there just now', {
        remedy: 'retry',
      });
    }
  }

  #run(
    key: string,
    { evseId, meterId }: { readonly evseId: string; readonly meterId: string },
    work: () => Promise<Session>,
  ): Promise<Session> {
    if (this.#isStopping) {
      throw new SessionError('session.stopping', 'the service is stopping', { remedy: 'retry' });
    }
    const done = work().finally(() => this.#running.delete(key));
    this.#running.set(key, { evseId, meterId, done });
    return done;
  }

  async #recordBegin({ sessionId, evseId, meterId, idToken }: BeginRequest): Promise<Session> {
    const { journal } = this.#options;
    const reading = await this.#read(meterId).catch((cause: unknown) => {
      throw new SessionError(
        'session.meter_unreadable',
        `meter ${meterId} does not answer; nothing has begun`,
        {
          ...{ remedy: 'retry', cause },
          details: { meterId, cause: cause instanceof StationError ? cause.code : 'internal' },
        },
      );
    });
    const meterRecord = await this.#meterRecord(meterId, 'begin', reading.meterSerial);
    const frame = { evseId, idToken, serial: reading.meterSerial, reason: 'B' } as const;
    return await this.#log.record(() => {
      const stamp = entryStamp(journal.stamp(), journal.bootCount);
      const finding = judgeBegin({ reading, stamp });
      const ocmf = this.#sign(frame, { reading, stamp }, finding);
      const body = { sessionId, evseId, reading, ocmf, meterRecord, meterId };
      return { kind: 'session-begin', body, faults: [] };
    });
  }

  async #recordEnd(
    { begin, evseId, meterId }: Session,
    { sessionId, reason = 'ended' }: EndRequest,
  ): Promise<Session> {
    const { journal, meters, clock } = this.#options;
    let silent: Quality | undefined;
    const askedMonoMs = clock.nowMonoMs();
    const { meterSerial } = begin.body.reading;
    const reading = await this.#read(meterId).catch((error: unknown) => {
      silent = qualityOf(error);
      this.#options.log('error', 'session.meter_silent', { session: sessionId, meter: meterId, error });
      const profileId = meters.ids.includes(meterId)
        ? meters.profileOf(meterId)
        : begin.body.reading.profileId;
      const times = { readBeginMonoMs: askedMonoMs, readEndMonoMs: clock.nowMonoMs() };
      return { meterSerial, profileId, ...times, values: [] };
    });
    const meterRecord =
      silent === undefined ? await this.#meterRecord(meterId, 'end', reading.meterSerial) : undefined;
    const frame = {
      evseId,
      idToken: idTokenOf(begin.body),
      serial: meterSerial,
      reason: END_REASONS[reason],
    };
    return await this.#log.record(() => {
      const stamp = entryStamp(journal.stamp(), journal.bootCount);
      const moment = { reading, stamp, ...(silent && { silent }) };
      const finding = judgeEnd(begin, moment);
      const ocmf = this.#sign(frame, moment, finding);
      const body = { sessionId, evseId, reading, ocmf, meterRecord, meterId };
      return { kind: 'session-end', body, faults: finding.faults };
    });
  }

  /** As often as is worth it; a sample whose total was refused by its plausibility is one all the same. */
  async #read(meterId: string): Promise<MeterSample> {
    const { meters, clock } = this.#options;
    if (!meters.ids.includes(meterId)) {
      throw new SessionError('session.unknown_meter', `there is no meter ${meterId} any more`);
    }
    for (let attempt = 1; ; attempt++) {
      try {
        const sample = await meters.read(meterId);
        const hasTotal = sample.values.some(({ obis }) => obis === ENERGY_IMPORT);
        if (hasTotal || attempt === READ_ATTEMPTS) return sample;
      } catch (error) {
        if (attempt === READ_ATTEMPTS) throw error;
      }
      await clock.sleep(READ_AGAIN_MS);
    }
  }

  /** A record that the meter does not give, or that cannot be verified, takes nothing away from the session. */
  async #meterRecord(
    meterId: string,
    moment: 'begin' | 'end',
    serial: string,
  ): Promise<MeterRecord | undefined> {
    const { meters, log } = this.#options;
    try {
      const signed = await meters.readSigned(meterId, moment);
      return signed && checkMeterRecord(signed, meters.registered(meterId), serial);
    } catch (error) {
      log('error', 'session.meter_record_missing', { meter: meterId, error });
      return undefined;
    }
  }

  #sign(
    frame: {
      readonly evseId: string;
      readonly idToken: IdToken | undefined;
      readonly serial: string;
      readonly reason: 'B' | (typeof END_REASONS)[keyof typeof END_REASONS];
    },
    moment: SessionMoment,
    finding: SessionFinding,
  ): string {
    const { station, signer } = this.#options;
    const page = this.#log.book.nextPage(frame.serial);
    return createOcmfRecord(ocmfContent({ station, ...frame, page }, moment, finding), signer);
  }
}

/** Who charges, as the begin has it on record: the end must name the same. */
function idTokenOf({ ocmf }: SessionBody): IdToken | undefined {
  if (ocmf === undefined) return undefined;
  const user = readOcmf(ocmf)[0]?.record.user;
  return user?.assigned === true && user.data !== undefined
    ? { type: user.type as IdToken['type'], data: user.data }
    : undefined;
}

/** OCMF's letter for a meter that gave no value. */
function qualityOf(error: unknown): Quality {
  const code = error instanceof StationError ? error.code : '';
  if (code === 'meter.timeout') return 'T';
  if (code === 'meter.incompatible') return 'I';
  if (code === 'meter.bad_frame' || code === 'meter.exception') return 'F';
  return code.startsWith('line.') || code === 'meter.quarantined' ? 'D' : 'E';
}

/** As an entry has it. */
function entryStamp(stamp: JournalStamp, bootCount: number): EntryStamp {
  return {
    ...{ timeMs: Math.max(0, Math.floor(stamp.wallTimeMs)), clock: stamp.clockStatus },
    ...{ sinceBootMs: Math.floor(stamp.sinceBootMs), bootCount },
  };
}
