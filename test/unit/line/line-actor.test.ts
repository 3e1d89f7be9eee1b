import { afterEach, describe, expect, it } from 'vitest';
import {
  silentLog,
  type Exchange,
  type ExchangeResult,
  type Log,
  type ReadPriority,
} from '../../../hal/contract/index.ts';
import { LineActor, type LineLimits } from '../../../hal/line/line-actor.ts';
import { ScriptedDevice, type Script } from '../../support/sync/scripted-channel.ts';
import { VirtualClock } from '../../support/virtual-clock.ts';

// A toy protocol in virtual time: a request is the bytes of a text, the answer is the same text with a full stop.

const LIMITS: LineLimits = {
  queueCapacity: 3,
  lateWindowMs: 1_000,
  silenceMs: 20,
  peer: { failuresBeforeQuarantine: 3, firstPauseMs: 1_000, longestPauseMs: 4_000 },
  reopen: { firstPauseMs: 250, longestPauseMs: 1_000 },
};
const ECHO: Script = (request) => [{ afterMs: 10, bytes: Buffer.concat([request, Buffer.from('.')]) }];

let line: LineActor | undefined;
afterEach(() => line?.close());

function makeLine(script: Script, log: Log = silentLog) {
  const clock = new VirtualClock();
  const device = new ScriptedDevice(clock, script);
  line = new LineActor({
    id: 'bus',
    kind: 'rtuOverTcp',
    pace: { msPerByte: 0, frameGapMs: 5 },
    open: device.open,
    limits: LIMITS,
    clock,
    log,
  });
  const sent = (): string[] => device.requests.map((bytes) => Buffer.from(bytes).toString());
  return { clock, device, line, sent };
}

function say(
  text: string,
  options: Partial<Exchange<string>> & { priority?: ReadPriority } = {},
): Exchange<string> {
  return {
    peer: '1',
    priority: 'periodic',
    request: () => Buffer.from(text),
    receive: (received) => {
      const heard = Buffer.from(received).toString();
      const end = heard.indexOf(`${text}.`);
      if (end >= 0) return { kind: 'answer', answer: text, byteCount: end + text.length + 1 };
      return heard === '' ? { kind: 'incomplete' } : { kind: 'incomplete', seen: heard };
    },
    answerKey: 'text',
    answerBytes: text.length + 1,
    responseTimeoutMs: 100,
    ...options,
  };
}

const codeOf = (promise: Promise<unknown>): Promise<unknown> =>
  promise.then(
    () => 'answered',
    (error: unknown) => (error as { code?: unknown }).code,
  );

describe('a line', () => {
  it('serves billing before periodic before diagnostic, in order within each, one at a time', async () => {
    const { clock, line, sent } = makeLine(ECHO);
    const all = [
      line.exchange(say('first')),
      line.exchange(say('diagnostic', { priority: 'diagnostic' })),
      line.exchange(say('periodic')),
      line.exchange(say('billing', { priority: 'billing' })),
    ];
    await clock.advance(12);
    expect(sent()).toEqual(['first']);
    await clock.advance(200);
    await Promise.all(all);
    expect(sent()).toEqual(['first', 'billing', 'periodic', 'diagnostic']);
  });

  it('keeps silence between frames', async () => {
    const { clock, line } = makeLine(ECHO);
    const results: ExchangeResult<string>[] = [];
    for (const text of ['a', 'b']) void line.exchange(say(text)).then((result) => results.push(result));
    await clock.advance(100);
    const [first, second] = results;
    expect((second?.sentMonoMs ?? 0) - (first?.receivedMonoMs ?? 0)).toBeGreaterThanOrEqual(5);
  });

  it('refuses the least important request when too many wait, and billing last', async () => {
    const { clock, line } = makeLine(() => []);
    const codes: Record<string, unknown> = {};
    const ask = (name: string, priority: ReadPriority): void =>
      void codeOf(line.exchange(say(name, { priority }))).then((code) => (codes[name] = code));
    ask('in flight', 'periodic');
    await clock.advance(1);
    ask('diagnostic', 'diagnostic');
    ask('periodic', 'periodic');
    ask('billing 1', 'billing');
    ask('billing 2', 'billing');
    ask('late diagnostic', 'diagnostic');
    await clock.advance(1);
    expect(codes).toEqual({ diagnostic: 'line.queue_full', 'late diagnostic': 'line.queue_full' });
  });

  it('repeats a request that timed out, and says when the first one was sent', async () => {
    const { clock, line, sent } = makeLine((request, n) => (n === 1 ? [] : ECHO(request, n)));
    const result = line.exchange(say('again'));
    const startedAt = clock.nowMonoMs();
    await clock.advance(300);
    expect(await result).toMatchObject({ answer: 'again', attempts: 2, sentMonoMs: startedAt });
    expect(sent()).toEqual(['again', 'again']);
    expect(line.statistics()).toMatchObject({ requests: 2, answers: 1, errors: { 'meter.timeout': 1 } });
  });

  it('does not ask for anything that a late answer could be taken for, but asks others meanwhile', async () => {
    const { clock, line, sent } = makeLine((request, n) => (n <= 2 ? [] : ECHO(request, n)));
    const failed = codeOf(line.exchange(say('lost')));
    await clock.advance(250);
    expect(await failed).toBe('meter.timeout');
    const alike = line.exchange(say('alike'));
    const other = line.exchange(say('other shape', { answerKey: 'another' }));
    const neighbour = line.exchange(say('neighbour', { peer: '2' }));
    await clock.advance(100);
    expect(sent().slice(2)).toEqual(['neighbour', 'other shape']);
    await Promise.all([other, neighbour]);
    await clock.advance(1_000);
    expect(await alike).toMatchObject({ answer: 'alike' });
  });

  it('leaves a dead peer alone with growing pauses, never gives it up, and logs it once', async () => {
    const events: string[] = [];
    let dead = true;
    const { clock, line, sent } = makeLine(
      (request, n) => (dead ? [] : ECHO(request, n)),
      (_level, event) => events.push(event),
    );
    const codes: unknown[] = [];
    for (let second = 0; second < 20; second++) {
      void codeOf(line.exchange(say('hello', { answerKey: `k${second}` }))).then((code) => codes.push(code));
      await clock.advance(1_000);
    }
    expect(codes.slice(0, 4)).toEqual([
      'meter.timeout',
      'meter.timeout',
      'meter.timeout',
      'meter.quarantined',
    ]);
    // Three exchanges of two attempts, then probes of one attempt after about 1, 2, 4, 4, 4 seconds.
    expect(sent().length).toBeGreaterThan(6 + 3);
    expect(sent().length).toBeLessThan(6 + 8);
    // Whoever looks for the fault is not put off until the next probe.
    expect(line.statistics().peers['1']).toMatchObject({ state: 'quarantined' });
    const before = sent().length;
    const looking = codeOf(line.exchange(say('look', { priority: 'diagnostic' })));
    await clock.advance(1_000);
    expect(await looking).toBe('meter.timeout');
    expect(sent().slice(before)).toContain('look');
    dead = false;
    await clock.advance(4_000);
    const back = line.exchange(say('hello'));
    await clock.advance(50);
    expect(await back).toMatchObject({ answer: 'hello' });
    expect(events).toEqual(['line.opened', 'line.peer_quarantined', 'line.peer_recovered']);
    expect(line.statistics().peers['1']).toMatchObject({ state: 'healthy', consecutiveFailures: 0 });
  });

  it('rejects at once while the device is absent, and opens it again when it is back', async () => {
    const { clock, device, line } = makeLine(ECHO);
    device.absent = new Error('no such device');
    expect(await codeOf(line.exchange(say('a')))).toBe('line.open_failed');
    expect(await codeOf(line.exchange(say('b')))).toBe('line.open_failed');
    expect(device.opened).toBe(1);
    device.absent = undefined;
    await clock.advance(300);
    const answer = line.exchange(say('c'));
    await clock.advance(100);
    expect(await answer).toMatchObject({ answer: 'c' });
  });

  it('opens a device that was unplugged in mid-exchange and repeats the request', async () => {
    const { clock, device, line, sent } = makeLine((request, n) => (n === 1 ? [] : ECHO(request, n)));
    const answer = line.exchange(say('a'));
    await clock.advance(10);
    device.unplug(new Error('unplugged'));
    await clock.advance(100);
    expect(await answer).toMatchObject({ answer: 'a', attempts: 2 });
    expect(sent()).toEqual(['a', 'a']);
    expect(line.statistics()).toMatchObject({ opened: 2, errors: { 'line.closed': 1 } });
  });

  it('rejects everything with line.closed when it is closed', async () => {
    const { clock, line } = makeLine(() => []);
    const codes = ['a', 'b', 'c'].map((text) => codeOf(line.exchange(say(text))));
    await clock.advance(5);
    const closing = line.close();
    await clock.advance(5);
    await closing;
    expect(await Promise.all(codes)).toEqual(['line.closed', 'line.closed', 'line.closed']);
    expect(await codeOf(line.exchange(say('d')))).toBe('line.closed');
  });

  it('says what it saw when the bytes that came were no answer', async () => {
    const { clock, line } = makeLine(() => [{ afterMs: 5, bytes: Buffer.from('nonsense') }]);
    const failed = line.exchange(say('a')).catch((error: unknown) => error);
    await clock.advance(500);
    expect(await failed).toMatchObject({ code: 'meter.bad_frame', details: { seen: 'nonsense', peer: '1' } });
  });
});
