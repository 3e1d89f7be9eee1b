import type { PeerStatistics } from '../contract/index.ts';
import { LateAnswers } from './late-answers.ts';
import { ReportBudget } from './report-budget.ts';

export interface PeerLimits {
  /** Failed exchanges in a row after which the peer is left alone. */
  readonly failuresBeforeQuarantine: number;
  /** First and longest pause between two probes of a peer that is left alone; it doubles from one to the other. */
  readonly firstPauseMs: number;
  readonly longestPauseMs: number;
}

/** Three failures tell a dead meter from a disturbed line; a minute is soon enough to notice one that is back. */
export const PEER_LIMITS: PeerLimits = {
  failuresBeforeQuarantine: 3,
  firstPauseMs: 1_000,
  longestPauseMs: 60_000,
};

/** What comes later than this is no second copy but a late answer, which late-answers.ts deals with. */
const MAX_STRAY_MS = 100;
/** Behind a gateway may be a line of 9600 baud. */
const UNKNOWN_MS_PER_BYTE = 11_000 / 9_600;
/** Copies are not punctual. */
const STRAY_MARGIN = 1.5;
/** How long a peer that answered twice is not trusted. */
const STRAY_MEMORY_MS = 60_000;

/** A change of state that is worth a line in the log. */
export type PeerEvent = 'quarantined' | 'recovered' | undefined;

/** What the line knows of one peer: whether to bother it, and which of its answers may still come. Pure: time is given. */
export class Peer {
  readonly late = new LateAnswers();
  readonly #limits: PeerLimits;
  #answers = 0;
  #failures = 0;
  #consecutive = 0;
  #leftAloneUntil = 0;
  #lastAnswerAt = -Infinity;
  #lastFrame: Uint8Array = new Uint8Array(0);
  #strayDelayMs = 0;
  #strayUntil = -Infinity;
  readonly #reports = new ReportBudget<'healthy' | 'quarantined'>('healthy');

  constructor(limits: PeerLimits) {
    this.#limits = limits;
  }

  get probing(): boolean {
    return this.#consecutive >= this.#limits.failuresBeforeQuarantine;
  }

  /** Earliest time for the next request: after the pause that the peer needs, and after its stray answers. */
  restedAt(turnaroundMs: number): number {
    return Math.max(this.#lastAnswerAt + turnaroundMs, this.copyUntil);
  }

  /** Until when a second copy of the last answer may still be on the wire, if the peer is known to send such. */
  get copyUntil(): number {
    return this.#lastAnswerAt < this.#strayUntil ? this.#lastAnswerAt + STRAY_MARGIN * this.#strayDelayMs : 0;
  }

  /**
   * Bytes came that nobody had asked for. When they are a second copy of the peer's last answer, it cannot be told from the
   * answer to the same request in the next round: from now on wait for the copy to pass by. Other bytes may be anybody's,
   * whatever they say.
   */
  strayed(now: number, bytes: Uint8Array, msPerByte: number): void {
    const begunMs = now - this.#lastAnswerAt;
    if (begunMs > MAX_STRAY_MS || !isBeginOf(bytes, this.#lastFrame)) return;
    // The copy may be caught at its first bytes: the others follow.
    const missingBytes = Math.max(0, this.#lastFrame.length - bytes.length);
    const delayMs = begunMs + missingBytes * (msPerByte || UNKNOWN_MS_PER_BYTE);
    this.#strayDelayMs = now < this.#strayUntil ? Math.max(this.#strayDelayMs, delayMs) : delayMs;
    this.#strayUntil = now + STRAY_MEMORY_MS;
  }

  /** Milliseconds until the next probe may be sent; 0 when the peer may be asked now. */
  leftAloneFor(now: number): number {
    return Math.max(0, this.#leftAloneUntil - now);
  }

  /** `frame`: the answer as it came. */
  answered(now: number, frame: Uint8Array): PeerEvent {
    this.#lastFrame = frame;
    this.#answers++;
    this.#consecutive = 0;
    this.#leftAloneUntil = 0;
    this.#lastAnswerAt = now;
    return this.#reports.shouldReport('healthy', now) ? 'recovered' : undefined;
  }

  /** What made it fail is over (the whole line was down): it may be asked at once, and goes back to its pause if it fails. */
  forgive(): void {
    this.#leftAloneUntil = 0;
  }

  /** An exchange failed for good, after all of its attempts. */
  failed(now: number): PeerEvent {
    this.#failures++;
    this.#consecutive++;
    const { failuresBeforeQuarantine, firstPauseMs, longestPauseMs } = this.#limits;
    const probes = this.#consecutive - failuresBeforeQuarantine;
    if (probes < 0) return undefined;
    this.#leftAloneUntil = now + Math.min(longestPauseMs, firstPauseMs * 2 ** Math.min(probes, 30));
    return this.#reports.shouldReport('quarantined', now) ? 'quarantined' : undefined;
  }

  statistics(): PeerStatistics {
    return {
      answers: this.#answers,
      failures: this.#failures,
      consecutiveFailures: this.#consecutive,
      state: this.#consecutive === 0 ? 'healthy' : this.probing ? 'quarantined' : 'failing',
    };
  }
}

function isBeginOf(bytes: Uint8Array, frame: Uint8Array): boolean {
  const length = Math.min(bytes.length, frame.length);
  return length > 0 && Buffer.compare(bytes.subarray(0, length), frame.subarray(0, length)) === 0;
}
