import { expect } from 'vitest';
import type { Bench } from '../bench/bench.ts';
import { report, type ReportedTable } from '../bench/report.ts';

/** Rows of a bench's tables, and figures that each must have. */
export interface StatedFigures {
  readonly bench: Bench;
  readonly subjects: readonly string[];
  readonly figures: readonly string[];
}

const runs = new Map<Bench, ReturnType<Bench['run']>>();

/** Runs the bench at its smallest scale, once however many tables of it are looked at. */
export async function givesFigures({ bench, subjects, figures }: StatedFigures): Promise<void> {
  const run = runs.get(bench) ?? bench.run('tiny');
  runs.set(bench, run);
  const tables = (await run).map(report);
  for (const subject of subjects) {
    const row = rowOf(tables, subject);
    for (const name of figures) {
      const figure = row.figures[name];
      expect(figure, `${subject}: ${name}`).toBeDefined();
      expect(figure?.median).toBeGreaterThan(0);
      expect(Number.isFinite(figure?.ratio ?? 1)).toBe(true);
    }
  }
}

export function rowOf(tables: readonly ReportedTable[], subject: string) {
  const row = tables.flatMap(({ rows }) => rows).find((each) => each.subject === subject);
  if (row === undefined) throw new Error(`no table has a row "${subject}"`);
  return row;
}
