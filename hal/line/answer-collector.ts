import type { Exchange, MonotonicClock, Reception } from '../contract/index.ts';
import type { Connection } from './connection.ts';
import { badFrame, closedError, timeoutError } from './errors.ts';
import type { WakeUp } from './wake-up.ts';

export interface Collecting {
  readonly lineId: string;
  readonly connection: Connection;
  readonly wakeUp: WakeUp;
  readonly clock: MonotonicClock;
  readonly msPerByte: number;
  /** Silence after input that ends an answer which cannot become whole. */
  readonly silenceMs: number;
  /** Told when a peer is found to have sent what nobody waits for. */
  readonly onStray: (peer: string, bytes: Uint8Array) => void;
}

export type Collected = Extract<Reception<unknown>, { kind: 'answer' }> & {
  /** The answer as it came. */
  readonly frame: Uint8Array;
};

/** What was sent: the number it bears, and when its last byte leaves. */
export interface Sent {
  readonly sequence: number;
  readonly leftAt: number;
}

/**
 * Collects input until the exchange recognises its answer, its time is over, or the line is lost.
 * @throws MeterError `meter.timeout` when nothing came, `meter.bad_frame` when something else did, `line.closed`, and what
 * the exchange says of a peer that cannot be reached.
 */
export async function collectAnswer(
  exchange: Exchange<unknown>,
  { sequence, leftAt }: Sent,
  line: Collecting,
): Promise<Collected> {
  const { connection, wakeUp, clock, lineId } = line;
  const { generation } = connection;
  const patienceMs = exchange.responseTimeoutMs + exchange.answerBytes * line.msPerByte;
  const silenceMs = Math.max(line.silenceMs, 20 * line.msPerByte);
  const deadline = leftAt + patienceMs;
  // An answer that began in time may end late (a gateway that hands on byte by byte), but not for ever.
  const lastDeadline = deadline + patienceMs;
  let seen: string | undefined;
  for (;;) {
    wakeUp.reset();
    if (generation !== connection.generation || !connection.isOpen) throw closedError(lineId, 'lost');
    const reception = await judge(exchange, sequence, line);
    if (reception.kind === 'answer') return reception;
    seen = reception.seen ?? seen;
    const now = clock.nowMonoMs();
    const silentAt = connection.input.length > 0 ? connection.lastInputAt + silenceMs : 0;
    const patientUntil = reception.kind === 'damaged' ? silentAt : Math.max(deadline, silentAt);
    const until = Math.min(lastDeadline, patientUntil);
    if (now >= until) {
      throw seen === undefined ? timeoutError(lineId, exchange) : badFrame(lineId, exchange, seen);
    }
    await wakeUp.until(until);
  }
}

type Undecided = (Collected | Extract<Reception<unknown>, { kind: 'incomplete' | 'damaged' }>) & {
  readonly seen?: string;
};

/**
 * Before a request on a stream whose framing is its own: drops whole frames that are left over, and says whether nothing
 * remains. What remains would be taken for the begin of the next frame, and the next answer be lost.
 */
export function isAtFrameBoundary(
  exchange: Exchange<unknown>,
  sequence: number,
  connection: Connection,
): boolean {
  while (connection.input.length > 0) {
    const reception = exchange.receive(connection.input, sequence);
    if (reception.kind !== 'discard') return false;
    connection.consume(Math.max(1, reception.byteCount));
  }
  return true;
}

/** Asks the exchange about the input, does what it says about bytes that are not the answer, and asks again. */
async function judge(exchange: Exchange<unknown>, sequence: number, line: Collecting): Promise<Undecided> {
  const { connection, lineId } = line;
  let discarded: string | undefined;
  for (;;) {
    const reception = exchange.receive(connection.input, sequence);
    switch (reception.kind) {
      case 'incomplete': {
        const seen = reception.seen ?? discarded;
        return seen === undefined ? reception : { ...reception, seen };
      }
      case 'answer':
        return { ...reception, frame: connection.take(reception.byteCount) };
      case 'unreachable':
        connection.take(reception.byteCount);
        throw reception.error;
      case 'discard':
        if (reception.from !== undefined)
          line.onStray(reception.from, connection.input.subarray(0, reception.byteCount));
        connection.consume(Math.max(1, reception.byteCount));
        discarded = reception.seen;
        break;
      case 'damaged':
        if (reception.reopen === true) await connection.drop(new Error(reception.seen));
        else if (reception.byteCount !== undefined) connection.consume(reception.byteCount);
        else return reception;
        throw badFrame(lineId, exchange, reception.seen);
    }
  }
}
