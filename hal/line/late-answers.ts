/** A request that was sent and not answered: its answer may still come. */
interface Owed {
  readonly answerKey: string;
  readonly request: string;
  readonly sentAt: number;
  readonly until: number;
}

/** Attempts that are remembered: a peer that answers at once, and wrongly, could be asked thousands of times in a window. */
const MAX_OWED = 64;

/** A second copy of an answer follows the first within this time. */
export const COPY_MS = 120;

/**
 * Remembers, for one peer, which answers may still arrive late, and says when a request may be sent without any risk
 * that a late answer is taken for its own.
 *
 * An RTU answer names the unit, the function and the number of registers, and nothing else. So after a failure
 * - the same request may go out at once: a late answer to it answers it;
 * - a request whose answer has another length may go out at once: the late answer is recognised as foreign;
 * - another request whose answer looks the same has to wait until the late window is over.
 * A device answers in the order of the requests, so an answer of another kind to a later request proves that the
 * earlier one has been answered or never will be; only a second copy may still be on its way, for a short time.
 */
export class LateAnswers {
  #owed: readonly Owed[] = [];
  /** When which request was answered, for as long as a copy of the answer may come. */
  #answered: ReadonlyMap<string, number> = new Map();

  /** Earliest time at which the request may be sent; 0 when nothing stands against it. */
  readyAt(answerKey: string | undefined, request: string): number {
    if (answerKey === undefined) return 0;
    return this.#owed.reduce(
      (ready, owed) =>
        owed.answerKey === answerKey && owed.request !== request ? Math.max(ready, owed.until) : ready,
      0,
    );
  }

  /** Whether an answer to another request may still come. */
  owesOther(request: string, now: number): boolean {
    return this.#owed.some((owed) => owed.request !== request && owed.until > now);
  }

  /** When the oldest request was sent whose answer one to `request`, sent at `sentAt`, may be; `sentAt` if there is none. */
  oldestSame(request: string, sentAt: number): number {
    const same = this.#owed.filter((owed) => owed.request === request && owed.until > sentAt);
    return Math.min(sentAt, ...same.map((owed) => owed.sentAt));
  }

  /** The request got no answer that counts. */
  unanswered(answerKey: string | undefined, request: string, sentAt: number, until: number): void {
    if (answerKey === undefined) return;
    const owed = this.#owed.filter((each) => each.until > sentAt);
    // At the bound a newer attempt at the same request stands for an older one; other requests are never forgotten.
    const older =
      owed.length < MAX_OWED
        ? undefined
        : owed.find((each) => each.answerKey === answerKey && each.request === request);
    this.#owed = [...owed.filter((each) => each !== older), { answerKey, request, sentAt, until }];
  }

  /** The request was answered. `until` bounds its own answer, in case the one that came was for an earlier attempt. */
  answered(
    answerKey: string | undefined,
    request: string,
    time: { readonly sentAt: number; readonly answeredAt: number; readonly until: number },
  ): void {
    const { sentAt, answeredAt, until } = time;
    this.#owed = this.#owed.filter((owed) => owed.until > answeredAt);
    const mayBeCopy =
      this.#answered.has(request) && answeredAt - (this.#answered.get(request) ?? 0) <= COPY_MS;
    this.#answered = new Map(
      [...this.#answered, [request, answeredAt] as const].filter(([, at]) => answeredAt - at <= COPY_MS),
    );
    const alike = this.#owed.filter((owed) => owed.answerKey === answerKey);
    // The answer may belong to the oldest request that looks like this one; only what is older still is proven dead. And
    // what may be a copy of an answer to the same request proves nothing.
    const answeredSince = Math.min(sentAt, ...alike.map((owed) => owed.sentAt));
    const others = this.#owed
      .filter((owed) => owed.answerKey !== answerKey)
      .map((owed) =>
        owed.sentAt < answeredSince && !mayBeCopy
          ? { ...owed, until: Math.min(owed.until, answeredAt + COPY_MS) }
          : owed,
      );
    // One of those that look alike is answered now, at best the oldest; the others may still be, and so may this one.
    const stillOwed = alike.sort((a, b) => a.sentAt - b.sentAt).slice(1);
    const own =
      alike.length > 0 && answerKey !== undefined
        ? [...stillOwed, { answerKey, request, sentAt, until }]
        : [];
    this.#owed = [...others, ...own];
  }
}
