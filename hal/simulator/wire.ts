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

const BITS_PER_CHARACTER = 11;
/** Bytes of a paced line arrive in pieces of about this duration, as a UART's receive buffer hands them over. */
const PIECE_MS = 4;

/**
 * One pair of wires. With pacing, requests and answers take the time they take at that baud rate, one after the other;
 * without, an answer goes out at once. Times are planned ahead from the clock, so that late timers do not add up.
 */
export class Wire {
  readonly #pacing: Pacing | undefined;
  readonly #now: () => number;
  readonly #timers = new Set<NodeJS.Timeout>();
  #freeAtMonoMs = 0;

  constructor(now: () => number, pacing?: Pacing) {
    this.#now = now;
    this.#pacing = pacing;
  }

  /** A request of that length has arrived; returns when the meter begins to answer it (ms from now). */
  receive(byteCount: number): number {
    if (this.#pacing === undefined) return 0;
    const now = this.#now();
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
    this.#freeAtMonoMs = start + bytes.length * characterMs;
    const pieceBytes = Math.max(1, Math.round(PIECE_MS / characterMs));
    for (let from = 0; from < bytes.length; from += pieceBytes) {
      const piece = bytes.subarray(from, from + pieceBytes);
      this.#at(start + (from + piece.length) * characterMs, () => outlet.write(piece));
    }
  }

  closeConnection(outlet: Outlet, afterMs: number): void {
    this.#at(this.#now() + afterMs, () => outlet.close());
  }

  /** What has not been sent yet never will be. */
  stop(): void {
    for (const timer of this.#timers) clearTimeout(timer);
    this.#timers.clear();
  }

  #characterMs(): number {
    return (BITS_PER_CHARACTER * 1_000) / (this.#pacing?.baudRate ?? Infinity);
  }

  #at(monoMs: number, act: () => void): void {
    const delayMs = Math.ceil(monoMs - this.#now());
    if (delayMs <= 0) {
      act();
      return;
    }
    const timer = setTimeout(() => {
      this.#timers.delete(timer);
      act();
    }, delayMs);
    this.#timers.add(timer);
  }
}
