import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { registerCountOf, type RegisterField, type RegisterType } from '../../../hal/contract/index.ts';
import { planReads, type PlanLimits } from '../../../hal/driver/modbus/request-planner.ts';
import { loadProfiles } from '../../../hal/profile/index.ts';

const TYPES: readonly RegisterType[] = ['u16', 'u32', 'u48', 'u64'];

const aField: fc.Arbitrary<RegisterField> = fc.record({
  table: fc.constantFrom('holding' as const, 'input' as const),
  registerAddress: fc.integer({ min: 0, max: 24 }),
  documentRef: fc.constant('x'),
  type: fc.constantFrom(...TYPES),
  byteOrder: fc.constant('ABCD' as const),
});
const limits: fc.Arbitrary<PlanLimits> = fc.record({
  maxRegistersPerRead: fc.integer({ min: 4, max: 14 }),
  maxRegisterHole: fc.integer({ min: 0, max: 6 }),
});

/** Registers that the fields touch, and whether one read may answer them all. */
function readable(
  fields: readonly RegisterField[],
  { maxRegistersPerRead, maxRegisterHole }: PlanLimits,
): number {
  const wanted = new Set(
    fields.flatMap((each) =>
      Array.from({ length: registerCountOf(each) }, (_, i) => each.registerAddress + i),
    ),
  );
  const [first, last] = [Math.min(...wanted), Math.max(...wanted)];
  let hole = 0;
  for (let register = first; register <= last; register++) {
    hole = wanted.has(register) ? 0 : hole + 1;
    if (hole > maxRegisterHole) return Infinity;
  }
  const count = last - first + 1;
  return count > maxRegistersPerRead || new Set(fields.map(({ table }) => table)).size > 1 ? Infinity : count;
}

/** Tries every way to put the fields into groups. */
function bruteForce(
  fields: readonly RegisterField[],
  given: PlanLimits,
): { reads: number; registers: number } {
  let best = { reads: Infinity, registers: Infinity };
  const place = (index: number, groups: RegisterField[][]): void => {
    const field = fields[index];
    if (field === undefined) {
      const registers = groups.reduce((sum, group) => sum + readable(group, given), 0);
      if (registers === Infinity) return;
      if (groups.length < best.reads || (groups.length === best.reads && registers < best.registers)) {
        best = { reads: groups.length, registers };
      }
      return;
    }
    for (const group of groups) {
      group.push(field);
      place(index + 1, groups);
      group.pop();
    }
    place(index + 1, [...groups, [field]]);
  };
  place(0, []);
  return best;
}

describe('the request planner', () => {
  it('finds the fewest reads, and among them the fewest registers, as trying everything does', () => {
    fc.assert(
      fc.property(fc.array(aField, { minLength: 1, maxLength: 6 }), limits, (fields, given) => {
        const plan = planReads(fields, given);
        expect({
          reads: plan.length,
          registers: plan.reduce((sum, { registerCount }) => sum + registerCount, 0),
        }).toEqual(bruteForce(fields, given));
      }),
      { numRuns: 400 },
    );
  });

  it('covers each field exactly once, within the limits', () => {
    fc.assert(
      fc.property(fc.array(aField, { maxLength: 40 }), limits, (fields, given) => {
        const plan = planReads(fields, given);
        expect(plan.flatMap((read) => read.fields).length).toBe(fields.length);
        expect(new Set(plan.flatMap((read) => read.fields))).toEqual(new Set(fields));
        for (const read of plan) {
          expect(readable(read.fields, given)).toBe(read.registerCount);
          expect(read.registerAddress).toBe(Math.min(...read.fields.map((each) => each.registerAddress)));
        }
      }),
    );
  });

  it('plans the fewest reads for every profile', async () => {
    const reads = Object.fromEntries(
      (await loadProfiles()).map(({ id, points, link }) => [id, planReads(points, link).length]),
    );
    expect(reads).toEqual({
      'abb-b23': 2,
      'carlo-gavazzi-em340': 2,
      'eastron-sdm630': 1,
      'eastron-sdm72d-m': 2,
      'eastron-sdm72d-m-v2': 2,
      'schneider-iem3155': 2,
    });
  });
});
