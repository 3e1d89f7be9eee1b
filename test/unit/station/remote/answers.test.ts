import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Reply } from '../../../../src/telemetry/index.ts';
import { CommandAnswer, responseError } from '../../../../src/station/remote/command-answer.ts';
import { destinationOf } from '../../../../src/station/remote/destination.ts';
import { LineRecord } from '../../../../src/station/remote/handlers/line-record.ts';
import { slices, textSlices } from '../../../../src/station/remote/handlers/slices.ts';
import { MAX_RESULT_BYTES } from '../../../../src/station/remote/handler.ts';
import { ReplyRoom } from '../../../../src/station/remote/reply-room.ts';

const PREFIX = 'delmonicos/v1/T-1';
const NONCE = '0'.repeat(32);

/** Telemetry with room for so many replies. */
function link(room: number) {
  const sent: Reply[] = [];
  let inFlight = 0;
  const offer = (reply: Reply): boolean => {
    if (inFlight >= room) return false;
    inFlight++;
    sent.push(reply);
    return true;
  };
  const settle = (i: number): void => {
    inFlight--;
    sent[i]?.onSettled?.('delivered');
  };
  return { sent, settle, replies: new ReplyRoom(offer) };
}

const texts = (sent: readonly Reply[]): string[] =>
  sent.map(({ payload }) => Buffer.from(payload).toString());
const reply = (text: string): Reply => ({ topic: 'response/x', payload: Buffer.from(text) });

describe('where an answer goes', () => {
  it('is one level below response/ of this station, or the nonce', () => {
    fc.assert(
      fc.property(fc.string(), (level) => {
        const { topic } = destinationOf({ responseTopic: `${PREFIX}/response/${level}` }, PREFIX, NONCE);
        const isLevel = level.length <= 64 && /^[a-z0-9 .~-]+$/i.test(level);
        expect(topic).toBe(`response/${isLevel || topic !== `response/${NONCE}` ? level : NONCE}`);
      }),
    );
    // A broker may end the session of whoever publishes there (MQTT 5 §1.5.4), or take it for another topic.
    for (const level of [
      'a/b',
      '+',
      '#',
      'a\0',
      'a\u0001',
      '\u009b',
      '\uffff',
      '\ufdd0',
      '\ud800',
      'x'.repeat(65),
    ]) {
      const asked = { responseTopic: `${PREFIX}/response/${level}` };
      expect(destinationOf(asked, PREFIX, NONCE).topic, JSON.stringify(level)).toBe(`response/${NONCE}`);
    }
    for (const responseTopic of [`${PREFIX}x/response/a`, 'response/a', `${PREFIX}/status`, '', undefined]) {
      const asked = responseTopic === undefined ? {} : { responseTopic };
      expect(destinationOf(asked, PREFIX, NONCE).topic).toBe(`response/${NONCE}`);
    }
  });
});

describe('room for replies', () => {
  it('is given in the order in which it is waited for, and not to who gives up', async () => {
    const { sent, settle, replies } = link(1);
    const never = new AbortController();
    const given = new AbortController();
    await replies.send(reply('1'), never.signal);
    const second = replies.send(reply('2'), given.signal);
    const third = replies.send(reply('3'), never.signal);
    expect(replies.offer(reply('pushy'))).toBe(false);
    given.abort(new Error('gives up'));
    await expect(second).rejects.toThrow('gives up');
    settle(0);
    await third;
    expect(texts(sent)).toEqual(['1', '3']);
    await expect(replies.send(reply('4'), given.signal)).rejects.toThrow('gives up');
  });

  it('is never waited for by what can never have it', async () => {
    const { replies } = link(1);
    const large = { topic: 'response/x', payload: Buffer.alloc(20_000) } as const;
    await expect(replies.send(large, new AbortController().signal)).rejects.toThrow();
  });
});

describe('an answer', () => {
  const answerTo = (replies: ReplyRoom, signal = new AbortController().signal) =>
    new CommandAnswer({
      ...{ request: NONCE, operator: 'o', destination: { topic: 'response/x' }, replies, signal },
      isExpiryJudged: false,
    });

  it('has its parts in the order of the calls, and none behind the last', async () => {
    const { sent, replies } = link(9);
    const answer = answerTo(replies);
    await Promise.all([answer.part({ a: 1 }), answer.part({ a: 2 }), answer.end({ a: 3 })]);
    expect(texts(sent).map((text) => JSON.parse(text) as object)).toEqual([
      { request: NONCE, part: 0, last: false, expiry: 'unjudged', ok: true, result: { a: 1 } },
      { request: NONCE, part: 1, last: false, ok: true, result: { a: 2 } },
      { request: NONCE, part: 2, last: true, ok: true, result: { a: 3 } },
    ]);
    await expect(answer.part({})).rejects.toThrow();
  });

  it('never tells details of what nobody foresaw', () => {
    expect(responseError(new TypeError('secret path')).message).not.toContain('secret');
    expect(responseError(new TypeError('x')).code).toBe('internal');
  });

  it('refuses a part that is too large, and goes on', async () => {
    const { sent, replies } = link(9);
    const answer = answerTo(replies);
    await expect(answer.part({ a: 'x'.repeat(16_384) })).rejects.toThrow(RangeError);
    await answer.end({});
    expect(JSON.parse(texts(sent)[0] ?? '')).toMatchObject({ part: 0, last: true });
  });
});

describe('parts of an answer', () => {
  it('hold all items and all of a text, in their order, and each is small enough', () => {
    const item = fc.record({ detail: fc.string({ unit: 'binary', maxLength: 900 }) });
    fc.assert(
      fc.property(fc.array(item, { maxLength: 40 }), (items) => {
        const parts = slices(items);
        expect(parts.flat()).toEqual(items);
        for (const part of parts)
          expect(Buffer.byteLength(JSON.stringify({ items: part }))).toBeLessThan(MAX_RESULT_BYTES);
      }),
      { numRuns: 30 },
    );
    fc.assert(
      fc.property(
        fc.string({ unit: 'binary', maxLength: 300 }),
        fc.integer({ min: 1, max: 300 }),
        (text, n) => {
          const whole = text.repeat(n);
          const parts = textSlices(whole);
          const arrived = parts.map(
            (part) => (JSON.parse(JSON.stringify({ part })) as { part: string }).part,
          );
          expect(arrived.join('')).toBe(whole);
          for (const part of parts)
            expect(Buffer.byteLength(JSON.stringify({ part }))).toBeLessThan(MAX_RESULT_BYTES);
        },
      ),
      { numRuns: 12 },
    );
  });
});

describe('what is heard on a line', () => {
  it('is kept in bounded number and size, and what is left out is counted', () => {
    const record = new LineRecord(1_000, undefined);
    record.hear({ kind: 'opened', atMonoMs: 1_000 });
    record.hear({ kind: 'received', atMonoMs: 1_010.26, bytes: new Uint8Array(1_100) });
    const [opened, ...runs] = record.take();
    expect(opened).toEqual({ atMs: 0, line: 'opened' });
    expect(runs.map((run) => ('hex' in run ? run.hex.length : 0))).toEqual([1_024, 1_024, 152]);
    expect(runs[0]).toMatchObject({ atMs: 10.3, direction: 'in' });
    for (let i = 0; i < 300; i++)
      record.hear({ kind: 'received', atMonoMs: 2_000, bytes: new Uint8Array([i & 255]) });
    expect(record.take()).toHaveLength(200);
    expect(record.figures()).toEqual({ left: 100, others: 0 });
  });
});
