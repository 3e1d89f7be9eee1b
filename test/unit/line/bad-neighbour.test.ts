import { afterEach, describe, expect, it } from 'vitest';
import { MeterError, silentLog, type Exchange, type LineKind } from '../../../hal/contract/index.ts';
import { ExchangeQueue } from '../../../hal/line/exchange-queue.ts';
import { LateAnswers } from '../../../hal/line/late-answers.ts';
import { LineActor, type LineLimits } from '../../../hal/line/line-actor.ts';
import { ReportBudget } from '../../../hal/line/report-budget.ts';
import { ScriptedDevice, type Script } from '../../support/sync/scripted-channel.ts';
import { VirtualClock } from '../../support/virtual-clock.ts';

// What one peer, or the line itself, may do to the others: a toy protocol in virtual time. A request is `peer:text`, the
// answer is the same with a full stop; `peer!` is a refusal that does not say of what.

const LIMITS: LineLimits = {
  queueCapacity: 6,
  lateWindowMs: 1_000,
  silenceMs: 20,
  peer: { failuresBeforeQuarantine: 3, firstPauseMs: 1_000, longestPauseMs: 8_000 },
  reopen: { firstPauseMs: 250, longestPauseMs: 1_000 },
};
const ANSWER_MS = 10;
const ECHO: Script = (request) => [{ afterMs: ANSWER_MS, bytes: Buffer.concat([request, Buffer.from('.')]) }];

let line: LineActor | undefined;
afterEach(() => line?.close());

function makeLine(script: Script, options: { kind?: LineKind; limits?: Partial<LineLimits> } = {}) {
  const clock = new VirtualClock();
  const device = new ScriptedDevice(clock, script);
  line = new LineActor({
    id: 'bus',
    kind: options.kind ?? 'rtuOverTcp',
    pace: { msPerByte: 0, frameGapMs: 5 },
    open: device.open,
    limits: { ...LIMITS, ...options.limits },
    clock,
    log: silentLog,
  });
  const sent = (): string[] => device.requests.map((bytes) => Buffer.from(bytes).toString());
  return { clock, device, line, sent };
}

function ask(peer: string, text = 'x', options: Partial<Exchange<string>> = {}): Exchange<string> {
  return {
    peer,
    priority: 'periodic',
    request: () => Buffer.from(`${peer}:${text}`),
    receive: (received) => {
      const heard = Buffer.from(received).toString();
      if (heard.includes(`${peer}:${text}.`))
        return { kind: 'answer', answer: text, byteCount: heard.length };
      if (heard.includes(`${peer}!`))
        return { kind: 'answer', answer: 'refused', byteCount: heard.length, refusal: 'names nothing' };
      if (heard.includes(`${peer}?`))
        return {
          kind: 'unreachable',
          byteCount: heard.length,
          error: new MeterError('meter.timeout', 'gateway'),
        };
      return heard === '' ? { kind: 'incomplete' } : { kind: 'incomplete', seen: heard };
    },
    answerKey: text,
    answerBytes: 4,
    responseTimeoutMs: 500,
    ...options,
  };
}

const codeOf = (promise: Promise<unknown>): Promise<unknown> =>
  promise.then(
    (result) => (result as { answer: unknown }).answer,
    (error: unknown) => (error as { code?: unknown }).code,
  );

/** Asks one peer again and again, as a sampler without a pause would; returns how often it answered. */
function sampler(of: LineActor, clock: VirtualClock, peer: string, isOver: () => boolean) {
  const counts = { answered: 0 };
  const going = async (): Promise<void> => {
    for (let n = 0; !isOver(); n++) {
      await of.exchange(ask(peer, String(n % 3), { answerKey: `${n}` })).then(
        () => counts.answered++,
        () => clock.sleep(5),
      );
    }
  };
  return { counts, done: going() };
}

/** How often the healthy one of two peers answers in a minute while the other does `bad` to its requests. */
async function healthyAnswers(bad: Script): Promise<number> {
  const { clock, line } = makeLine((request, n) =>
    Buffer.from(request).toString().startsWith('bad') ? bad(request, n) : ECHO(request, n),
  );
  let over = false;
  const [healthy, other] = ['good', 'bad'].map((peer) => sampler(line, clock, peer, () => over));
  await clock.advance(60_000);
  const { answered = 0 } = healthy?.counts ?? {};
  over = true;
  await clock.advance(20_000);
  await Promise.all([healthy?.done, other?.done]);
  return answered;
}

describe('a healthy peer beside a bad one, both asked without a pause', () => {
  const answer = (request: Uint8Array, afterMs: number) => [
    { afterMs, bytes: Buffer.concat([request, Buffer.from('.')]) },
  ];
  const BAD: Record<string, Script> = {
    'is silent': () => [],
    // One answer in three is enough never to be left alone.
    'loses two answers in three': (request, n) => (n % 3 === 0 ? answer(request, ANSWER_MS) : []),
    'answers after 400 ms': (request) => answer(request, 400),
    'answers after its time': (request) => answer(request, 700),
    'sends noise': () => [{ afterMs: 5, bytes: Buffer.from('&%$') }],
    'refuses everything': () => [{ afterMs: ANSWER_MS, bytes: Buffer.from('bad!') }],
    'is unreachable behind its gateway': () => [{ afterMs: 300, bytes: Buffer.from('bad?') }],
  };

  it.each(Object.entries(BAD))('keeps nine tenths of its rate while the other %s', async (_name, bad) => {
    const faultFree = await healthyAnswers(ECHO);
    expect(faultFree).toBeGreaterThan(1_500);
    expect(await healthyAnswers(bad)).toBeGreaterThanOrEqual(0.9 * faultFree);
  });
});

describe('the queue', () => {
  const job = (peer: string, name = peer) => ({ peer, name, priority: 'periodic' as const });
  const always = (): number => 0;
  const next = (queue: ExchangeQueue<ReturnType<typeof job>>): string => {
    const taken = queue.take(0, always);
    return 'job' in taken ? taken.job.name : 'none';
  };

  it('gives turns by line time, in order within one peer', () => {
    const queue = new ExchangeQueue<ReturnType<typeof job>>(100);
    for (const name of ['a1', 'a2', 'a3', 'b1', 'b2', 'b3']) queue.push(job(name.charAt(0), name));
    const order: string[] = [];
    for (let turn = 0; turn < 6; turn++) {
      const name = next(queue);
      order.push(name);
      queue.charge(name.charAt(0), name.startsWith('a') ? 100 : 10);
    }
    expect(order).toEqual(['a1', 'b1', 'b2', 'b3', 'a2', 'a3']);
  });

  it('gives no credit for having been away', () => {
    const queue = new ExchangeQueue<ReturnType<typeof job>>(100);
    for (let turn = 0; turn < 50; turn++) {
      queue.push(job('busy'));
      next(queue);
      queue.charge('busy', 100);
    }
    for (const name of ['n1', 'n2', 'n3']) queue.push(job('new', name));
    queue.push(job('busy'));
    const order: string[] = [];
    for (let turn = 0; turn < 4; turn++) {
      const name = next(queue);
      order.push(name);
      queue.charge(name === 'busy' ? 'busy' : 'new', 100);
    }
    // Level with the other at once, not fifty turns ahead of it.
    expect(order.indexOf('busy')).toBeLessThan(3);
  });

  it('refuses the job of the one who floods it', () => {
    const queue = new ExchangeQueue<ReturnType<typeof job>>(3);
    for (const name of ['f1', 'f2', 'f3']) queue.push(job('flood', name));
    expect(queue.push(job('other'))?.name).toBe('f3');
    expect(queue.length).toBe(3);
  });
});

describe('a line whose connection is dead', () => {
  it('makes a new one when nothing at all has come back, although it was never told', async () => {
    let dead = true;
    const { clock, device, line } = makeLine((request, n) => (dead ? [] : ECHO(request, n)));
    const codes = Promise.all(['1', '2'].map((peer) => codeOf(line.exchange(ask(peer)))));
    await clock.advance(1_450);
    dead = false;
    await clock.advance(3_000);
    expect(await codes).toContain('x');
    expect(device.opened).toBe(2);
  });

  it('keeps the connection as long as one peer answers', async () => {
    const { clock, device, line } = makeLine((request, n) =>
      Buffer.from(request).toString().startsWith('dead') ? [] : ECHO(request, n),
    );
    for (let round = 0; round < 20; round++) {
      const codes = [codeOf(line.exchange(ask('dead'))), codeOf(line.exchange(ask('alive')))];
      await clock.advance(2_000);
      expect(await codes[1]).toBe('x');
      await codes[0];
    }
    expect(device.opened).toBe(1);
  });

  it('asks everybody at once when the device is back', async () => {
    const { clock, device, line } = makeLine(() => [], {
      limits: { peer: { failuresBeforeQuarantine: 1, firstPauseMs: 60_000, longestPauseMs: 60_000 } },
    });
    const failed = Promise.all(['1', '2', '3'].map((peer) => codeOf(line.exchange(ask(peer)))));
    await clock.advance(5_000);
    expect(await failed).toEqual(['meter.timeout', 'meter.timeout', 'meter.timeout']);
    device.absent = new Error('gone');
    device.unplug();
    const asked = device.requests.length;
    const absent = codeOf(line.exchange(ask('4')));
    await clock.advance(100);
    expect(await absent).toBe('line.open_failed');
    device.absent = undefined;
    await clock.advance(2_000);
    for (const peer of ['4', '1', '2', '3']) void codeOf(line.exchange(ask(peer)));
    await clock.advance(5_000);
    expect(device.requests.slice(asked).map((bytes) => Buffer.from(bytes).toString()[0])).toEqual(
      expect.arrayContaining(['1', '2', '3', '4']),
    );
  });

  it('gives up opening when it is closed', async () => {
    const clock = new VirtualClock();
    let given: AbortSignal | undefined;
    const line = new LineActor({
      id: 'bus',
      kind: 'tcp',
      pace: { msPerByte: 0, frameGapMs: 0 },
      open: (_events, signal) =>
        new Promise((_resolve, reject) => {
          given = signal;
          signal.addEventListener('abort', () => reject(new Error('given up')));
        }),
      limits: LIMITS,
      clock,
      log: silentLog,
    });
    const code = codeOf(line.exchange(ask('1')));
    await clock.advance(10);
    await line.close();
    expect(given?.aborted).toBe(true);
    expect(await code).toBe('line.closed');
  });
});

describe('an answer that could be misunderstood', () => {
  it('is not believed when it is a refusal that an earlier request may have caused', async () => {
    // The first request is refused 100 ms after its time; the refusal arrives while the second one waits.
    const { clock, line } = makeLine((request, n) =>
      n === 1
        ? [{ afterMs: 600, bytes: Buffer.from('1!') }]
        : [{ afterMs: 300, bytes: Buffer.from(`${Buffer.from(request).toString()}.`) }],
    );
    const first = codeOf(line.exchange(ask('1', 'a', { attempts: 1 })));
    const second = codeOf(line.exchange(ask('1', 'b')));
    await clock.advance(4_000);
    expect(await first).toBe('meter.timeout');
    expect(await second).toBe('b');
  });

  it('is believed when nothing else is owed', async () => {
    const { clock, line } = makeLine(() => [{ afterMs: 5, bytes: Buffer.from('1!') }]);
    const answer = codeOf(line.exchange(ask('1')));
    await clock.advance(100);
    expect(await answer).toBe('refused');
  });

  it('counts for the peer that a gateway cannot reach, and not for the line', async () => {
    const { clock, line } = makeLine((request, n) =>
      Buffer.from(request).toString().startsWith('1')
        ? [{ afterMs: 5, bytes: Buffer.from('1?') }]
        : ECHO(request, n),
    );
    for (let n = 0; n < 3; n++) {
      const code = codeOf(line.exchange(ask('1')));
      await clock.advance(500);
      expect(await code).toBe('meter.timeout');
    }
    const [left, other] = [codeOf(line.exchange(ask('1'))), codeOf(line.exchange(ask('2')))];
    await clock.advance(500);
    expect([await left, await other]).toEqual(['meter.quarantined', 'x']);
    expect(line.statistics()).toMatchObject({ opened: 1, peers: { 1: { state: 'quarantined' } } });
  });
});

describe('what a line remembers', () => {
  it('is bounded when a peer answers wrongly thousands of times within a window', () => {
    const late = new LateAnswers();
    for (let n = 0; n < 10_000; n++) late.unanswered('shape', 'same', n / 100, n / 100 + 1_000);
    late.unanswered('shape', 'other', 100, 1_100);
    const startedAt = performance.now();
    expect(late.readyAt('shape', 'same')).toBe(1_100);
    expect(late.readyAt('shape', 'other')).toBeCloseTo(1_099.99);
    // A list of ten thousand would take far longer than a hundred reads of this one.
    for (let n = 0; n < 1_000; n++) late.readyAt('shape', 'third');
    expect(performance.now() - startedAt).toBeLessThan(1_000);
  });

  it('puts no more than six changes an hour of the same thing into the log', () => {
    const budget = new ReportBudget<'up' | 'down'>('up');
    let reports = 0;
    for (let second = 0; second < 24 * 3_600; second++) {
      if (budget.shouldReport(second % 10 < 5 ? 'down' : 'up', second * 1_000)) reports++;
    }
    expect(reports).toBeGreaterThan(24);
    expect(reports).toBeLessThanOrEqual(6 + 24 * 6);
  });
});
