/** A repeated event is told at most this often; an absent meter must not wear out the flash, nor use up a data plan. */
const REPEAT_EVERY_MS = 60_000;
/** Distinct repeated events that are remembered; beyond that the oldest is forgotten (and would be told again). */
const REMEMBERED = 256;

/** Which warnings and errors repeat: the same event, meter, line, peer and code is told once a minute. */
export class RepeatedLines {
  readonly #seen = new Map<string, { toldMonoMs: number; suppressed: number }>();

  /** @returns how many like it were left out since it was last told; undefined: it is to be left out itself. */
  repeated(event: string, fields: Readonly<Record<string, unknown>>, nowMonoMs: number): number | undefined {
    const key = [event, fields['meter'], fields['line'], fields['peer'], fields['code']].join(' ');
    const last = this.#seen.get(key);
    if (last !== undefined && nowMonoMs - last.toldMonoMs < REPEAT_EVERY_MS) {
      last.suppressed++;
      return undefined;
    }
    this.#seen.delete(key);
    this.#seen.set(key, { toldMonoMs: nowMonoMs, suppressed: 0 });
    if (this.#seen.size > REMEMBERED) this.#seen.delete(this.#seen.keys().next().value ?? '');
    return last?.suppressed ?? 0;
  }
}
