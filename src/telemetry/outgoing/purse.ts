/** Bytes that may be spent: filled up to a bound, and in debt where somebody had to spend what was not there. */
export class Purse {
  readonly capacity: number;
  readonly #deepestDebt: number;
  #balance: number;

  /** @param filled of its size */
  constructor(capacity: number, deepestDebt: number, filled = 1) {
    this.capacity = capacity;
    this.#deepestDebt = deepestDebt;
    this.#balance = capacity;
    this.spend(capacity * (1 - filled));
  }

  /** How full it is, of its size. */
  get filled(): number {
    return this.capacity === 0 ? 1 : this.#balance / this.capacity;
  }

  get balance(): number {
    return this.#balance;
  }

  /** What has no room runs over. */
  pour(bytes: number): number {
    const room = this.capacity - this.#balance;
    this.#balance = bytes < room ? this.#balance + bytes : this.capacity;
    return Math.max(0, bytes - room);
  }

  /** What goes beyond the deepest debt is forgiven. */
  spend(bytes: number): void {
    this.#balance = Math.min(this.capacity, Math.max(-this.#deepestDebt, this.#balance - bytes));
  }

  /** Whether `bytes` are there above `reserve`; what is larger than the purse has to wait until it is full. */
  affords(bytes: number, reserve = 0): boolean {
    return this.#balance >= Math.min(bytes + reserve, this.capacity);
  }
}
