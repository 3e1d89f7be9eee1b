import { registerCountOf, type RegisterField, type RegisterTable } from '../../contract/index.ts';

export interface PlanLimits {
  readonly maxRegistersPerRead: number;
  readonly maxRegisterHole: number;
}

/** One read and the fields that it answers. */
export interface PlannedRead<Field extends RegisterField> {
  readonly table: RegisterTable;
  readonly registerAddress: number;
  readonly registerCount: number;
  readonly fields: readonly Field[];
}

/**
 * The fewest reads that cover all fields, and among those plans one with the fewest registers: on a slow line a request
 * costs more than the registers it spares, and registers are what is left to save.
 *
 * Sorted by address, an optimal plan cuts the fields into runs that follow each other (any two reads that interleave can
 * exchange fields without growing), so the best plan of the first n fields is the best plan of the first m plus one read,
 * for some m: a shortest path, found exactly in O(n²) for the tens of fields that a meter has.
 * A field longer than `maxRegistersPerRead` gets a read of its own; the profile's lint refuses such a profile.
 */
export function planReads<Field extends RegisterField>(
  fields: readonly Field[],
  limits: PlanLimits,
): PlannedRead<Field>[] {
  return (['holding', 'input'] as const).flatMap((table) =>
    planTable(fields.filter((field) => field.table === table).sort(byAddress), table, limits),
  );
}

interface Plan {
  readonly reads: number;
  readonly registers: number;
  /** Where the last read begins; undefined for the plan of no fields. */
  readonly lastFrom: number | undefined;
}

function planTable<Field extends RegisterField>(
  fields: readonly Field[],
  table: RegisterTable,
  limits: PlanLimits,
): PlannedRead<Field>[] {
  const best: Plan[] = [{ reads: 0, registers: 0, lastFrom: undefined }];
  for (let to = 1; to <= fields.length; to++) best.push(bestPlan(fields, to, best, limits));

  const reads: PlannedRead<Field>[] = [];
  for (let to = fields.length; to > 0;) {
    const from = best[to]?.lastFrom ?? 0;
    const run = fields.slice(from, to);
    const registerAddress = run[0]?.registerAddress ?? 0;
    reads.unshift({ table, registerAddress, registerCount: endOf(run) - registerAddress, fields: run });
    to = from;
  }
  return reads;
}

function bestPlan(
  fields: readonly RegisterField[],
  to: number,
  best: readonly Plan[],
  limits: PlanLimits,
): Plan {
  let found: Plan | undefined;
  let end = 0;
  // The last read grows to the left, field by field. Its end may still move right: a long field may begin further left.
  for (let from = to - 1; from >= 0; from--) {
    const field = fields[from];
    const before = best[from];
    if (field === undefined || before === undefined) break;
    end = Math.max(end, field.registerAddress + registerCountOf(field));
    const registers = end - field.registerAddress;
    const fits = registers <= limits.maxRegistersPerRead || from === to - 1;
    if (!fits) break;
    if (widestHole(fields.slice(from, to)) > limits.maxRegisterHole) continue;
    const plan = { reads: before.reads + 1, registers: before.registers + registers, lastFrom: from };
    if (found === undefined || cheaper(plan, found)) found = plan;
  }
  return found ?? { reads: Infinity, registers: Infinity, lastFrom: to - 1 };
}

function cheaper(a: Plan, b: Plan): boolean {
  return a.reads !== b.reads ? a.reads < b.reads : a.registers < b.registers;
}

/** Longest stretch of registers that no field of the run asks for. */
function widestHole(run: readonly RegisterField[]): number {
  let widest = 0;
  let covered = run[0]?.registerAddress ?? 0;
  for (const field of run) {
    widest = Math.max(widest, field.registerAddress - covered);
    covered = Math.max(covered, field.registerAddress + registerCountOf(field));
  }
  return widest;
}

function endOf(run: readonly RegisterField[]): number {
  return Math.max(...run.map((field) => field.registerAddress + registerCountOf(field)));
}

function byAddress(a: RegisterField, b: RegisterField): number {
  return a.registerAddress - b.registerAddress || registerCountOf(a) - registerCountOf(b);
}
