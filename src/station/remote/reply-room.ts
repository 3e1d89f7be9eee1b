import { InvariantError } from '../../../hal/contract/index.ts';
import { DEFAULT_LIMITS, type Reply } from '../../telemetry/index.ts';

/**
 * Room for replies, which telemetry bounds: whoever has one waits here until it is taken, first come first served, so that
 * a long answer and a transfer of entries share the link.
 */
export class ReplyRoom {
  readonly #offer: (reply: Reply) => boolean;
  #waiting: { readonly reply: Reply; readonly taken: () => void }[] = [];

  /** @param offer telemetry's `reply`: false when there is no room now */
  constructor(offer: (reply: Reply) => boolean) {
    this.#offer = offer;
  }

  /**
   * Resolves when the reply was taken; it may still be lost with the link, which its own `onSettled` tells.
   * Rejects with the signal's reason when that is aborted first: then it is not sent.
   * @throws InvariantError for one that is too large ever to be taken
   */
  async send(reply: Reply, signal: AbortSignal): Promise<void> {
    const { maxPayloadBytes } = DEFAULT_LIMITS;
    if (reply.payload.length > maxPayloadBytes)
      throw new InvariantError(`a reply of ${reply.payload.length} bytes`);
    await this.#room(reply, signal);
  }

  /** Sends what nobody waits for, if there is room now and nobody else waits for it. */
  offer(reply: Reply): boolean {
    return this.#waiting.length === 0 && this.#offer(this.#watched(reply));
  }

  #room(reply: Reply, signal: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      if (signal.aborted) return reject(signal.reason as Error);
      const leave = (): void => {
        this.#waiting = this.#waiting.filter((one) => one !== waiting);
        reject(signal.reason as Error);
      };
      const taken = (): void => {
        signal.removeEventListener('abort', leave);
        resolve();
      };
      const waiting = { reply: this.#watched(reply), taken };
      signal.addEventListener('abort', leave, { once: true });
      this.#waiting.push(waiting);
      this.#fill();
    });
  }

  /** Each one that is settled makes room for the next. */
  #watched(reply: Reply): Reply {
    return {
      ...reply,
      onSettled: (outcome) => {
        reply.onSettled?.(outcome);
        this.#fill();
      },
    };
  }

  #fill(): void {
    for (let next = this.#waiting[0]; next !== undefined; next = this.#waiting[0]) {
      if (!this.#offer(next.reply)) return;
      this.#waiting.shift();
      next.taken();
    }
  }
}
