/** What is wrong with a log, and from which entry on it cannot be believed. */
export class Bad extends Error {
  readonly index: number;
  constructor(index: number, why: string) {
    super(why);
    this.index = index;
  }
}
