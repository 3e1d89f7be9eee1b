import { beforeEach, describe, expect, it } from 'vitest';
import { silentLog, type LogLevel } from '../../../../hal/contract/index.ts';
import { logFields } from '../../../../src/station/remote/log/log-fields.ts';
import { LogTail, type ToldLine } from '../../../../src/station/remote/log/log-tail.ts';

let nowMonoMs = 1_000;
const clock = { nowMonoMs: () => nowMonoMs };
let told: ToldLine[] = [];
beforeEach(() => {
  nowMonoMs = 1_000;
  told = [];
});

function opened(level: LogLevel | 'off') {
  const tail = new LogTail(level, clock);
  tail.open((line) => told.push(line));
  return { tail, log: tail.over(silentLog) };
}
const events = (): string[] => told.map(({ event }) => event);

describe('the log as it is seen from afar', () => {
  it('tells lines from its level on, and hands every line to the log below', () => {
    const below: string[] = [];
    const tail = new LogTail('warning', clock);
    const log = tail.over((_level, event) => below.push(event));
    tail.open((line) => told.push(line));
    log('debug', 'a.debug');
    log('info', 'an.info');
    log('warning', 'a.warning', { meter: 'm' });
    log('error', 'an.error');
    expect(below).toEqual(['a.debug', 'an.info', 'a.warning', 'an.error']);
    expect(events()).toEqual(['a.warning', 'an.error']);
    expect(told[0]).toEqual({ level: 'warning', event: 'a.warning', fields: { meter: 'm' }, atMs: 1_000 });
    expect(opened('off').tail.published()).toEqual({ level: 'off', configured: 'off', untilMs: null });
  });

  it('is at another level for as long as was asked for, and a later one takes its place', () => {
    const { tail, log } = opened('off');
    expect(tail.setFor('debug', 60_000)).toEqual({ level: 'debug', configured: 'off', untilMs: 61_000 });
    log('debug', 'seen');
    expect(tail.setFor('error', 10_000)).toMatchObject({ level: 'error', untilMs: 11_000 });
    log('warning', 'not.seen');
    nowMonoMs = 11_000;
    log('error', 'not.seen.either');
    expect(events()).toEqual(['seen']);
    expect(tail.published()).toMatchObject({ level: 'off', untilMs: null });
  });

  it('tells nothing of the link, and nothing that publishing itself logs', () => {
    const tail = new LogTail('debug', clock);
    const log = tail.over(silentLog);
    tail.open((line) => {
      told.push(line);
      log('error', 'fed.by.itself');
    });
    log('error', 'telemetry.disconnected');
    log('debug', 'chain.gateway_output', { text: 'wss://node.example.com/KEY' });
    log('error', 'one');
    expect(events()).toEqual(['one']);
  });

  it('counts what is too much, and tells it with the next line', () => {
    const { log } = opened('warning');
    for (let i = 0; i < 80; i++) log('warning', 'many', { code: `c${i}` });
    expect(told).toHaveLength(50);
    nowMonoMs += 2_000;
    log('warning', 'after');
    log('warning', 'and.then');
    log('warning', 'no.more');
    expect(told.slice(50)).toMatchObject([{ event: 'after', left: 30 }, { event: 'and.then' }]);
    expect(told[51]).not.toHaveProperty('left');
  });

  it('tells what repeats once a minute, with how often it did', () => {
    const { log } = opened('warning');
    for (let i = 0; i < 61; i++, nowMonoMs += 1_000) log('warning', 'meter.read_failed', { meter: 'm' });
    expect(told).toMatchObject([{ atMs: 1_000 }, { atMs: 61_000, repeated: 59 }]);
  });

  it('keeps the newest lines from before there was anybody to tell, and tells them first', () => {
    const tail = new LogTail('error', clock);
    const log = tail.over(silentLog);
    for (let i = 0; i < 60; i++, nowMonoMs += 1_000) log('error', 'early', { code: `c${i}` });
    tail.open((line) => told.push(line));
    log('error', 'late');
    expect(told).toHaveLength(51);
    expect(told[0]).toMatchObject({ fields: { code: 'c10' } });
    expect(told.at(-1)).toMatchObject({ event: 'late' });
  });

  it('fails nobody who logs, when it cannot be published', () => {
    const tail = new LogTail('error', clock);
    tail.open(() => {
      throw new Error('no room');
    });
    expect(() => tail.over(silentLog)('error', 'x')).not.toThrow();
  });
});

describe('the fields of a published line', () => {
  it('show of a URL its host only, wherever it stands', () => {
    const why = 'no link to wss://me:pw@node.example.com:443/v1/KEY?a=b, nor to "https://x.org#KEY"';
    expect(logFields({ why, error: new Error('mqtts://u:pw@broker:8883') })).toEqual({
      why: 'no link to wss://node.example.com:443/… nor to "https://x.org/…"',
      error: 'mqtts://broker:8883',
    });
    expect(logFields({ path: '/var/lib/delmonicos' })).toEqual({ path: '/var/lib/delmonicos' });
  });

  it('are flat and bounded: an error is its code and message, never its stack', () => {
    const error = Object.assign(new Error('no answer'), { code: 'meter.timeout' });
    const circular: Record<string, unknown> = {};
    circular['self'] = circular;
    const fields = { error, stack: error.stack, none: undefined, no: null, n: 3, inf: Infinity, big: 7n };
    const more = { bytes: new Uint8Array([1, 255]), list: [1, error], circular, long: 'x'.repeat(500) };
    expect(logFields({ ...fields, ...more })).toEqual({
      ...{ error: '[meter.timeout] no answer', no: null, n: 3, inf: 'Infinity', big: '7' },
      ...{ bytes: '01ff', list: '[1,"[meter.timeout] no answer"]', circular: 'object' },
      long: `${'x'.repeat(239)}…`,
    });
    const many = Object.fromEntries(Array.from({ length: 40 }, (_, i) => [`f${i}`, '\u{1F600}'.repeat(300)]));
    const published = logFields(many);
    expect(Object.keys(published)).toHaveLength(16);
    expect(JSON.stringify(published).length).toBeLessThan(16_384);
  });
});
