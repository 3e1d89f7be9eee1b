import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { CHECK_NAMES, MAX_RECEIPT_BYTES, verifyReceipt } from '../../../src/receipt/index.ts';
import { testReceipt, testStation } from '../../support/receipt/receipt-fixture.ts';

const good = new Uint8Array(Buffer.from(testReceipt()));

function failed(file: Uint8Array | string): string[] {
  const { ok, checks } = verifyReceipt(file);
  const names = checks.filter(({ result }) => result === 'fail').map(({ name }) => name);
  expect(ok).toBe(names.length === 0);
  expect(checks.map(({ name }) => name)).toEqual(CHECK_NAMES);
  return names;
}

describe('a receipt with a changed byte', () => {
  it('fails a named check, whichever byte it is', { timeout: 120_000 }, () => {
    const small = new Uint8Array(Buffer.from(testReceipt(testStation(), [7])));
    const silent = [...small.keys()].filter((at) => {
      const file = small.slice();
      // Another bit at every place, so that letters turn into other letters of their alphabet as well.
      file[at]! ^= 1 << (at % 7);
      return failed(file).length === 0;
    });
    expect(silent).toEqual([]);
  });

  it('fails a named check, whatever it is changed to', () => {
    fc.assert(
      fc.property(fc.nat(good.length - 1), fc.integer({ min: 1, max: 255 }), (at, mask) => {
        const file = good.slice();
        file[at]! ^= mask;
        expect(failed(file)).not.toEqual([]);
      }),
      { numRuns: 400 },
    );
  });

  it('fails a named check when bytes are missing, doubled or added', () => {
    fc.assert(
      fc.property(fc.nat(good.length), fc.integer({ min: 1, max: 40 }), (at, length) => {
        const [head, tail] = [good.subarray(0, at), good.subarray(at)];
        expect(failed(Buffer.concat([head, tail.subarray(length)]))).not.toEqual(
          at < good.length ? [] : ['never'],
        );
        expect(failed(Buffer.concat([head, Buffer.alloc(length, ' '), tail]))).not.toEqual([]);
        expect(failed(Buffer.concat([head, good.subarray(0, length), tail]))).not.toEqual([]);
      }),
      { numRuns: 100 },
    );
  });
});

describe('what is no receipt', () => {
  const text = Buffer.from(good).toString();

  it.each([
    ['nothing', ''],
    ['null', 'null'],
    ['a number', '1e999'],
    ['a list', '[]'],
    ['an empty object', '{}'],
    ['another version', text.replace('receipt/v1', 'receipt/v2')],
    ['a key that is not known', text.replace('{', '{"more":1,')],
    ['a doubled key', text.replace('"ocmf": null', '"ocmf": null,\n  "ocmf": null')],
    ['a polluted prototype', text.replace('{', '{"__proto__":{"anchor":null},')],
    ['a byte order mark', `\ufeff${text}`],
    ['no newline at the end', text.trimEnd()],
    ['escapes in a string', text.replace('delmonicos-receipt', '\\u0064elmonicos-receipt')],
    ['a float that is an integer', text.replace('"extrinsicIndex": 2', '"extrinsicIndex": 2.0')],
    ['base64 with spare bits', text.replace(/"cose": "(.{8})/, '"cose": "$1=')],
    ['hex in capitals', text.replace('"publicKey": "0x2', '"publicKey": "0xA')],
    ['no entries', text.replace(/"entries": \[[^]*?\n {2}\]/, '"entries": []')],
    ['an entry that is no text', text.replace(/"cose": "[^"]*"/, '"cose": {}')],
    ['very deep nesting', '['.repeat(1_000_000)],
    [
      'very deep nesting where a value stands',
      text.replace('null', '['.repeat(100_000) + ']'.repeat(100_000)),
    ],
    ['too much of it', `${' '.repeat(MAX_RECEIPT_BYTES)}${text}`],
  ])('%s: the check `format` fails', (_what, file) => {
    expect(failed(file)).toEqual(['format']);
  });

  it('bytes that are not UTF-8: the check `format` fails', () => {
    expect(failed(Uint8Array.of(0xff, 0xfe, ...good))).toEqual(['format']);
  });

  it('any bytes and any JSON: the check `format` fails', () => {
    fc.assert(
      fc.property(
        fc.oneof(
          fc.uint8Array(),
          fc.json().map((json) => Buffer.from(json)),
        ),
        (file) => {
          expect(failed(file)).toEqual(['format']);
        },
      ),
    );
  });

  it('a receipt with any value in any place fails a check and never throws', () => {
    const receipt = JSON.parse(text) as Record<string, unknown>;
    const places = pathsOf(receipt);
    const nasty = fc.oneof(
      fc.jsonValue({ maxDepth: 2 }),
      fc.constantFrom('', '0x', '0x00', -1, 2 ** 53, 1e308, '=', '\n\n'),
    );
    fc.assert(
      fc.property(fc.constantFrom(...places), nasty, (place, value) => {
        const mutant = structuredClone(receipt);
        const parent = place
          .slice(0, -1)
          .reduce<Record<string, unknown>>((at, key) => at[key] as never, mutant);
        const key = place.at(-1)!;
        fc.pre(JSON.stringify(parent[key]) !== JSON.stringify(value));
        parent[key] = value;
        const names = failed(`${JSON.stringify(mutant, null, 2)}\n`);
        // Taking the anchor off is the one change that leaves a receipt: of the same entries, saying less.
        if (key !== 'anchor' || value !== null) expect(names).not.toEqual([]);
      }),
      { numRuns: 500 },
    );
  });

  it('as many entries as may be, of the largest size, take seconds and not minutes', () => {
    const [first] = (JSON.parse(text) as { entries: object[] }).entries;
    const many = { ...(JSON.parse(text) as object), entries: Array<object | undefined>(1000).fill(first) };
    const begin = performance.now();
    expect(failed(`${JSON.stringify(many, null, 2)}\n`)).toEqual(['entry-positions']);
    expect(performance.now() - begin).toBeLessThan(10_000);
  });
});

function pathsOf(value: unknown, path: readonly string[] = []): string[][] {
  if (typeof value !== 'object' || value === null) return [[...path]];
  const inside = Object.entries(value).flatMap(([key, each]) => pathsOf(each, [...path, key]));
  return path.length === 0 ? inside : [[...path], ...inside];
}
