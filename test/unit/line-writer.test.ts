import { Writable } from 'node:stream';
import { describe, expect, it } from 'vitest';
import { lineWriter } from '../../src/cli/line-writer.ts';

describe('lines for whoever watches a service', () => {
  it('wait for a slow reader up to a bound, and are dropped whole above it', async () => {
    const taken: string[] = [];
    let take: () => void = () => {};
    const sink = new Writable({
      decodeStrings: false,
      write: (chunk: string, _encoding, done) => {
        taken.push(chunk);
        take = done;
      },
    });
    const write = lineWriter(sink, 1_000);
    for (let i = 0; i < 10_000; i++) write(`line ${i}`);
    expect(sink.writableLength).toBeLessThan(1_100);
    while (sink.writableLength > 0) {
      take();
      await new Promise((resolve) => setImmediate(resolve));
    }
    const kept = taken.length;
    write('after');
    expect(kept).toBeGreaterThan(50);
    expect(taken.slice(0, kept)).toEqual(Array.from({ length: kept }, (_, i) => `line ${i}\n`));
    expect(taken.at(-1)).toBe('after\n');
  });

  it('end with a reader who is gone, and nothing is thrown', () => {
    let writes = 0;
    const sink = new Writable({
      write: (_chunk, _encoding, done) => {
        writes++;
        done(Object.assign(new Error('gone'), { code: 'EPIPE' }));
      },
    });
    const write = lineWriter(sink);
    write('one');
    return new Promise<void>((resolve) => {
      setImmediate(() => {
        write('two');
        write('three');
        expect(writes).toBe(1);
        resolve();
      });
    });
  });
});
