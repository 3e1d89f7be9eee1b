import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  registerCountOf,
  type RegisterField,
  type RegisterPart,
  type RegisterType,
} from '../../../hal/contract/index.ts';
import { fewestReads, leastWireTime, type ReadCost } from '../../../hal/driver/modbus/read-cost.ts';
import { planReads, type PlanLimits, type PlannedRead } from '../../../hal/driver/modbus/request-planner.ts';
import { loadProfiles } from '../../../hal/profile/index.ts';

interface Field extends RegisterField {
  readonly atomicGroup?: string;
  readonly decimalExponentFrom?: RegisterPart;
}

const TYPES: readonly RegisterType[] = ['u16', 'u32', 'u48', 'u64'];
const part = { documentRef: 'x', type: 'u16', byteOrder: 'ABCD' } as const;

const aField: fc.Arbitrary<Field> = fc
  .record({
    table: fc.constantFrom('holding' as const, 'input' as const),
    registerAddress: fc.integer({ min: 0, max: 24 }),
    type: fc.constantFrom(...TYPES),
    atomicGroup: fc.option(fc.constantFrom('a', 'b'), { freq: 2, nil: undefined }),
    exponentAt: fc.option(fc.integer({ min: -3, max: 6 }), { freq: 2, nil: undefined }),
    lowAt: fc.option(fc.integer({ min: -3, max: 6 }), { freq: 2, nil: undefined }),
  })
  .map(({ atomicGroup, exponentAt, lowAt, ...field }) => ({
    ...part,
    ...field,
    ...(atomicGroup === undefined ? {} : { atomicGroup }),
    ...(exponentAt === undefined
      ? {}
      : { decimalExponentFrom: { ...part, registerAddress: field.registerAddress + exponentAt } }),
    ...(lowAt === undefined
      ? {}
      : { lowPart: { ...part, registerAddress: field.registerAddress + lowAt, highTimes: 65536 } }),
  }));

const limits: fc.Arbitrary<PlanLimits> = fc.record({
  maxRegistersPerRead: fc.integer({ min: 6, max: 20 }),
  maxRegisterHole: fc.integer({ min: 0, max: 6 }),
  forbiddenRanges: fc.array(
    fc
      .record({
        table: fc.constantFrom('holding' as const, 'input' as const),
        from: fc.integer({ min: 0, max: 60 }),
        length: fc.integer({ min: 1, max: 2 }),
      })
      .map(({ table, from, length }) => ({ table, from, to: from + length - 1 })),
    { maxLength: 1 },
  ),
  alsoReadable: fc.array(
    aField.map(({ table, registerAddress, type }) => ({ ...part, table, registerAddress, type })),
    { maxLength: 2 },
  ),
});

const costs: fc.Arbitrary<ReadCost> = fc.constantFrom(
  fewestReads,
  leastWireTime({ baudRate: 2400, bitsPerCharacter: 11 }, { answerDelayMs: 0 }),
  leastWireTime({ baudRate: 115_200, bitsPerCharacter: 10 }),
);

// The judge of a plan: registers in sets, one by one, and no interval arithmetic.

const registersOf = (each: RegisterPart): number[] =>
  Array.from({ length: registerCountOf(each) }, (_, i) => each.registerAddress + i);
const ownRegisters = (field: Field): number[] =>
  [field, field.lowPart, field.decimalExponentFrom].flatMap((each) => (each ? registersOf(each) : []));

/** What has to be together, by hand. */
function units(fields: readonly Field[]): Field[][] {
  const alone = fields.filter((field) => field.atomicGroup === undefined).map((field) => [field]);
  const groups = ['holding a', 'holding b', 'input a', 'input b'].map((name) =>
    fields.filter((field) => `${field.table} ${String(field.atomicGroup)}` === name),
  );
  return [...alone, ...groups.filter((group) => group.length > 0)];
}

/** How many registers one read of these fields takes; Infinity when no read may answer them all. */
function readable(
  fields: readonly Field[],
  listed: ReadonlySet<string>,
  { maxRegistersPerRead, maxRegisterHole, forbiddenRanges = [] }: PlanLimits,
): number {
  const [table] = fields.map((field) => field.table);
  const wanted = fields.flatMap(ownRegisters);
  const [first, last] = [Math.min(...wanted), Math.max(...wanted)];
  let hole = 0;
  for (let register = first; register <= last; register++) {
    hole = listed.has(`${table} ${register}`) ? 0 : hole + 1;
    if (hole > maxRegisterHole) return Infinity;
    if (forbiddenRanges.some((r) => r.table === table && r.from <= register && register <= r.to))
      return Infinity;
  }
  const count = last - first + 1;
  return count > maxRegistersPerRead || fields.some((field) => field.table !== table) ? Infinity : count;
}

/** Registers that a read may pass over: those of the fields, and between what must be read together anyway. */
function listedRegisters(fields: readonly Field[], { alsoReadable = [] }: PlanLimits): Set<string> {
  const listed = new Set(
    [...fields, ...alsoReadable].flatMap((f) => ownRegisters(f).map((r) => `${f.table} ${r}`)),
  );
  for (const unit of units(fields)) {
    const own = unit.flatMap(ownRegisters);
    for (let r = Math.min(...own); r <= Math.max(...own); r++) listed.add(`${unit[0]?.table} ${r}`);
  }
  return listed;
}

/** Tries every way to put what has to be together into reads; the cost of the best. Infinity when there is none. */
function bruteForce(fields: readonly Field[], given: PlanLimits, cost: ReadCost): number {
  const listed = listedRegisters(fields, given);
  const all = units(fields);
  let best = Infinity;
  const place = (index: number, groups: Field[][]): void => {
    const unit = all[index];
    if (unit === undefined) {
      const sizes = groups.map((group) => readable(group, listed, given));
      if (sizes.includes(Infinity)) return;
      best = Math.min(
        best,
        sizes.reduce((sum, size) => sum + cost(size), 0),
      );
      return;
    }
    groups.forEach((group, i) => place(index + 1, groups.with(i, [...group, ...unit])));
    place(index + 1, [...groups, unit]);
  };
  place(0, []);
  return best;
}

const costOf = (plan: readonly PlannedRead<Field>[], cost: ReadCost): number =>
  plan.reduce((sum, { registerCount }) => sum + cost(registerCount), 0);

describe('the request planner', () => {
  it('finds the cheapest plan that trying everything finds: requests or wire time, holes, forbidden registers, groups', () => {
    let possible = 0;
    fc.assert(
      fc.property(fc.array(aField, { minLength: 1, maxLength: 7 }), limits, costs, (fields, given, cost) => {
        const best = bruteForce(fields, given, cost);
        if (best === Infinity) return;
        possible++;
        expect(costOf(planReads(fields, given, cost), cost)).toBe(best);
      }),
      { numRuns: 2_000 },
    );
    expect(possible).toBeGreaterThan(500);
  });

  it('covers each field exactly once, groups together, within the limits', () => {
    fc.assert(
      fc.property(fc.array(aField, { maxLength: 40 }), limits, costs, (fields, given, cost) => {
        const plan = planReads(fields, given, cost);
        const listed = listedRegisters(fields, given);
        expect(plan.flatMap((read) => read.fields).length).toBe(fields.length);
        expect(new Set(plan.flatMap((read) => read.fields))).toEqual(new Set(fields));
        for (const read of plan) {
          const own = read.fields.flatMap(ownRegisters);
          expect(read.registerAddress).toBe(Math.min(...own));
          expect(read.registerAddress + read.registerCount - 1).toBe(Math.max(...own));
          const oneUnit = units(read.fields).length === 1;
          // What no read can hold is read alone all the same; lint keeps it out of profiles.
          if (!oneUnit) expect(readable(read.fields, listed, given)).toBe(read.registerCount);
        }
        for (const unit of units(fields)) {
          expect(plan.filter((read) => unit.some((field) => read.fields.includes(field)))).toHaveLength(1);
        }
      }),
    );
  });

  it('reads a long hole along where a request costs more, and not where the wire is slow', () => {
    const at = (registerAddress: number): Field => ({ ...part, table: 'input', registerAddress });
    const given = { maxRegistersPerRead: 125, maxRegisterHole: 124 };
    const wire = (baudRate: number) => leastWireTime({ baudRate, bitsPerCharacter: 11 });
    expect(planReads([at(0), at(60)], given)).toHaveLength(1);
    expect(planReads([at(0), at(60)], given, wire(9_600))).toHaveLength(2);
    expect(planReads([at(0), at(60)], given, wire(115_200))).toHaveLength(1);
  });

  it('reads over registers that the meter has, though nobody asks for them now', () => {
    const at = (registerAddress: number): Field => ({ ...part, table: 'input', registerAddress });
    const given = { maxRegistersPerRead: 125, maxRegisterHole: 0 };
    expect(planReads([at(0), at(2)], given)).toHaveLength(2);
    expect(planReads([at(0), at(2)], { ...given, alsoReadable: [at(1)] })).toHaveLength(1);
  });

  it('plans no more reads for the first profiles than it did', async () => {
    const reads = Object.fromEntries(
      (await loadProfiles()).map(({ id, points, link }) => [id, planReads(points, link).length]),
    );
    expect(reads).toMatchObject({
      'abb-b23': 2,
      'carlo-gavazzi-em340': 2,
      'eastron-sdm630': 1,
      'eastron-sdm72d-m': 2,
      'eastron-sdm72d-m-v2': 2,
      'schneider-iem3155': 2,
    });
  });

  it('reads three values or more with each request, in every profile of many values', async () => {
    const split = (await loadProfiles())
      .filter(({ points, link }) => points.length > 8 && planReads(points, link).length > points.length / 3)
      .map(({ id }) => id);
    expect(split).toEqual([]);
  });
});
