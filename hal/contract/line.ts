import type { MeterError } from './meter-error.ts';
import type { ReadPriority } from './meter.ts';

/** What carries the bytes. A driver chooses its framing by it. */
export type LineKind = 'serial' | 'tcp' | 'rtuOverTcp';

/**
 * One physical line (serial port, TCP gateway) that many drivers share. It has one exchange in flight, serves `billing`
 * before `periodic` before `diagnostic` and keeps the order within each, and survives unplugging.
 * It knows bytes and time, no protocol: a driver says what to send and how to recognise the answer.
 */
export interface Line {
  readonly id: string;
  readonly kind: LineKind;
  /**
   * Sends a request and resolves with its answer. May be called concurrently. Never resolves with an answer that could
   * belong to another request. Rejects with a `MeterError`: `meter.timeout`, `meter.bad_frame`, `meter.quarantined` (the
   * peer has failed too often and is left alone for a while), `line.open_failed`, `line.closed`, `line.queue_full`.
   */
  exchange<Answer>(exchange: Exchange<Answer>): Promise<ExchangeResult<Answer>>;
  /** A snapshot; cheap enough to take every second. */
  statistics(): LineStatistics;
  /** Rejects what is waiting with `line.closed` and frees the device. */
  close(): Promise<void>;
}

/** One request and how to recognise its answer. The functions are pure and may be called often. */
export interface Exchange<Answer> {
  /** Whom it is for, such as `1` for a Modbus unit; failures are counted by peer, so that one dead peer starves no other. */
  readonly peer: string;
  readonly priority: ReadPriority;
  /** `sequence` is never used twice on a line within 65,536 requests: framings that carry a transaction id use it. */
  request(sequence: number): Uint8Array;
  /** Judges all bytes that arrived since the request with that sequence number was sent, minus those it told to discard. */
  receive(received: Uint8Array, sequence: number): Reception<Answer>;
  /**
   * Two requests of one peer whose answers carry the same key cannot be told apart by their answers alone. While an answer
   * to one of them may still arrive late, the line does not send the other. Absent where answers name their request.
   */
  readonly answerKey?: string;
  /** Length of the expected answer: the line allows for the time that it takes on the wire. */
  readonly answerBytes: number;
  /** From the end of the request to the first byte of the answer. */
  readonly responseTimeoutMs: number;
  /** Time that the peer needs between its last answer and this request; other peers are served meanwhile. */
  readonly turnaroundMs?: number;
  /** How often the same request is sent at most; 2 unless told. */
  readonly attempts?: number;
}

export type Reception<Answer> =
  /** Not all there yet. `seen` says what the bytes so far look like, for the error message after a time-out. */
  | { readonly kind: 'incomplete'; readonly seen?: string }
  /**
   * The first `byteCount` bytes end with the answer. A refusal (a Modbus exception) is an answer too; where it does not show
   * what it refuses, it is not believed while the answer to another request of the peer may still come. `moreMayFollow`: the
   * peer has acknowledged the request, and may yet answer it unasked.
   */
  | {
      readonly kind: 'answer';
      readonly answer: Answer;
      readonly byteCount: number;
      readonly refusal?: 'names its request' | 'names nothing';
      readonly moreMayFollow?: boolean;
    }
  /** Somebody between (a gateway) answers that the peer does not: the attempt fails with `error`, which counts for the peer. */
  | { readonly kind: 'unreachable'; readonly byteCount: number; readonly error: MeterError }
  /** The first `byteCount` bytes are an answer to something else, sent by the peer `from` if that can be told. */
  | { readonly kind: 'discard'; readonly byteCount: number; readonly seen: string; readonly from?: string }
  /**
   * What is there can be no answer. With `byteCount` those bytes were a whole wrong answer and the attempt fails at once;
   * otherwise it fails when silence follows. `reopen` asks for a new connection: frame boundaries are lost for good.
   */
  | {
      readonly kind: 'damaged';
      readonly seen: string;
      readonly byteCount?: number;
      readonly reopen?: boolean;
    };

export interface ExchangeResult<Answer> {
  readonly answer: Answer;
  /** When the first attempt, or an earlier exchange whose answer this may be, began to be sent: nothing in it is older. */
  readonly sentMonoMs: number;
  readonly receivedMonoMs: number;
  readonly attempts: number;
}

export interface LineStatistics {
  readonly id: string;
  readonly kind: LineKind;
  readonly state: 'closed' | 'opening' | 'open' | 'waiting';
  /** Requests put on the wire, repetitions included, and how they ended. */
  readonly requests: number;
  readonly answers: number;
  /** Rejected exchanges and failed attempts by code (`meter.timeout`: 3). */
  readonly errors: Readonly<Record<string, number>>;
  readonly bytesSent: number;
  readonly bytesReceived: number;
  /** Bytes that belonged to no open request: late answers, duplicates, noise. */
  readonly bytesDiscarded: number;
  /** From sending a request to its whole answer. */
  readonly latencyMs: { readonly last: number; readonly mean: number; readonly max: number };
  /** Time with an exchange in flight, since the line was made. */
  readonly busyMs: number;
  readonly queued: number;
  readonly opened: number;
  readonly peers: Readonly<Record<string, PeerStatistics>>;
}

export interface PeerStatistics {
  readonly answers: number;
  readonly failures: number;
  /** Since the last answer. */
  readonly consecutiveFailures: number;
  /** `quarantined`: left alone until the next probe. */
  readonly state: 'healthy' | 'failing' | 'quarantined';
}
