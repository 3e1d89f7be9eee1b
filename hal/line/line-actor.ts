import {
  MeterError,
  type Exchange,
  type ExchangeResult,
  type Line,
  type LineKind,
  type LineStatistics,
  type Log,
  type MonotonicClock,
} from '../contract/index.ts';
import { collectAnswer, isAtFrameBoundary, type Collected, type Collecting } from './answer-collector.ts';
import type { OpenChannel } from './channel.ts';
import { Connection, type ReopenLimits } from './connection.ts';
import { asMeterError, badFrame, closedError, queueFullError, quarantinedError } from './errors.ts';
import { ExchangeQueue } from './exchange-queue.ts';
import { COPY_MS } from './late-answers.ts';
import type { Pace } from './pacing.ts';
import { Peer, type PeerLimits } from './peer.ts';
import { LineCounters } from './statistics.ts';
import { orLost, transmit } from './transmission.ts';
import { WakeUp } from './wake-up.ts';

export interface LineLimits {
  /** Most exchanges that may wait. */
  readonly queueCapacity: number;
  /** No answer comes later than this after its request was sent, or than three time-outs, whichever is longer. */
  readonly lateWindowMs: number;
  /** Silence after input that ends an answer which is not whole. */
  readonly silenceMs: number;
  readonly peer: PeerLimits;
  readonly reopen: ReopenLimits;
}

export interface LineParts {
  readonly id: string;
  readonly kind: LineKind;
  readonly pace: Pace;
  readonly open: OpenChannel;
  readonly limits: LineLimits;
  readonly clock: MonotonicClock;
  readonly log: Log;
}

/** How many sends one exchange gets unless it says otherwise. */
const DEFAULT_ATTEMPTS = 2;
/** A line on which somebody talks without a pause for this long is used all the same: it will not get better by itself. */
const LONGEST_TALK_MS = 2_000;

/**
 * Requests in a row to which a connection brought not a single byte, whomever they were for: it may be dead, and a peer that
 * lost its power says nothing about that. TCP itself gives up on unacknowledged bytes after a quarter of an hour.
 */
const SILENT_BEFORE_RECONNECT = 3;

interface Job {
  readonly priority: Exchange<unknown>['priority'];
  readonly peer: string;
  readonly exchange: Exchange<unknown>;
  /** The request's bytes for sequence 0: what tells two requests of one peer apart. */
  readonly requestKey: string;
  readonly resolve: (result: ExchangeResult<unknown>) => void;
  readonly reject: (error: MeterError) => void;
  attempts: number;
  firstSentAt: number | undefined;
}

/** One line: takes exchanges from its queue, one at a time, and sees each through to an answer or an error. */
export class LineActor implements Line {
  readonly id: string;
  readonly kind: LineKind;
  readonly #parts: LineParts;
  readonly #clock: MonotonicClock;
  readonly #log: Log;
  readonly #queue: ExchangeQueue<Job>;
  readonly #connection: Connection;
  readonly #peers = new Map<string, Peer>();
  readonly #counters = new LineCounters();
  readonly #wakeUp: WakeUp;
  readonly #collecting: Collecting;
  /** True from the first job to the empty queue; set without an await beside the check, so that no job is forgotten. */
  #active = false;
  #running: Promise<void> | undefined;
  #busySince: number | undefined;
  #lastOutputAt = -Infinity;
  #lastAnswered: Peer | undefined;
  #silentRequests = 0;
  #closed = false;

  constructor(parts: LineParts) {
    this.id = parts.id;
    this.kind = parts.kind;
    this.#parts = parts;
    this.#clock = parts.clock;
    this.#log = parts.log;
    this.#queue = new ExchangeQueue(parts.limits.queueCapacity);
    this.#connection = new Connection(
      parts.id,
      parts.open,
      parts,
      parts.limits.reopen,
      parts.pace.frameGapMs,
    );
    this.#wakeUp = new WakeUp(parts.clock);
    this.#collecting = {
      lineId: parts.id,
      connection: this.#connection,
      wakeUp: this.#wakeUp,
      clock: parts.clock,
      msPerByte: parts.pace.msPerByte,
      silenceMs: parts.limits.silenceMs,
      onStray: (from, bytes) =>
        this.#peers.get(from)?.strayed(parts.clock.nowMonoMs(), bytes, parts.pace.msPerByte),
    };
    this.#connection.onChange = () => this.#wakeUp.ring();
  }

  exchange<Answer>(exchange: Exchange<Answer>): Promise<ExchangeResult<Answer>> {
    return new Promise<ExchangeResult<unknown>>((resolve, reject) => {
      const job: Job = {
        priority: exchange.priority,
        peer: exchange.peer,
        exchange,
        requestKey: Buffer.from(exchange.request(0)).toString('latin1'),
        resolve,
        reject,
        attempts: 0,
        firstSentAt: undefined,
      };
      if (this.#closed) return this.#fail(job, closedError(this.id, 'closed'));
      const refused = this.#queue.push(job);
      if (refused !== undefined)
        this.#fail(refused, queueFullError(this.id, this.#parts.limits.queueCapacity));
      this.#wakeUp.ring();
      if (!this.#active) this.#running = this.#run();
    }) as Promise<ExchangeResult<Answer>>;
  }

  statistics(): LineStatistics {
    const inFlight = this.#busySince === undefined ? 0 : this.#clock.nowMonoMs() - this.#busySince;
    return {
      id: this.id,
      kind: this.kind,
      state: this.#connection.state,
      requests: this.#counters.requests,
      answers: this.#counters.answers,
      errors: this.#counters.errors(),
      bytesSent: this.#counters.bytesSent,
      bytesReceived: this.#connection.bytesReceived,
      bytesDiscarded: this.#connection.bytesDiscarded,
      latencyMs: this.#counters.latencyMs(),
      busyMs: this.#counters.busyMs + inFlight,
      queued: this.#queue.length,
      opened: this.#connection.opened,
      peers: Object.fromEntries([...this.#peers].map(([name, peer]) => [name, peer.statistics()])),
    };
  }

  async close(): Promise<void> {
    this.#closed = true;
    for (const job of this.#queue.drain()) this.#fail(job, closedError(this.id, 'closed'));
    await this.#connection.close();
    this.#wakeUp.ring();
    await this.#running;
  }

  async #run(): Promise<void> {
    this.#active = true;
    while (this.#queue.length > 0) {
      this.#wakeUp.reset();
      const next = this.#queue.take(this.#clock.nowMonoMs(), (job) => this.#readyAt(job));
      if ('job' in next) await this.#serve(next.job);
      else await this.#wakeUp.until(next.notBefore);
    }
    this.#active = false;
  }

  /** When the peer may be asked this: after its own pause, in silence, and with no look-alike answer still on its way. */
  #readyAt({ exchange, requestKey, priority }: Job): number {
    const peer = this.#peer(exchange.peer);
    // What will be rejected anyway is taken at once.
    if (this.#leftAloneFor(priority, peer) > 0 || this.#connection.state === 'waiting') return 0;
    return Math.max(
      this.#quietAt(),
      peer.restedAt(exchange.turnaroundMs ?? 0),
      peer.late.readyAt(exchange.answerKey, requestKey),
    );
  }

  /** Somebody who looks for a fault asks rarely, and wants to see what happens now: that is a probe like any other. */
  #leftAloneFor(priority: Job['priority'], peer: Peer): number {
    return priority === 'diagnostic' ? 0 : peer.leftAloneFor(this.#clock.nowMonoMs());
  }

  /** The gap between frames, counted from the last byte in either direction; longer while somebody still talks. */
  #quietAt(): number {
    const { lastInputAt, talkingSince } = this.#connection;
    const heardUntil = Math.min(lastInputAt, talkingSince + LONGEST_TALK_MS);
    const quietAt = Math.max(heardUntil, this.#lastOutputAt) + this.#parts.pace.frameGapMs;
    // A copy would meet the next request on the wire, whomever that is for.
    return this.kind === 'tcp' ? quietAt : Math.max(quietAt, this.#lastAnswered?.copyUntil ?? 0);
  }

  async #serve(job: Job): Promise<void> {
    const peer = this.#peer(job.peer);
    const leftAloneFor = this.#leftAloneFor(job.priority, peer);
    if (leftAloneFor > 0) return this.#fail(job, quarantinedError(this.id, job.exchange, leftAloneFor));
    const startedAt = this.#clock.nowMonoMs();
    this.#busySince = startedAt;
    try {
      const opened = await this.#connection.ensureOpen();
      if (opened === 'available again') for (const each of this.#peers.values()) each.forgive();
      const { frame, ...result } = await this.#attempt(job, peer);
      job.resolve(result);
      const event = peer.answered(result.receivedMonoMs, frame);
      if (event !== undefined) this.#log('info', 'line.peer_recovered', { line: this.id, peer: job.peer });
    } catch (error) {
      this.#afterFailure(job, peer, asMeterError(error));
    } finally {
      const tookMs = this.#clock.nowMonoMs() - startedAt;
      this.#counters.busyMs += tookMs;
      // The line waits for the peer's second copy: that is its time, too.
      this.#queue.charge(job.peer, tookMs + Math.max(0, peer.copyUntil - this.#clock.nowMonoMs()));
      this.#busySince = undefined;
    }
    // Where no gap separates frames, the one who was just answered gets the chance to ask on before the turn is given away.
    if (this.#parts.pace.frameGapMs === 0 && this.#queue.length > 0) await new Promise(setImmediate);
  }

  /** The same request again while it has attempts left, otherwise the end of the exchange. */
  #afterFailure(job: Job, peer: Peer, error: MeterError): void {
    if (this.#closed) return this.#fail(job, closedError(this.id, 'closed'));
    // Nobody was asked: the peer has nothing to do with it.
    if (error.code === 'line.open_failed') return this.#fail(job, error);
    const attemptsAllowed = peer.probing ? 1 : (job.exchange.attempts ?? DEFAULT_ATTEMPTS);
    if (job.attempts < attemptsAllowed) {
      this.#counters.countError(error.code);
      return this.#queue.putBack(job);
    }
    // A connection that ends whenever this peer is asked counts against the peer: the others can still be read.
    const event = peer.failed(this.#clock.nowMonoMs());
    if (event !== undefined) {
      const { code } = error;
      this.#log('warning', 'line.peer_quarantined', { line: this.id, peer: job.peer, code });
    }
    this.#fail(job, error);
  }

  /** One send and the wait for its answer. @throws MeterError */
  async #attempt(job: Job, peer: Peer): Promise<ExchangeResult<unknown> & { frame: Uint8Array }> {
    const { exchange, requestKey } = job;
    const sequence = this.#counters.requests & 0xffff;
    if (this.kind !== 'tcp') await this.#discardStrayInput();
    else if (!isAtFrameBoundary(exchange, sequence, this.#connection)) {
      await this.#connection.drop(new Error('bytes that belong to no frame'));
      await this.#connection.ensureOpen();
    }
    const request = exchange.request(sequence);
    job.attempts++;
    const sentAt = this.#clock.nowMonoMs();
    // The answer may be that to the same request of an earlier exchange, which came too late for that one.
    job.firstSentAt ??= peer.late.oldestSame(requestKey, sentAt);
    this.#counters.requests++;
    this.#counters.bytesSent += request.length;
    const windowMs = Math.max(this.#parts.limits.lateWindowMs, 3 * exchange.responseTimeoutMs);
    const until = sentAt + windowMs + COPY_MS;
    try {
      const { answer, frame, refusal, moreMayFollow } = await this.#ask(exchange, request, sequence);
      const answeredAt = this.#clock.nowMonoMs();
      if (refusal === 'names nothing' && peer.late.owesOther(requestKey, sentAt))
        throw badFrame(this.id, exchange, 'a refusal that may belong to an earlier request');
      this.#lastAnswered = peer;
      if (moreMayFollow === true) peer.late.unanswered(exchange.answerKey, requestKey, sentAt, until);
      else peer.late.answered(exchange.answerKey, requestKey, { sentAt, answeredAt, until });
      this.#counters.countAnswer(answeredAt - sentAt);
      const { attempts, firstSentAt: sentMonoMs } = job;
      return { answer, frame, sentMonoMs, receivedMonoMs: answeredAt, attempts };
    } catch (error) {
      peer.late.unanswered(exchange.answerKey, requestKey, sentAt, until);
      throw error;
    }
  }

  async #ask(exchange: Exchange<unknown>, request: Uint8Array, sequence: number): Promise<Collected> {
    const receivedBefore = this.#connection.bytesReceived;
    this.#lastOutputAt = await transmit(request, this.#collecting);
    try {
      return await collectAnswer(exchange, { sequence, leftAt: this.#lastOutputAt }, this.#collecting);
    } finally {
      const isSilent = this.#connection.bytesReceived === receivedBefore;
      this.#silentRequests = isSilent ? this.#silentRequests + 1 : 0;
      if (this.#silentRequests >= SILENT_BEFORE_RECONNECT && this.kind !== 'serial') {
        this.#silentRequests = 0;
        await this.#connection.drop(new Error('nothing came back'));
      }
    }
  }

  /** What came since the last answer, with nobody asked since, came from the one who gave it. */
  async #discardStrayInput(): Promise<void> {
    const { input, lastInputAt } = this.#connection;
    if (input.length > 0) this.#lastAnswered?.strayed(lastInputAt, input, this.#parts.pace.msPerByte);
    this.#lastAnswered = undefined;
    await orLost(this.#connection.discardInput(), this.#collecting);
  }

  #peer(name: string): Peer {
    let peer = this.#peers.get(name);
    if (peer === undefined) this.#peers.set(name, (peer = new Peer(this.#parts.limits.peer)));
    return peer;
  }

  #fail(job: Job, error: MeterError): void {
    this.#counters.countError(error.code);
    job.reject(error);
  }
}
