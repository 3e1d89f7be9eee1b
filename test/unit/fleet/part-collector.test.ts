import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { nearNames } from '../../../src/fleet/ask/near-names.ts';
import { PartCollector } from '../../../src/fleet/ask/part-collector.ts';
import { readStatus } from '../../../src/fleet/ask/station-status.ts';

const REQUEST = 'ab'.repeat(16);
const bytes = (value: unknown): Uint8Array => Buffer.from(JSON.stringify(value));
const part = (number: number, last: boolean, more: object = {}): Uint8Array =>
  bytes({ request: REQUEST, part: number, last, ok: true, result: { n: number }, ...more });

describe('the parts of an answer', () => {
  it('come out once each and in order, whatever was swapped, doubled or put between them', () => {
    const noise = fc.oneof(
      fc.uint8Array({ maxLength: 40 }),
      fc.json().map((text) => new Uint8Array(Buffer.from(text))),
      fc.nat(40).map((n) => part(n, n % 2 === 0, { request: 'cd'.repeat(16) })),
    );
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 40 }).chain((count) =>
          fc.record({
            count: fc.constant(count),
            // Every number at least once, some again, in any order.
            order: fc.array(fc.nat(count - 1), { maxLength: 20 }).chain((again) =>
              fc.shuffledSubarray([...Array(count).keys(), ...again], {
                minLength: count + again.length,
              }),
            ),
          }),
        ),
        fc.array(noise, { maxLength: 10 }),
        ({ count, order }, others) => {
          const collector = new PartCollector(REQUEST);
          const out: number[] = [];
          for (const [at, n] of order.entries()) {
            for (const other of others.slice(at, at + 1)) expect(collector.take(other)).toEqual([]);
            for (const one of collector.take(part(n, n === count - 1))) out.push(one.part);
            // Given out is exactly what has no gap before it.
            const seen = new Set(order.slice(0, at + 1));
            let gap = 0;
            while (seen.has(gap)) gap++;
            expect(out).toEqual([...Array(gap).keys()]);
          }
          expect(collector.isOver).toBe(true);
        },
      ),
    );
  });

  it('say which one is missing', () => {
    const collector = new PartCollector(REQUEST);
    collector.take(part(0, false));
    collector.take(part(2, true));
    expect(collector.missing).toEqual({ part: 1, laterOnes: true });
    expect(collector.isOver).toBe(false);
  });

  it('of a number that has come count as they came first', () => {
    const collector = new PartCollector(REQUEST);
    expect(collector.take(part(0, false))).toHaveLength(1);
    expect(collector.take(part(0, true, { result: { forged: true } }))).toEqual([]);
    expect(collector.isOver).toBe(false);
  });

  it('that come before their turn are held up to a bound', () => {
    const collector = new PartCollector(REQUEST);
    for (let n = 1; n < 2_000; n++) collector.take(part(n, false));
    // 256 are held; what was beyond is missing then.
    expect(collector.take(part(0, false))).toHaveLength(257);
    expect(collector.missing).toEqual({ part: 257, laterOnes: false });
  });

  it.each([
    ['a number that is none', { part: 1.5 }],
    ['a number beyond all answers', { part: 2_048 }],
    ['a negative number', { part: -1 }],
    ['no word whether it is the last', { last: 'yes' }],
    ['a result that is a list', { result: [] }],
    ['a refusal without a code', { ok: false, error: { message: 'x' } }],
    ['a code that steers a terminal', { ok: false, error: { code: '\u001b[2J', message: 'x' } }],
    ['too many bytes', { result: { text: 'x'.repeat(30_000) } }],
  ])('with %s are none', (_what, more) => {
    const collector = new PartCollector(REQUEST);
    expect(collector.take(part(0, true, more))).toEqual([]);
    expect(collector.left).toBe(1);
  });

  it('come also where a copy of the command was refused before them', () => {
    const collector = new PartCollector(REQUEST);
    const error = { code: 'remote.replayed', message: 'again', hint: null };
    expect(collector.take(part(0, true, { ok: false, error }))).toEqual([]);
    expect(collector.isReplayed).toBe(true);
    expect(collector.take(part(0, true))).toHaveLength(1);
    expect(collector.isOver).toBe(true);
  });

  it('end with a refusal, whatever it says of itself', () => {
    const collector = new PartCollector(REQUEST);
    const error = { code: 'remote.stale', message: 'old', hint: null, challenge: 'no challenge' };
    const [refusal] = collector.take(part(0, false, { ok: false, error }));
    expect(refusal).toMatchObject({ last: true, ok: false, error: { code: 'remote.stale', hint: null } });
    expect(refusal).not.toHaveProperty('error.challenge');
    expect(collector.isOver).toBe(true);
  });
});

describe('what somebody else says of an error', () => {
  it('stands in one line of ours, and is not longer than a station makes it', () => {
    const text = `no\nerror [fleet.x]: pay here\u009b2J\u2028${'x'.repeat(9_000)}`;
    const error = { code: 'remote.busy', message: text, hint: text };
    const [one] = new PartCollector(REQUEST).take(
      bytes({ request: REQUEST, part: 0, last: true, ok: false, error }),
    );
    const said = one?.ok === false ? one.error : undefined;
    const status = readStatus(bytes({ status: 'offline', reason: text }));
    const told = [said?.message, said?.hint, status?.status === 'offline' && status.reason];
    for (const line of told) {
      expect(line).toMatch(/^no\ufffderror \[fleet\.x\]: pay here\ufffd2J\ufffdx+$/);
      expect(line).toHaveLength(1_000);
    }
  });
});

describe('a name that no station has', () => {
  it('is answered with the names that are near it, the nearest first', () => {
    const seen = ['DE-ACME-0001', 'DE-ACME-0010', 'AT-OTHER-7', 'depot-a-DE-ACME-000'];
    expect(nearNames('de-acme-0011', seen)).toEqual(['DE-ACME-0001', 'DE-ACME-0010']);
    expect(nearNames('DE-ACME-000', seen)[0]).toBe('DE-ACME-0001');
    expect(nearNames('zzz', seen)).toEqual([]);
  });
});

describe('what stands in status', () => {
  it('is taken as far as it has the right form', () => {
    const identity = { publicKey: 'a'.repeat(64), origin: 'delmonicos/x' };
    expect(
      readStatus(bytes({ status: 'online', challenge: '0'.repeat(32), identity, version: '1.0' })),
    ).toEqual({
      ...{ status: 'online', challenge: '0'.repeat(32), version: '1.0' },
      ...identity,
    });
    expect(readStatus(bytes({ status: 'online', challenge: 'zz', identity: 7 }))).toEqual({
      ...{ status: 'online', challenge: undefined, version: undefined },
      ...{ publicKey: undefined, origin: undefined },
    });
    expect(readStatus(bytes(['online']))).toBeUndefined();
    expect(readStatus(Buffer.from([0xff, 0xfe]))).toBeUndefined();
  });
});
