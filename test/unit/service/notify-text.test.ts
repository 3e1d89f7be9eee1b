import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { notifyAddress, watchdogPeriodMs } from '../../../src/service/notify/notify-address.ts';
import { notifyText, statusLine } from '../../../src/service/notify/notify-text.ts';
import { takenApart } from '../../support/system/service-manager.ts';

describe('what is said to the service manager', () => {
  it('has the words of sd_notify, one assignment a line', () => {
    expect(notifyText({ ready: true, status: 'reading 2 meters' })).toBe('READY=1\nSTATUS=reading 2 meters');
    expect(notifyText({ reloadingAtUs: 12_345_678n, status: 'checking' })).toBe(
      'RELOADING=1\nMONOTONIC_USEC=12345678\nSTATUS=checking',
    );
    expect(notifyText({ stopping: true })).toBe('STOPPING=1');
    expect(notifyText({ watchdog: true })).toBe('WATCHDOG=1');
    expect(notifyText({ extendTimeoutMs: 1_500.2 })).toBe('EXTEND_TIMEOUT_USEC=1501000');
  });

  it('is one assignment for the status, whatever its text is', () => {
    const unit = fc.constantFrom(
      ...'\n\r\u0000\u001b\u0085\u2028\u202e\ufeffa=€😀'.split(/(?:)/u),
      '\ud800',
      '\udc00',
    );
    const nasty = fc.string({ unit, maxLength: 300 });
    fc.assert(
      fc.property(nasty, (status) => {
        const text = notifyText({ status });
        expect(Object.keys(takenApart(text))).toEqual(['STATUS']);
        expect(text).not.toMatch(/[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/u);
        expect(Buffer.from(text).toString()).toBe(text);
        expect(Buffer.byteLength(text)).toBeLessThanOrEqual(1_000);
      }),
    );
  });

  it('keeps a status line that is plain as it is', () => {
    fc.assert(
      fc.property(fc.string({ unit: fc.constantFrom(...'abc 019.,:()=é€'), maxLength: 200 }), (text) => {
        expect(statusLine(text)).toBe(text.trim());
      }),
    );
    expect([...statusLine('x'.repeat(500))]).toHaveLength(240);
  });
});

describe('where the service manager is', () => {
  it.each([
    [undefined, 'none'],
    ['', 'none'],
    ['/run/systemd/notify', 'socket'],
    [`/${'x'.repeat(106)}`, 'socket'],
    [`/${'x'.repeat(107)}`, 'unreachable'],
    ['@/org/freedesktop/systemd1/notify', 'socket'],
    [`@${'x'.repeat(106)}`, 'socket'],
    [`@${'x'.repeat(107)}`, 'unreachable'],
    ['@', 'unreachable'],
    ['/', 'unreachable'],
    ['vsock:2:1234', 'unreachable'],
    ['run/notify', 'unreachable'],
    ['/run/\0notify', 'unreachable'],
  ])('%j is %s', (variable, kind) => {
    expect(notifyAddress(variable).kind).toBe(kind);
  });

  it.each([
    [{ usec: '30000000', pid: '42' }, 30_000],
    [{ usec: '30000000', pid: undefined }, 30_000],
    [{ usec: '1500', pid: '' }, 1.5],
    [{ usec: '30000000', pid: '43' }, undefined],
    [{ usec: undefined, pid: '42' }, undefined],
    [{ usec: '0', pid: '42' }, undefined],
    [{ usec: '-5', pid: '42' }, undefined],
    [{ usec: 'soon', pid: '42' }, undefined],
    [{ usec: '9'.repeat(40), pid: '42' }, undefined],
  ])('with %j its watchdog waits for %s ms', (variables, periodMs) => {
    expect(watchdogPeriodMs(variables, 42)).toBe(periodMs);
  });
});
