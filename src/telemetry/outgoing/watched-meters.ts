/** Meters of which somebody wants to see each sample, for a while. */
export class WatchedMeters {
  #allUntilMonoMs = -Infinity;
  readonly #until = new Map<string, number>();

  /** None named: all meters. A later end replaces an earlier one. */
  watch(meterId: string | undefined, untilMonoMs: number): void {
    if (meterId === undefined) this.#allUntilMonoMs = Math.max(this.#allUntilMonoMs, untilMonoMs);
    else this.#until.set(meterId, Math.max(this.#until.get(meterId) ?? -Infinity, untilMonoMs));
  }

  includes(meterId: string, nowMonoMs: number): boolean {
    if (nowMonoMs < this.#allUntilMonoMs) return true;
    const until = this.#until.get(meterId);
    if (until === undefined) return false;
    if (nowMonoMs < until) return true;
    this.#until.delete(meterId);
    return false;
  }
}
