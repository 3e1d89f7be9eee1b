import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { describe, expect, it } from 'vitest';
import { fuzzInChild } from '../../fuzz/fuzz-in-child.ts';
import { fuzzTarget } from '../../fuzz/fuzz-run.ts';
import { foundUnless, fuzzInput, type FuzzTarget } from '../../fuzz/fuzz-target.ts';
import { BAD_PARSERS } from '../../support/meters/bad-parsers.ts';

// A fuzzer that finds nothing must be known to find something.

function badParser(name: string): FuzzTarget {
  const target = BAD_PARSERS.find((each) => each.name === name);
  if (target === undefined) throw new Error(name);
  return target;
}

describe('the fuzzer', () => {
  it('finds an error that is not the parser’s own, and shows the input that caused it', () => {
    const target = badParser('throws');
    const { failure } = fuzzTarget(target, { runs: 20_000, seed: 3 });
    expect(failure?.why).toContain('TypeError');
    const input = new Uint8Array(Buffer.from(failure?.inputHex ?? '', 'hex'));
    expect(() => target.run(input)).toThrow(TypeError);
    expect(fuzzInput(target, 3, failure?.index ?? -1)).toEqual(input);
  });

  it('takes a typed error for an answer', () => {
    const refuse = (): never => {
      throw new SyntaxError('typed');
    };
    expect(foundUnless((error) => error instanceof SyntaxError, refuse)).toBe(false);
    expect(() => foundUnless((error) => error instanceof TypeError, refuse)).toThrow(SyntaxError);
  });

  it('finds an input that takes long', () => {
    const { failure } = fuzzTarget(badParser('slow'), { runs: 20_000, seed: 1 });
    expect(failure?.why).toMatch(/^took \d+ ms/);
  });

  it('finds a parser that keeps what it was fed', () => {
    const { failure } = fuzzTarget(badParser('hoards'), { runs: 1_000, seed: 1 });
    expect(failure?.why).toMatch(/heap grew/);
  });

  it('finds an input from which the parser does not come back', async () => {
    const targetsUrl = pathToFileURL(
      path.join(import.meta.dirname, '../../support/meters/bad-parsers.ts'),
    ).href;
    const target = badParser('hangs');
    const { failure } = await fuzzInChild(target, { targetsUrl, runs: 20_000, seed: 1 }, 3_000);
    expect(failure?.why).toMatch(/did not come back/);
    expect(Buffer.from(failure?.inputHex ?? '', 'hex')[0]).toBe(0xff);
  });

  it('makes the same inputs from the same seed, and others from another', () => {
    const target = badParser('throws');
    const inputs = (seed: number) => Array.from({ length: 50 }, (_, index) => fuzzInput(target, seed, index));
    expect(inputs(1)).toEqual(inputs(1));
    expect(inputs(1)).not.toEqual(inputs(2));
  });
});
