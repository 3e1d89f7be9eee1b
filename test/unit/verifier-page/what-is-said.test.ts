import { describe, expect, it } from 'vitest';
import { identityFromSeed } from '../../../src/identity/index.ts';
import {
  CHECK_NAMES,
  verifyReceipt,
  type CheckResult,
  type ReceiptReport,
} from '../../../src/receipt/index.ts';
import { duration, kilowattHours, readableTime } from '../../../src/verifier-page/figures.ts';
import { powerCurve } from '../../../src/verifier-page/power-curve.ts';
import { strangersValue } from '../../../src/verifier-page/strangers-text.ts';
import { anchorVerdictOf, verdictOf } from '../../../src/verifier-page/verdict.ts';
import { LANGUAGES, languageOf, phrase, say, type WordKey } from '../../../src/verifier-page/words/words.ts';
import { testReceipt } from '../../support/receipt/receipt-fixture.ts';
import {
  METER,
  sessionIndices,
  sessionLog,
  type SessionLogOptions,
} from '../../support/receipt/session-fixture.ts';

const station = sessionLog({ minutes: 20, gap: [8, 12] });
const trustedKey = station.identity.publicKey;
const good = verifyReceipt(testReceipt(station, sessionIndices(station), null), { trustedKey });

describe('the verdict', () => {
  const withResult = (name: string, result: CheckResult): ReceiptReport => ({
    ...good,
    checks: good.checks.map((check) => (check.name === name ? { ...check, result } : check)),
  });

  it('is green for a session of which every check that needs no chain has passed', () => {
    expect(verdictOf(good)).toMatchObject({ tone: 'good', title: { key: 'verdict.genuine' } });
  });

  it('is not green by a key that nobody has compared', () => {
    expect(verdictOf(good, false)).toMatchObject({ tone: 'doubt', title: { key: 'verdict.link' } });
    expect(verdictOf(withResult('energy', 'fail'), false).tone).toBe('bad');
    expect(verdictOf(withResult('trusted-key', 'not checked'), false).title.key).toBe('verdict.whose');
  });

  it.each(CHECK_NAMES.filter((name) => !name.startsWith('anchor-') && name !== 'finality'))(
    'is not green when %s was not checked',
    (name) => {
      expect(verdictOf(withResult(name, 'not checked')).tone).toBe('doubt');
    },
  );

  it.each(CHECK_NAMES)('is red when %s failed', (name) => {
    expect(verdictOf(withResult(name, 'fail')).tone).toBe('bad');
  });

  it('tells what was changed from what does not add up, and from another station', () => {
    expect(verdictOf(withResult('inclusion', 'fail')).title.key).toBe('verdict.changed');
    expect(verdictOf(withResult('session', 'fail')).title.key).toBe('verdict.contradicts');
    const stranger = identityFromSeed(new Uint8Array(32).fill(4)).publicKey;
    const other = verifyReceipt(testReceipt(station, [0], null), { trustedKey: stranger });
    expect(verdictOf(other).title.key).toBe('verdict.otherKey');
    expect(verdictOf(verifyReceipt('{}')).title.key).toBe('verdict.notReceipt');
  });

  it('about the chain is never better than doubt, because nobody asked', () => {
    expect(anchorVerdictOf(good, null)).toMatchObject({ tone: 'doubt', title: { key: 'anchor.none' } });
    const anchored = verifyReceipt(testReceipt(station, [0]), { trustedKey });
    const block = { number: '1', hash: '0x', genesis: '0x' };
    expect(anchorVerdictOf(anchored, block)).toMatchObject({ tone: 'doubt', title: { key: 'anchor.asked' } });
    const broken = {
      ...anchored,
      checks: anchored.checks.map((check) =>
        check.name === 'anchor-header' ? { ...check, result: 'fail' as const } : check,
      ),
    };
    expect(anchorVerdictOf(broken, block)).toMatchObject({ tone: 'bad' });
    expect(anchorVerdictOf(verifyReceipt(''), null)).toBeUndefined();
    const changed = {
      ...anchored,
      checks: anchored.checks.map((check) =>
        check.name === 'inclusion' ? { ...check, result: 'fail' as const } : check,
      ),
    };
    expect(anchorVerdictOf(changed, block)).toBeUndefined();
  });
});

describe('the picture of the power', () => {
  const curveOf = (options: SessionLogOptions, indices = sessionIndices) => {
    const log = sessionLog({ minutes: 20, ...options });
    return powerCurve(verifyReceipt(testReceipt(log, indices(log), null)).statements, METER.meterSerial);
  };

  it('is one line where there is a reading a minute', () => {
    const curve = curveOf({});
    expect(curve).toMatchObject({ source: 'measured', gaps: [] });
    expect(curve?.lines.map((line) => line.length)).toEqual([21]);
    expect(curve?.maxWatts).toBeGreaterThan(11_000);
    expect(Math.round((curve?.durationMs ?? 0) / 60_000)).toBe(20);
  });

  it('shows a gap as a gap, never as a line across it', () => {
    const curve = curveOf({ gap: [8, 12] });
    expect(curve?.lines.map((line) => line.length)).toEqual([8, 8]);
    expect(curve?.gaps.map(({ fromMs, toMs }) => Math.round((toMs - fromMs) / 60_000))).toEqual([6]);
  });

  it('follows from the energy between readings when the meter measures no power', () => {
    const curve = curveOf({ withoutPower: true });
    const measured = curveOf({});
    expect(curve?.source).toBe('derived');
    expect(Math.abs((curve?.maxWatts ?? 0) - (measured?.maxWatts ?? 0))).toBeLessThan(15);
  });

  it('is in the order of the log and of the running clock, however the wall clock jumps', () => {
    const jumping = (entry: Parameters<NonNullable<SessionLogOptions['change']>>[0]) => ({
      ...entry,
      timeMs: 1_800_000_000_000 - entry.index * 3_600_000,
    });
    expect(curveOf({ change: jumping })).toEqual(curveOf({}));
  });

  it('breaks where the station started anew, and goes on by the wall clock there', () => {
    const restarted = (entry: Parameters<NonNullable<SessionLogOptions['change']>>[0]) =>
      entry.index <= 10 ? entry : { ...entry, bootCount: 8, sinceBootMs: entry.sinceBootMs - 600_000 };
    const curve = curveOf({ change: restarted });
    expect(curve?.lines).toHaveLength(2);
    expect(Math.round((curve?.durationMs ?? 0) / 60_000)).toBe(20);
  });

  it('is none of a single reading, or of another meter', () => {
    expect(curveOf({}, ({ beginIndex }) => [beginIndex])).toBeUndefined();
    expect(powerCurve(good.statements, 'another')).toBeUndefined();
  });
});

describe('figures', () => {
  it('keep every digit of the energy', () => {
    expect(kilowattHours('11297.2', 'en')).toBe('11.2972 kWh');
    expect(kilowattHours('11297.20', 'de')).toBe('11,29720 kWh');
    expect(kilowattHours('123456789012345678901', 'en')).toBe('123456789012345678.901 kWh');
    expect(kilowattHours('-5', 'en')).toBe('-0.005 kWh');
    expect(kilowattHours(`0.${'0'.repeat(63)}1`, 'en')).toBe(`0.${'0'.repeat(66)}1 kWh`);
  });

  it('say durations and times as people do', () => {
    expect([0, 61_000, 3_720_000, 360_000_000].map(duration)).toEqual([
      '0 s',
      '1 min 01 s',
      '1 h 02 min',
      '100 h 00 min',
    ]);
    expect(readableTime('2026-07-01T12:00:00.250Z', 'en', 'Europe/Berlin')).toEqual({
      local: '1 Jul 2026, 14:00:00 CEST',
      utc: '2026-07-01 12:00:00 UTC',
    });
    expect(readableTime('9007199254740991 ms since 1970', 'en').utc).toBe('9007199254740991 ms since 1970');
  });
});

describe('the words', () => {
  const { en, de } = LANGUAGES;
  const keys = Object.keys(en) as WordKey[];
  const places = (text: string) => [...text.matchAll(/\{\w+\}/g)].map(([place]) => place).sort();

  it('are the same things in every language, with the same places', () => {
    expect(Object.keys(de).sort()).toEqual([...keys].sort());
    for (const key of keys) expect(places(de[key]), key).toEqual(places(en[key]));
  });

  it('exist for every check and every result', () => {
    for (const name of CHECK_NAMES) {
      for (const result of ['pass', 'fail', 'not checked'] as const) {
        expect(`${name}.${result}` in en, `${name}.${result}`).toBe(true);
      }
    }
  });

  it('take values as they are', () => {
    const values = { energy: '{begin}', begin: '$&', end: '<b>', meter: '', evse: '$1' };
    expect(say(en, phrase('verdict.session', values))).toBe('{begin}, from $& to <b>, meter  at $1.');
  });

  it('are read as they stand, whatever a value would do to them', () => {
    const values = { name: 'a\u202eb\u200b\nc' };
    expect(say(en, phrase('page.unreadable', values))).toBe(
      'The file a\ufffdb\ufffd\ufffdc could not be read.',
    );
    expect(say(en, phrase('page.unreadable', { name: 'אב 12' }))).toContain('file \u2068אב 12\u2069 could');
    expect(strangersValue('😀'.repeat(500))).toBe(`${'😀'.repeat(160)}…`);
  });

  it('are those of the first language of the reader that there is', () => {
    expect(languageOf(['fr-FR', 'de-CH', 'en'])).toBe('de');
    expect(languageOf(['en-US', 'de'])).toBe('en');
    expect(languageOf(['pl'])).toBe('en');
  });
});
