import { describe, expect, it } from 'vitest';
import { readPart } from '../../../src/fleet/backfill/read-parts.ts';
import { Credit, readCredit } from '../../../src/station/backfill/credit.ts';
import { Pace } from '../../../src/station/backfill/pace.ts';
import { VirtualClock } from '../../support/virtual-clock.ts';

describe('credit for a transfer', () => {
  const request = '0123456789abcdef0123456789abcdef';
  const heard = (text: string) => readCredit(Buffer.from(text));

  it('is a request and a number of messages, and nothing else', () => {
    expect(heard(`{"request":"${request}","chunks":8}`)).toEqual({ request, chunks: 8 });
    const others = ['', 'null', '[]', '{', '7', '{"request":7,"chunks":8}', `{"request":"${request}"}`];
    const numbers = ['0', '-1', '1.5', '"8"', '1e400', 'null'].map(
      (n) => `{"request":"${request}","chunks":${n}}`,
    );
    for (const text of [...others, ...numbers, '{"request":"AB","chunks":1}'])
      expect(heard(text)).toBeUndefined();
  });

  it('is taken one by one, waited for a while, and never more than its bound', async () => {
    const clock = new VirtualClock();
    const signal = new AbortController();
    const credit = new Credit(1);
    expect(await credit.take(clock, 1_000, signal.signal)).toBe(true);
    const late = credit.take(clock, 1_000, signal.signal);
    await clock.advance(999);
    credit.add(1);
    expect(await late).toBe(true);
    const never = credit.take(clock, 1_000, signal.signal);
    await clock.advance(1_000);
    expect(await never).toBe(false);
    credit.add(Number.MAX_SAFE_INTEGER);
    for (let i = 0; i < 256; i++) expect(await credit.take(clock, 1, signal.signal)).toBe(true);
    const none = credit.take(clock, 60_000, signal.signal);
    signal.abort(new Error('stopped'));
    await expect(none).rejects.toThrow('stopped');
  });
});

describe('the pace of transfers', () => {
  it('lets so many bytes a second through, whatever their messages are', () => {
    for (const bytes of [100, 12_000]) {
      const pace = new Pace(32_768);
      let [now, sent] = [5_000, 0];
      while (now < 15_000) {
        const waitMs = pace.take(bytes, now);
        if (waitMs === 0) sent += bytes + 200;
        else now += waitMs;
      }
      expect(sent / 10).toBeGreaterThan(31_000);
      expect(sent / 10).toBeLessThan(35_000);
    }
  });
});

describe('a part of an answer that came through a broker', () => {
  it('is one of four, or none', () => {
    const begin = { from: 0, to: 5, next: 0, size: 9, origin: 'x', entries: 5, rotations: [] };
    const end = { end: 'complete', next: 5, checkpoint: '', rangeProof: null, consistency: null };
    const proof = { from: 0, to: 5, first: ['ab'], last: [] };
    const piece = { index: 1, offset: 0, size: 5, bytes: '' };
    const good: readonly (readonly [string, object])[] = [
      ['begin', begin],
      ['end', end],
      ['end', { ...end, rangeProof: proof, consistency: ['00'] }],
      ['gone', { gone: [{ from: 1, to: 2, hashes: ['00'] }] }],
      ['piece', { piece }],
    ];
    for (const [kind, part] of good) expect(readPart(part)?.kind).toBe(kind);
    const bad = [
      ...[{}, [], { ...begin, to: -1 }, { ...begin, rotations: [7] }, { ...begin, origin: null }],
      ...[
        { ...end, next: '5' },
        { ...end, end: 1 },
        { ...end, rangeProof: 7 },
        { ...end, consistency: [1] },
      ],
      ...[{ ...end, rangeProof: { ...proof, first: null } }, { ...end, rangeProof: {} }, { gone: [null] }],
      ...[{ gone: {} }, { gone: [{ from: 1, to: 2 }] }, { piece: null }, { piece: { ...piece, bytes: 1 } }],
    ];
    for (const part of bad) expect(readPart(part)).toBeUndefined();
  });
});
