import type { MonotonicClock } from '../../../hal/contract/index.ts';
import { MAX_CREDIT, type CreditMessage } from '../../remote/index.ts';

/** How many messages a transfer may still send. */
export class Credit {
  #left: number;
  #came: () => void = () => {};

  constructor(initial: number) {
    this.#left = Math.min(MAX_CREDIT, initial);
  }

  add(messages: number): void {
    this.#left = Math.min(MAX_CREDIT, this.#left + messages);
    this.#came();
  }

  /** Takes one; false when there was none and none came in time. Rejects with the signal's reason. */
  async take(clock: MonotonicClock, atMostMs: number, signal: AbortSignal): Promise<boolean> {
    if (this.#left === 0) await this.#coming(clock, atMostMs, signal);
    if (this.#left === 0) return false;
    this.#left--;
    return true;
  }

  async #coming(clock: MonotonicClock, atMostMs: number, signal: AbortSignal): Promise<void> {
    const came = new AbortController();
    const waiting = clock.sleep(atMostMs, AbortSignal.any([signal, came.signal]));
    this.#came = () => came.abort();
    await waiting.catch(() => signal.throwIfAborted());
    this.#came = () => {};
  }
}

/** What came on the topic `credit`; undefined for anything else than a message of that form. */
export function readCredit(payload: Uint8Array): CreditMessage | undefined {
  let message: unknown;
  try {
    message = JSON.parse(Buffer.from(payload).toString('utf8'));
  } catch {
    return undefined;
  }
  const { request, chunks } = (message ?? {}) as { request?: unknown; chunks?: unknown };
  if (typeof request !== 'string' || !/^[0-9a-f]{32}$/.test(request)) return undefined;
  if (!Number.isSafeInteger(chunks) || (chunks as number) < 1) return undefined;
  return { request, chunks: chunks as number };
}
