import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { OutgoingMessage } from '../../../src/telemetry/outgoing/outgoing-message.ts';
import { OutgoingQueue } from '../../../src/telemetry/outgoing/outgoing-queue.ts';

const BOUNDS = {
  ...{ maxSamples: 5, maxSampleBytes: 40, maxStates: 3, maxPayloadBytes: 20 },
  ...{ maxReplies: 2, maxReplyBytes: 30, maxNotes: 2, maxNoteBytes: 30 },
  ...{ maxBackfill: 1, maxBackfillBytes: 30 },
};
const saying = (topic: string, payload: Buffer, expiresAtMonoMs: number) => ({
  topic,
  payload,
  expiresAtMonoMs,
});
const text = (message: OutgoingMessage | undefined): string | undefined => message?.payload.toString();

function drain(queue: OutgoingQueue, now = 0): string[] {
  const found: string[] = [];
  for (let message = queue.take(now); message !== undefined; message = queue.take(now)) {
    found.push(message.payload.toString());
    queue.settle(message.id, 'acknowledged');
  }
  return found;
}

describe('the outgoing queue', () => {
  it('sends what is vital, then answers, changes, figures, lines, samples and entries', () => {
    const queue = new OutgoingQueue(BOUNDS);
    const later = (name: string) => saying('t', Buffer.from(name), 99);
    queue.offerReply('backfill', later('entries'));
    queue.offerSample(saying('t', Buffer.from('sample'), 99));
    queue.offerNote('log', later('line'));
    queue.putState('t', Buffer.from('figures'));
    queue.offerNote('change', later('change'));
    queue.offerReply('answer', later('answer'));
    queue.putState('u', Buffer.from('vital'), 'vital');
    const all = ['vital', 'answer', 'change', 'figures', 'line', 'sample', 'entries'];
    expect(queue.firsts(0).map(text)).toEqual(all);
    expect(drain(queue)).toEqual(all);
  });

  it('lets what the budget holds back stay, and sends what is behind it in another lane', () => {
    const queue = new OutgoingQueue(BOUNDS);
    for (const line of ['a', 'b']) queue.offerNote('log', saying('t', Buffer.from(line), 99));
    queue.putState('t', Buffer.from('figures'));
    queue.putState('u', Buffer.from('vital'), 'vital');
    queue.offerSample(saying('t', Buffer.from('s'), 99));
    const allows = ({ purpose }: OutgoingMessage): boolean => purpose === 'vital' || purpose === 'sample';
    expect([queue.take(0, allows), queue.take(0, allows), queue.take(0, allows)].map(text)).toEqual([
      'vital',
      's',
      undefined,
    ]);
    expect(drain(queue)).toEqual(['figures', 'a', 'b']);
  });

  it('refuses a reply when there is no room, and has room again when one was settled', () => {
    const queue = new OutgoingQueue(BOUNDS);
    const settled: string[] = [];
    const offer = (name: string): boolean =>
      queue.offerReply('answer', {
        ...{ topic: 't', payload: Buffer.from(name), expiresAtMonoMs: 99 },
        onSettled: (outcome) => settled.push(`${name} ${outcome}`),
      });
    expect([offer('a'), offer('b'), offer('c')]).toEqual([true, true, false]);
    queue.settle(queue.take(0)?.id ?? 0, 'acknowledged');
    expect(offer('c')).toBe(true);
    expect(text(queue.take(100))).toBeUndefined(); // both have expired
    expect(settled).toEqual(['a delivered', 'b lost', 'c lost']);
  });

  it('drops the oldest note at its bound, apart from samples', () => {
    const queue = new OutgoingQueue(BOUNDS);
    for (const note of ['a', 'b', 'c']) queue.offerNote('log', saying('t', Buffer.from(note), 99));
    expect(queue.figures()).toMatchObject({ dropped: 0, notesDropped: 1 });
    expect(drain(queue)).toEqual(['b', 'c']);
  });

  it('drops the oldest sample at its bound, and counts it', () => {
    const queue = new OutgoingQueue(BOUNDS);
    for (let n = 1; n <= 8; n++) queue.offerSample(saying('t', Buffer.from(`s${n}`), 99));
    expect(queue.figures()).toEqual({ sent: 0, dropped: 3, notesDropped: 0, queued: 5, inFlight: 0 });
    expect(drain(queue)).toEqual(['s4', 's5', 's6', 's7', 's8']);
  });

  it('drops by bytes as well as by number', () => {
    const queue = new OutgoingQueue(BOUNDS);
    for (let n = 1; n <= 3; n++) queue.offerSample(saying('t', Buffer.alloc(16, `${n}`), 99));
    expect(queue.figures()).toMatchObject({ dropped: 1, queued: 2 });
    expect(queue.sampleBytes()).toBe(32);
  });

  it('takes no document larger than its bound', () => {
    const queue = new OutgoingQueue(BOUNDS);
    expect(queue.offerSample(saying('t', Buffer.alloc(21), 99))).toBe(false);
    expect(queue.putState('t', Buffer.alloc(21))).toBe(false);
    expect(queue.figures()).toMatchObject({ dropped: 1, queued: 0 });
  });

  it('sends of a retained topic only the latest, before any sample, and not twice the same', () => {
    const queue = new OutgoingQueue(BOUNDS);
    queue.offerSample(saying('t', Buffer.from('sample'), 99));
    queue.putState('a', Buffer.from('old'));
    queue.putState('a', Buffer.from('new'));
    expect(drain(queue)).toEqual(['new', 'sample']);
    queue.putState('a', Buffer.from('new'));
    expect(drain(queue)).toEqual([]);
    queue.putState('a', Buffer.from('newer'));
    queue.putState('a', Buffer.from('new'));
    expect(drain(queue)).toEqual([]);
  });

  it('refuses one retained topic more than its bound', () => {
    const queue = new OutgoingQueue(BOUNDS);
    expect(['a', 'b', 'c', 'd'].map((topic) => queue.putState(topic, Buffer.from('x')))).toEqual([
      true,
      true,
      true,
      false,
    ]);
  });

  it('sends again, in the old order, what was in flight when the session ended', () => {
    const queue = new OutgoingQueue(BOUNDS);
    queue.putState('a', Buffer.from('state'));
    for (let n = 1; n <= 3; n++) queue.offerSample(saying('t', Buffer.from(`s${n}`), 99));
    const taken = [queue.take(1), queue.take(2), queue.take(3)];
    expect(taken.map(text)).toEqual(['state', 's1', 's2']);
    expect(queue.oldestInFlightMonoMs()).toBe(1);
    queue.connectionLost();
    queue.settle(taken[1]?.id ?? 0, 'acknowledged'); // a late word of the old session changes nothing
    expect(queue.figures()).toEqual({ sent: 0, dropped: 0, notesDropped: 0, queued: 4, inFlight: 0 });
    expect(drain(queue)).toEqual(['state', 's1', 's2', 's3']);
  });

  it('sends a state again after the session ended, also when the station sets the same one once more', () => {
    const queue = new OutgoingQueue(BOUNDS);
    queue.putState('a', Buffer.from('same'));
    expect(drain(queue)).toEqual(['same']);
    queue.connectionLost();
    queue.putState('a', Buffer.from('same'));
    expect(drain(queue)).toEqual(['same']);
  });

  it('counts at the end what it could not deliver', () => {
    const queue = new OutgoingQueue(BOUNDS);
    queue.putState('a', Buffer.from('state'));
    for (let n = 1; n <= 3; n++) queue.offerSample(saying('t', Buffer.from(`s${n}`), 99));
    for (let n = 1; n <= 2; n++) queue.take(0);
    queue.discard();
    expect(queue.figures()).toEqual({ sent: 0, dropped: 3, notesDropped: 0, queued: 0, inFlight: 0 });
    expect(queue.sampleBytes()).toBe(0);
  });

  it('gives up a sample that expired while it waited', () => {
    const queue = new OutgoingQueue(BOUNDS);
    queue.offerSample(saying('t', Buffer.from('old'), 100));
    queue.offerSample(saying('t', Buffer.from('young'), 200));
    expect(text(queue.take(100))).toBe('young');
    expect(queue.figures().dropped).toBe(1);
  });
});

type Step =
  | { readonly do: 'offer'; readonly bytes: number }
  | { readonly do: 'put'; readonly topic: string }
  | { readonly do: 'take' }
  | { readonly do: 'settle'; readonly which: number; readonly outcome: 'acknowledged' | 'refused' }
  | { readonly do: 'lost' };

const STEP: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({ do: fc.constant('offer' as const), bytes: fc.integer({ min: 4, max: 24 }) }),
  },
  {
    weight: 2,
    arbitrary: fc.record({ do: fc.constant('put' as const), topic: fc.constantFrom('a', 'b', 'c', 'd') }),
  },
  { weight: 4, arbitrary: fc.record({ do: fc.constant('take' as const) }) },
  {
    weight: 3,
    arbitrary: fc.record({
      do: fc.constant('settle' as const),
      which: fc.nat(),
      outcome: fc.constantFrom('acknowledged' as const, 'refused' as const),
    }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('lost' as const) }) },
);

/** Four bytes of running number, then padding: payloads are told apart. */
function payload(n: number, bytes = 4): Buffer {
  const buffer = Buffer.alloc(bytes);
  buffer.writeUInt32BE(n);
  return buffer;
}

describe('whatever happens, the outgoing queue', () => {
  it('stays within its bounds, loses nothing uncounted, and keeps the order and the latest state', () => {
    fc.assert(
      fc.property(fc.array(STEP, { maxLength: 200 }), (steps) => {
        const queue = new OutgoingQueue(BOUNDS);
        const latest = new Map<string, number>();
        const delivered = new Map<string, number>();
        let inFlight: OutgoingMessage[] = [];
        let offered = 0;
        let acknowledged = 0;
        let number = 0;
        const sampleOrder: number[] = [];
        for (const step of steps) {
          if (step.do === 'offer') {
            offered++;
            queue.offerSample(saying('s', payload(++number, step.bytes), Infinity));
          } else if (step.do === 'put') {
            if (queue.putState(step.topic, payload(++number))) latest.set(step.topic, number);
          } else if (step.do === 'take') {
            const message = queue.take(0);
            if (message !== undefined) inFlight.push(message);
          } else if (step.do === 'settle') {
            const [message] = inFlight.splice(step.which % Math.max(1, inFlight.length), 1);
            if (message === undefined) continue;
            queue.settle(message.id, step.outcome);
            if (message.kind === 'sample' && step.outcome === 'acknowledged') acknowledged++;
          } else {
            queue.connectionLost();
            inFlight = [];
          }
          const { queued, inFlight: flying } = queue.figures();
          expect(flying).toBe(inFlight.length);
          expect(queued).toBeLessThanOrEqual(BOUNDS.maxSamples + BOUNDS.maxStates + flying);
          const flyingBytes = inFlight
            .filter((m) => m.kind === 'sample')
            .reduce((sum, m) => sum + m.payload.length, 0);
          expect(queue.sampleBytes()).toBeLessThanOrEqual(Math.max(BOUNDS.maxSampleBytes, flyingBytes));
        }
        queue.connectionLost();
        for (let message = queue.take(0); message !== undefined; message = queue.take(0)) {
          const value = message.payload.readUInt32BE();
          if (message.kind === 'state') delivered.set(message.topic, value);
          else {
            sampleOrder.push(value);
            acknowledged++;
          }
          queue.settle(message.id, 'acknowledged');
        }
        expect(delivered).toEqual(latest);
        expect(sampleOrder).toEqual([...sampleOrder].sort((a, b) => a - b));
        expect(acknowledged + queue.figures().dropped).toBe(offered);
        expect(queue.sampleBytes()).toBe(0);
      }),
      { numRuns: 300 },
    );
  });
});
