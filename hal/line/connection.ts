import { MeterError, type Log, type MonotonicClock } from '../contract/index.ts';
import type { ByteChannel, OpenChannel } from './channel.ts';
import { ReportBudget } from './report-budget.ts';

export interface ReopenLimits {
  readonly firstPauseMs: number;
  readonly longestPauseMs: number;
}

/** A USB adapter is back within a second of its re-plug; a gateway that is off is not hammered. */
export const REOPEN_LIMITS: ReopenLimits = { firstPauseMs: 250, longestPauseMs: 10_000 };

/** Longest input kept while nobody waits for it; more is noise, or a peer that talks unasked. */
const MAX_INPUT_BYTES = 4_096;
/** A device that does not let itself be closed (a port whose output is stuck) is not waited for any longer. */
const CLOSE_LIMIT_MS = 2_000;

/** The line's device: opened when first needed, opened again after it was lost, with growing pauses while it is away. */
export class Connection {
  /** Called for every piece of input and when the device is lost. */
  onChange: () => void = () => {};
  /** When the last byte arrived. */
  lastInputAt = -Infinity;
  /** When the bytes began to arrive that have come without a pause since. */
  talkingSince = -Infinity;
  bytesReceived = 0;
  bytesDiscarded = 0;
  opened = 0;
  readonly #lineId: string;
  readonly #open: OpenChannel;
  readonly #clock: MonotonicClock;
  readonly #log: Log;
  readonly #limits: ReopenLimits;
  readonly #talkGapMs: number;
  #channel: ByteChannel | undefined;
  #opening = false;
  #input: Uint8Array = new Uint8Array(0);
  #generation = 0;
  #pauseMs = 0;
  #waitUntil = 0;
  #lastCause: unknown;
  #abandon: AbortController | undefined;
  /** An outage is logged once, however often the device is tried. */
  readonly #reports = new ReportBudget<'unknown' | 'open' | 'unavailable'>('unknown');

  constructor(
    lineId: string,
    open: OpenChannel,
    ports: { clock: MonotonicClock; log: Log },
    limits: ReopenLimits,
    /** A pause that long between two bytes is one. */
    talkGapMs = 0,
  ) {
    this.#talkGapMs = talkGapMs;
    this.#lineId = lineId;
    this.#open = open;
    this.#clock = ports.clock;
    this.#log = ports.log;
    this.#limits = limits;
  }

  get state(): 'closed' | 'opening' | 'open' | 'waiting' {
    if (this.#channel !== undefined) return 'open';
    if (this.#opening) return 'opening';
    return this.#clock.nowMonoMs() < this.#waitUntil ? 'waiting' : 'closed';
  }

  /** Changes with every new connection: what was expected from an older one will never come. */
  get generation(): number {
    return this.#generation;
  }

  get isOpen(): boolean {
    return this.#channel !== undefined;
  }

  get input(): Uint8Array {
    return this.#input;
  }

  /**
   * The device, opened if necessary; says whether it had been unavailable before.
   * @throws MeterError `line.open_failed` at once while a pause is on.
   */
  async ensureOpen(): Promise<'was open' | 'opened' | 'available again'> {
    if (this.#channel !== undefined) return 'was open';
    const now = this.#clock.nowMonoMs();
    if (now < this.#waitUntil) throw this.#openFailed(this.#waitUntil - now);
    this.#opening = true;
    this.#abandon = new AbortController();
    try {
      const generation = this.#generation + 1;
      let lost = false;
      const channel = await this.#open(
        {
          onBytes: (bytes) => {
            if (generation === this.#generation) this.#append(bytes);
          },
          onClosed: (cause) => {
            lost = true;
            if (generation === this.#generation) this.#lose(cause);
          },
        },
        this.#abandon.signal,
      );
      if (generation !== this.#generation + 1) {
        await channel.close();
        throw new Error('closed while it was being opened');
      }
      this.#generation = generation;
      this.#input = new Uint8Array(0);
      this.opened++;
      if (lost) throw new Error('closed as soon as it was open');
      this.#channel = channel;
      if (this.#reports.shouldReport('open', this.#clock.nowMonoMs()))
        this.#log('info', 'line.opened', { line: this.#lineId });
      const wasAway = this.#pauseMs > 0;
      this.#pauseMs = 0;
      return wasAway ? 'available again' : 'opened';
    } catch (cause) {
      this.#pause(cause);
      if (this.#reports.shouldReport('unavailable', this.#clock.nowMonoMs()))
        this.#log('warning', 'line.unavailable', { line: this.#lineId, cause: messageOf(cause) });
      throw this.#openFailed(this.#pauseMs);
    } finally {
      this.#opening = false;
      this.#abandon = undefined;
    }
  }

  /** @throws whatever the device says, or an Error when it is not open. */
  async write(bytes: Uint8Array): Promise<void> {
    if (this.#channel === undefined) throw new Error('the line is not open');
    await this.#channel.write(bytes);
  }

  /** Throws away all input, in the device and here. */
  async discardInput(): Promise<void> {
    await this.#channel?.discardInput();
    this.consume(this.#input.length);
  }

  /** Drops the first bytes of the input as belonging to nobody. */
  consume(byteCount: number): void {
    this.bytesDiscarded += Math.min(byteCount, this.#input.length);
    this.#input = this.#input.subarray(byteCount);
  }

  /** Takes the first bytes of the input as an answer. */
  take(byteCount: number): Uint8Array {
    const taken = this.#input.subarray(0, byteCount);
    this.#input = this.#input.subarray(byteCount);
    return taken;
  }

  async close(): Promise<void> {
    const channel = this.#channel;
    this.#channel = undefined;
    this.#generation++;
    this.#input = new Uint8Array(0);
    this.#abandon?.abort();
    if (channel === undefined) return;
    const enough = new AbortController();
    const tooLong = this.#clock.sleep(CLOSE_LIMIT_MS, enough.signal).catch(() => {});
    await Promise.race([channel.close(), tooLong]).finally(() => enough.abort());
  }

  /** Closes a device that cannot be used any more; it is opened again when next needed. */
  async drop(cause: unknown): Promise<void> {
    this.#lastCause = cause;
    await this.close();
  }

  #append(bytes: Uint8Array): void {
    this.bytesReceived += bytes.length;
    const now = this.#clock.nowMonoMs();
    if (now - this.lastInputAt > this.#talkGapMs) this.talkingSince = now;
    this.lastInputAt = now;
    const joined = new Uint8Array(this.#input.length + bytes.length);
    joined.set(this.#input);
    joined.set(bytes, this.#input.length);
    this.#input = joined;
    if (joined.length > MAX_INPUT_BYTES) this.consume(joined.length - MAX_INPUT_BYTES);
    this.onChange();
  }

  #lose(cause: Error | undefined): void {
    if (this.#channel === undefined) return;
    this.#channel = undefined;
    this.#lastCause = cause;
    this.#log('debug', 'line.lost', { line: this.#lineId, cause: cause?.message });
    this.onChange();
  }

  /**
   * A device that cannot be opened is given more and more time. One that was open and is lost may be opened again at once:
   * a single peer may be what ends every connection, and the others must not wait for it.
   */
  #pause(cause: unknown): void {
    this.#lastCause = cause;
    const { firstPauseMs, longestPauseMs } = this.#limits;
    this.#pauseMs = Math.min(longestPauseMs, Math.max(firstPauseMs, this.#pauseMs * 2));
    this.#waitUntil = this.#clock.nowMonoMs() + this.#pauseMs;
  }

  #openFailed(retryInMs: number): MeterError {
    const cause = this.#lastCause;
    const reason = messageOf(cause);
    return new MeterError('line.open_failed', `line ${this.#lineId} cannot be opened: ${reason}`, {
      cause,
      details: {
        line: this.#lineId,
        reason,
        systemCode: systemCodeOf(cause),
        retryInMs: Math.round(retryInMs),
      },
    });
  }
}

/** An AggregateError (several addresses of one host refused) has no message of its own. */
function messageOf(cause: unknown): string {
  if (cause instanceof AggregateError) return messageOf(cause.errors[0]);
  if (cause instanceof Error) return cause.message || cause.name;
  return cause === undefined ? 'closed by the other side' : JSON.stringify(cause);
}

function systemCodeOf(cause: unknown): unknown {
  return cause instanceof Error && 'code' in cause ? cause.code : undefined;
}
