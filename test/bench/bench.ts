/** `tiny` shows that a bench runs and what it gives; its figures mean nothing. */
export type Scale = 'full' | 'tiny';

export type Unit = 's' | 'ms' | 'µs' | 'MB' | 'KiB' | 'B' | '1/s' | 'ms/s' | '%' | 'count';

/** One figure, measured once per round; rounds of all subjects of a table alternate, so that a busy moment hits them all. */
export interface Measure {
  readonly unit: Unit;
  readonly samples: readonly number[];
}

export interface Row {
  readonly subject: string;
  readonly measures: Readonly<Record<string, Measure>>;
}

/** Subjects that can be compared; ratios are to the row whose subject is `baseline`. */
export interface Table {
  readonly title: string;
  readonly baseline: string;
  readonly rows: readonly Row[];
  /** What a reader has to know to read the figures. */
  readonly notes: readonly string[];
}

export interface BenchOptions {
  /** The largest size that a bench which grows something goes to. */
  readonly max?: number;
}

export interface Bench {
  readonly name: string;
  readonly what: string;
  run(scale: Scale, options?: BenchOptions): Promise<readonly Table[]>;
}
