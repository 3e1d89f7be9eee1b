import { fstatSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { createLog, goesToJournald } from '../../src/service/index.ts';

function logAt(level: 'debug' | 'info' | 'warning' | 'error', journald = false) {
  const lines: string[] = [];
  const time = { now: 0 };
  const log = createLog({
    level,
    journald,
    write: (line) => lines.push(line),
    clock: { nowMonoMs: () => time.now },
  });
  return { log, lines, time };
}

describe('the log', () => {
  it('prints one line an event, with fields that a shell can split', () => {
    const { log, lines } = logAt('info');
    log('info', 'meter.answering', {
      meter: 'evse1',
      serial: 'A 1',
      size: 3n,
      error: new Error('no "answer"'),
    });
    expect(lines).toEqual(['info meter.answering meter=evse1 serial="A 1" size=3 error="no \\"answer\\""']);
  });

  it('leaves out what is below its level', () => {
    const { log, lines } = logAt('warning');
    log('info', 'a');
    log('debug', 'b');
    log('error', 'c');
    expect(lines).toEqual(['error c']);
  });

  it('gives journald its priority', () => {
    const { log, lines } = logAt('info', true);
    log('error', 'journal.corrupt', { code: 'journal.corrupt' });
    expect(lines).toEqual(['<3>journal.corrupt code=journal.corrupt']);
  });

  it('is one line whatever a stranger writes, with nothing in it that steers a terminal', () => {
    const { log, lines } = logAt('info', true);
    log('error', 'meter.read_failed', {
      error: new Error('a\n<0>b\u0085c'),
      serial: 'x\u001b[2Jy\u202ez\u2028',
      list: ['\u007f', '\ud800'],
    });
    expect(lines).toEqual([
      '<3>meter.read_failed error="a\\n<0>b\\u0085c" serial="x\\u001b[2Jy\\u202ez\\u2028" list=["\\u007f","\\ud800"]',
    ]);
  });

  it('cuts what journald would break into lines without a priority', () => {
    const { log, lines } = logAt('info', true);
    log('error', 'chain.failed', { error: new Error('x'.repeat(100_000)) });
    expect(lines).toHaveLength(1);
    expect(lines[0]?.length).toBeLessThan(10_000);
  });

  it('goes to journald only where the stream is the one that systemd connected', () => {
    const { dev, ino } = fstatSync(0, { bigint: true });
    expect(goesToJournald(`${dev}:${ino}`, 0)).toBe(true);
    expect(goesToJournald(`${dev}:${ino + 1n}`, 0)).toBe(false);
    expect(goesToJournald(undefined, 0)).toBe(false);
    expect(goesToJournald('8:15', 999_999)).toBe(false);
  });

  it('prints a repeated warning once a minute, with the count of those between', () => {
    const { log, lines, time } = logAt('info');
    for (; time.now < 120_000; time.now += 1_000)
      log('warning', 'meter.read_failed', { meter: 'm', code: 'meter.timeout' });
    log('warning', 'meter.read_failed', { meter: 'other', code: 'meter.timeout' });
    expect(lines).toEqual([
      'warning meter.read_failed meter=m code=meter.timeout',
      'warning meter.read_failed meter=m code=meter.timeout repeated=59',
      'warning meter.read_failed meter=other code=meter.timeout',
    ]);
  });

  it('stays bounded when every warning is different', () => {
    const { log, lines } = logAt('info');
    for (let i = 0; i < 1_000; i++) log('warning', `event${i}`);
    log('warning', 'event999');
    log('warning', 'event0');
    expect(lines.filter((line) => line === 'warning event999')).toHaveLength(1);
    expect(lines.filter((line) => line === 'warning event0')).toHaveLength(2);
  });
});
