/** Where bytes go when it is their time. */
export interface Outlet {
  write(bytes: Buffer): void;
  /** Ends the connection; a serial line has none to end. */
  close(): void;
}

export interface Pacing {
  /** Bits per second of the line that is simulated; each character takes 11 bits (Modbus over Serial Line V1.02 §2.5.1). */
  readonly baudRate: number;
  /** What the meter needs to think between request and answer. */
  readonly turnaroundMs: number;
}

/** What a paced line did, in ms: the sums that tell how busy its users kept it. */
export interface WireTimes {
  /** Characters of requests and answers, and the meter's thinking in between, as the baud rate has them. */
  occupiedMs: number;
  /** From the moment at which an answer had really gone out to the next request. */
  idleMs: number;
  /** How often there was such a moment. */
  idleSpells: number;
}

const BITS_PER_CHARACTER = 11;
/** Bytes of a paced line arrive in pieces of about this duration, as a UART's receive buffer hands them over. */
const PIECE_MS = 4;
/** Timers of Node are late by up to this much even on an idle machine. */
const PUNCTUAL_MS = 2;

/**
 * One pair of wires. With pacing, requests and answers take the time they take at that baud rate, one after the other;
 * without, an answer goes out at once. Times are planned ahead from the clock, so that late timers do not add up.
 */
export class Wire {
  readonly #pacing: Pacing | undefined;
  readonly #now: () => number;
  #stopped = false;
  readonly #timers = new Set<NodeJS.Timeout>();
  readonly times: WireTimes = { occupiedMs: 0, idleMs: 0, idleSpells: 0 };
  #freeAtMonoMs = 0;
  /** When the last byte of an answer went out, while nobody has asked since. */
  #silentSinceMonoMs: number | undefined;

  constructor(now: () => number, pacing?: Pacing) {
    this.#now = now;
    this.#pacing = pacing;
  }

  /** A request of that length has arrived; returns when the meter begins to answer it (ms from now). */
  receive(byteCount: number): number {
    if (this.#pacing === undefined) return 0;
    const now = this.#now();
    if (this.#silentSinceMonoMs !== undefined) {
      this.times.idleMs += now - this.#silentSinceMonoMs;
      this.times.idleSpells++;
      this.#silentSinceMonoMs = undefined;
    }
    this.times.occupiedMs += byteCount * this.#characterMs() + this.#pacing.turnaroundMs;
    this.#freeAtMonoMs = Math.max(now, this.#freeAtMonoMs) + byteCount * this.#characterMs();
    return this.#freeAtMonoMs + this.#pacing.turnaroundMs - now;
  }

  send(outlet: Outlet, bytes: Buffer, afterMs: number): void {
    if (this.#pacing === undefined) {
      this.#at(this.#now() + afterMs, () => outlet.write(bytes));
      return;
    }
    const start = Math.max(this.#now() + afterMs, this.#freeAtMonoMs);
    const characterMs = this.#characterMs();
    this.times.occupiedMs += bytes.length * characterMs;
    this.#freeAtMonoMs = start + bytes.length * characterMs;
    const pieceBytes = Math.max(1, Math.round(PIECE_MS / characterMs));
    let sent = 0;
    const sendUntil = (end: number) => {
      // A late timer must not turn the order around.
      if (end > sent) outlet.write(bytes.subarray(sent, end));
      sent = Math.max(sent, end);
      if (end === bytes.length) this.#silentSinceMonoMs = this.#now();
    };
    for (let from = 0; from < bytes.length; from += pieceBytes) {
      const end = Math.min(bytes.length, from + pieceBytes);
      this.#at(start + end * characterMs, () => sendUntil(end), end === bytes.length);
    }
  }

  closeConnection(outlet: Outlet, afterMs: number): void {
    this.#at(this.#now() + afterMs, () => outlet.close());
  }

  /** What has not been sent yet never will be. */
  stop(): void {
    this.#stopped = true;
    for (const timer of this.#timers) clearTimeout(timer);
    this.#timers.clear();
  }

  #characterMs(): number {
    return (BITS_PER_CHARACTER * 1_000) / (this.#pacing?.baudRate ?? Infinity);
  }

  /** `punctual`: to a tenth of a millisecond, where a timer may be one or two late, for the price of some turns of the loop. */
  #at(monoMs: number, act: () => void, punctual = false): void {
    const delayMs = monoMs - this.#now();
    if (delayMs <= 0) {
      act();
      return;
    }
    const timer = setTimeout(
      () => {
        this.#timers.delete(timer);
        if (punctual) this.#whenItIs(monoMs, act);
        else act();
      },
      punctual ? Math.max(0, Math.floor(delayMs) - PUNCTUAL_MS) : Math.ceil(delayMs),
    );
    this.#timers.add(timer);
  }

  #whenItIs(monoMs: number, act: () => void): void {
    if (this.#stopped) return;
    if (this.#now() >= monoMs) act();
    else setImmediate(() => this.#whenItIs(monoMs, act));
  }
}
