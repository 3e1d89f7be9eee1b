import {
  spanOf,
  partsOf,
  registerCountOf,
  type ForbiddenRange,
  type ProfileLink,
  type ProfilePoint,
  type RegisterField,
  type RegisterTable,
} from '../../contract/index.ts';
import { fewestReads, type ReadCost } from './read-cost.ts';

export interface PlanLimits extends Pick<
  ProfileLink,
  'maxRegistersPerRead' | 'maxRegisterHole' | 'forbiddenRanges'
> {
  /** Fields that the meter has too, though they are not asked for now: their registers are no hole. */
  readonly alsoReadable?: readonly RegisterField[];
}

/** One read and the fields that it answers. */
export interface PlannedRead<Field extends RegisterField> {
  readonly table: RegisterTable;
  readonly registerAddress: number;
  readonly registerCount: number;
  readonly fields: readonly Field[];
}

/**
 * The cheapest reads that cover all fields: the fewest, unless another cost is given.
 *
 * What must come in one request (the parts of a value, a point and its exponent, an atomic group) is one item, an interval
 * of registers. Whether a read is allowed depends on its interval alone (length, forbidden registers, longest stretch of
 * registers that nobody listed) and holds for every interval inside an allowed one; and its cost does not fall with its
 * length. So of two reads where one lies within the other, the inner can be dropped; of two that overlap otherwise, the
 * items that begin where both are can go to the later one, which has them inside already, while the earlier gets
 * no longer. Hence some cheapest plan cuts the items, sorted by address, into runs, and the best plan of the first n items
 * is the best plan of the first m and one read: a shortest path, found exactly in O(n²).
 *
 * An item that no allowed read can hold gets a read of its own; the profile's lint refuses such a profile.
 */
export function planReads<Field extends RegisterField>(
  fields: readonly Field[],
  limits: PlanLimits,
  cost: ReadCost = fewestReads,
): PlannedRead<Field>[] {
  return (['holding', 'input'] as const).flatMap((table) => {
    const items = itemsOf(fields.filter((field) => field.table === table));
    const allowed = allowedIn(table, items, limits);
    return planItems(items, allowed, cost).map(({ from, end, fields }) => ({
      table,
      registerAddress: from,
      registerCount: end - from,
      fields,
    }));
  });
}

/** Fields that come in one request, sorted as they are read: an atomic group counts as one. */
export function atomicUnits<Field extends RegisterField>(fields: readonly Field[]): Field[][] {
  const units = new Map<unknown, Field[]>();
  for (const field of fields) {
    // Groups are within a table: the lint refuses others, which could not be read at once.
    const group = (field as RegisterField & Partial<ProfilePoint>).atomicGroup;
    const key = group === undefined ? field : `${field.table} ${group}`;
    units.set(key, [...(units.get(key) ?? []), field]);
  }
  return [...units.values()];
}

/** Registers `from` to `end - 1`, which one request must hold. */
interface Item<Field> {
  readonly from: number;
  readonly end: number;
  readonly fields: readonly Field[];
}

function itemsOf<Field extends RegisterField>(fields: readonly Field[]): Item<Field>[] {
  return atomicUnits(fields)
    .map((unit) => {
      const spans = unit.map(spanOf);
      return {
        from: Math.min(...spans.map((span) => span.registerAddress)),
        end: Math.max(...spans.map((span) => span.registerAddress + span.registerCount)),
        fields: unit,
      };
    })
    .sort((a, b) => a.from - b.from || a.end - b.end);
}

type Allowed = (from: number, end: number) => boolean;

function allowedIn(
  table: RegisterTable,
  items: readonly Item<RegisterField>[],
  { maxRegistersPerRead, maxRegisterHole, forbiddenRanges, alsoReadable = [] }: PlanLimits,
): Allowed {
  const forbidden = (forbiddenRanges ?? []).filter((range) => range.table === table);
  const listed = new Set<number>();
  const list = (from: number, end: number): void => {
    for (let register = from; register < end; register++) listed.add(register);
  };
  items.forEach(({ from, end }) => list(from, end));
  for (const field of alsoReadable.filter((each) => each.table === table)) {
    for (const part of partsOf(field)) {
      list(part.registerAddress, part.registerAddress + registerCountOf(part));
    }
  }
  return (from, end) =>
    end - from <= maxRegistersPerRead &&
    !touches(forbidden, from, end) &&
    longestHole(listed, from, end) <= maxRegisterHole;
}

function touches(ranges: readonly ForbiddenRange[], from: number, end: number): boolean {
  return ranges.some((range) => range.from < end && from <= range.to);
}

function longestHole(listed: ReadonlySet<number>, from: number, end: number): number {
  let longest = 0;
  let hole = 0;
  for (let register = from; register < end; register++) {
    hole = listed.has(register) ? 0 : hole + 1;
    longest = Math.max(longest, hole);
  }
  return longest;
}

/** The best plan of the first items: what it costs, how many reads it has, and where the last of them begins. */
interface Plan {
  readonly cost: number;
  readonly reads: number;
  readonly lastFrom: number;
}

function planItems<Field>(items: readonly Item<Field>[], allowed: Allowed, cost: ReadCost): Item<Field>[] {
  const best: Plan[] = [{ cost: 0, reads: 0, lastFrom: 0 }];
  for (let to = 1; to <= items.length; to++) best.push(bestPlan(items, to, best, allowed, cost));

  const reads: Item<Field>[] = [];
  for (let to = items.length; to > 0;) {
    const lastFrom = best[to]?.lastFrom ?? 0;
    reads.unshift(asOne(items.slice(lastFrom, to)));
    to = lastFrom;
  }
  return reads;
}

function bestPlan(
  items: readonly Item<unknown>[],
  to: number,
  best: readonly Plan[],
  allowed: Allowed,
  cost: ReadCost,
): Plan {
  let found: Plan | undefined;
  let end = 0;
  // The last read grows to the left, item by item. Its end may still move right: a long item may begin further left.
  for (let lastFrom = to - 1; lastFrom >= 0; lastFrom--) {
    const item = items[lastFrom];
    const before = best[lastFrom];
    if (item === undefined || before === undefined) break;
    end = Math.max(end, item.end);
    if (lastFrom < to - 1 && !allowed(item.from, end)) break;
    const plan = { cost: before.cost + cost(end - item.from), reads: before.reads + 1, lastFrom };
    if (found === undefined || cheaper(plan, found)) found = plan;
  }
  return found ?? { cost: Infinity, reads: Infinity, lastFrom: to - 1 };
}

function cheaper(a: Plan, b: Plan): boolean {
  return a.cost !== b.cost ? a.cost < b.cost : a.reads < b.reads;
}

function asOne<Field>(run: readonly Item<Field>[]): Item<Field> {
  return {
    from: run[0]?.from ?? 0,
    end: Math.max(...run.map((item) => item.end)),
    fields: run.flatMap((item) => item.fields),
  };
}
