import { describe, expect, it } from 'vitest';
import { judgeClock } from '../../src/cli/doctor/doctor-host.ts';
import type { TimeReport } from '../../src/service/index.ts';

const report = (given: Partial<TimeReport>): TimeReport => ({
  ...{ status: 'U', why: 'not synchronised', maxErrorMs: null, source: 'kernel', detail: 'x', leap: 'none' },
  ...given,
});
const asked = { source: 'auto', shown: '2027-01-01T00:00:00.000Z' };

describe('what doctor says of the clock', () => {
  it('is good only when a source says that it is synchronised, and how well', () => {
    const [finding] = judgeClock(report({ status: 'S', maxErrorMs: 11.2, source: 'chrony' }), asked);
    expect(finding).toMatchObject({ check: 'clock', state: 'ok', advice: null });
    expect(finding?.detail).toContain('within 12 ms');
    expect(finding?.detail).toContain('chrony');
    expect(judgeClock(report({ status: 'I' }), asked)[0]?.state).toBe('warning');
    expect(judgeClock(report({}), asked)[0]?.state).toBe('warning');
  });

  it('names what to install where nobody answers, or the source that is configured and silent', () => {
    expect(judgeClock(report({ source: null }), asked)[0]?.advice).toContain('adjtimex');
    expect(judgeClock(report({ source: null }), { ...asked, source: 'chrony' })[0]?.advice).toContain(
      'clock.source is chrony',
    );
  });
});
