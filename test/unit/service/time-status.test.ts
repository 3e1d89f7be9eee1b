import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { chooseReading } from '../../../src/service/time-status/choose-reading.ts';
import {
  chronyFloat,
  decodeTrackingReply,
  encodeTrackingRequest,
} from '../../../src/service/time-status/chrony-tracking.ts';
import { timesyncdReading } from '../../../src/service/time-status/ask-timesyncd.ts';
import { judgeTime, type TimeEvidence } from '../../../src/service/time-status/judge-time.ts';
import { parseAdjtimex, parseTimedatectl } from '../../../src/service/time-status/kernel-time.ts';
import type { TimeReading } from '../../../src/service/time-status/time-reading.ts';

const capture = (name: string): string =>
  readFileSync(new URL(`../../vector/clock/${name}`, import.meta.url), 'utf8');

describe("the kernel's own state", () => {
  it.each(['adjtimex-debian.txt', 'adjtimex-busybox.txt'])(
    'is read from %s, captured where nobody steers the clock',
    (file) => {
      expect(parseAdjtimex(capture(file))).toMatchObject({
        source: 'kernel',
        synchronised: false,
        maxErrorMs: null,
        leap: 'none',
        detail: 'maxerror 16000000 µs, status 0x40 (unsync)',
      });
    },
  );

  /** The captured text with other numbers in it. */
  const changed = (file: string, numbers: Readonly<Record<string, number>>): string =>
    Object.entries(numbers).reduce(
      (text, [name, value]) => text.replace(new RegExp(`(${name}:? *[:=] *)-?\\d+`), `$1${value}`),
      capture(file),
    );

  it.each(['adjtimex-debian.txt', 'adjtimex-busybox.txt'])(
    'counts as synchronised while the error is bounded, in %s',
    (file) => {
      const steered = { maxerror: 152_500, status: 0x2001, offset: -2_500_000, 'return value': 0 };
      expect(parseAdjtimex(changed(file, steered))).toMatchObject({ synchronised: true, maxErrorMs: 155 });
      const microseconds = { ...steered, status: 0x0001, offset: 2_500 };
      expect(parseAdjtimex(changed(file, microseconds))).toMatchObject({ maxErrorMs: 155 });
      // STA_UNSYNC without STA_NANO: a daemon keeps the kernel off the battery-backed clock.
      const offRtc = { ...microseconds, status: 0x0041, 'return value': 5 };
      expect(parseAdjtimex(changed(file, offRtc))).toMatchObject({ synchronised: true, maxErrorMs: 155 });
    },
  );

  it.each([
    [0, 'none'],
    [1, 'insert'],
    [2, 'delete'],
    [3, 'in-progress'],
    [4, 'done'],
    [5, 'none'],
  ])('tells of leap seconds: return value %i is %s', (value, leap) => {
    expect(parseAdjtimex(changed('adjtimex-debian.txt', { 'return value': value }))).toMatchObject({ leap });
    expect(parseAdjtimex(changed('adjtimex-busybox.txt', { 'return value': value }))).toMatchObject({ leap });
  });

  it('is not read from a usage text, from half an answer, or from nothing', () => {
    const text = capture('adjtimex-debian.txt');
    for (const other of ['', 'Usage: adjtimex [-q] [-o OFS]', text.slice(0, text.indexOf('status'))]) {
      expect(parseAdjtimex(other)).toBeUndefined();
    }
  });

  it('is known to timedatectl to within 16 s only', () => {
    expect(parseTimedatectl('NTPSynchronized=yes\n')).toMatchObject({
      synchronised: true,
      maxErrorMs: 16_000,
    });
    expect(parseTimedatectl('NTPSynchronized=no\n')).toMatchObject({ synchronised: false, maxErrorMs: null });
    expect(parseTimedatectl('System has not been booted with systemd as init system')).toBeUndefined();
  });
});

/** Answers of chronyd 4.3 to the request with this sequence number, and what chronyc said at about the same time. */
const SEQUENCE = 0xc0ffee01;
const FOLLOWS_SERVER = Buffer.from(
  '06020000002100050000000000000000c0ffee0100000000000000007f0000017f0000010000000000000000000000000001000000020000000000006b04007b1ada50b0db060d82cf012cfdcec631c4f348dcb6ed69dcc0f88e47e9e091a8e8d8fd5eba0080e417',
  'hex',
);
const FOLLOWS_ITSELF = Buffer.from(
  '06020000002100050000000000000000c0ffee0100000000000000007f7f0101000000000000000000000000000000000000000000010000000000006b040052333111e3000000000000000000000000000000000000000000000000000000000000000000000000',
  'hex',
);

describe("chronyd's tracking", () => {
  it('is asked for with as many bytes as the answer has', () => {
    const request = encodeTrackingRequest(SEQUENCE);
    expect(request).toHaveLength(FOLLOWS_SERVER.length);
    expect(Buffer.from(request.subarray(0, 20)).toString('hex')).toBe(
      '0601000000210000c0ffee010000000000000000',
    );
  });

  it('bounds the error by offset, root dispersion and half the root delay', () => {
    const reading = decodeTrackingReply(FOLLOWS_SERVER, SEQUENCE);
    expect(reading).toMatchObject({
      synchronised: true,
      leap: 'none',
      detail: 'reference 7F000001, stratum 2',
    });
    expect(reading?.maxErrorMs).toBeGreaterThan(0);
    expect(reading?.maxErrorMs).toBeLessThan(0.01);
  });

  it('is no synchronisation while chronyd follows its own clock, although it says Normal', () => {
    expect(decodeTrackingReply(FOLLOWS_ITSELF, SEQUENCE)).toMatchObject({
      synchronised: false,
      maxErrorMs: null,
      detail: 'chronyd follows its own clock (directive local)',
    });
  });

  it('tells of leap seconds, and of not being synchronised', () => {
    const leap = (status: number): TimeReading | undefined => {
      const datagram = Buffer.from(FOLLOWS_SERVER);
      datagram.writeUInt16BE(status, 54);
      return decodeTrackingReply(datagram, SEQUENCE);
    };
    expect(leap(1)).toMatchObject({ synchronised: true, leap: 'insert' });
    expect(leap(2)).toMatchObject({ synchronised: true, leap: 'delete' });
    expect(leap(3)).toMatchObject({ synchronised: false, leap: 'none' });
  });

  it('is nothing else that may arrive at the socket', () => {
    expect(decodeTrackingReply(FOLLOWS_SERVER, SEQUENCE + 1)).toBeUndefined();
    for (const at of [0, 1, 4, 5, 6, 7, 8, 9, 16, 19]) {
      const datagram = Buffer.from(FOLLOWS_SERVER);
      datagram[at]! ^= 0x40;
      expect(decodeTrackingReply(datagram, SEQUENCE), `byte ${at}`).toBeUndefined();
    }
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 103 }), (datagram) => {
        expect(decodeTrackingReply(datagram, SEQUENCE)).toBeUndefined();
      }),
    );
  });

  it("reads chrony's floats", () => {
    // Coefficient 1 and -1 of 25 bits, exponents 25, 0 and -64.
    expect(chronyFloat(((25 << 25) | 1) >>> 0)).toBe(1);
    expect(chronyFloat(((25 << 25) | 0x1ffffff) >>> 0)).toBe(-1);
    expect(chronyFloat(1)).toBe(2 ** -25);
    expect(chronyFloat(((0x40 << 25) | 3) >>> 0)).toBe(3 * 2 ** -89);
    expect(chronyFloat(0)).toBe(0);
  });
});

describe("systemd-timesyncd's marker", () => {
  it('is worth less the older it is, and nothing when it is of the future or of long ago', () => {
    const now = Date.UTC(2027, 0, 1);
    expect(timesyncdReading(now - 1_000_000, now)).toMatchObject({ synchronised: true, maxErrorMs: 500 });
    expect(timesyncdReading(now + 1, now)).toMatchObject({ synchronised: false, maxErrorMs: null });
    expect(timesyncdReading(now - 7_000_000, now)).toMatchObject({ synchronised: false });
  });
});

const good = (source: TimeReading['source'], maxErrorMs: number | null = 10): TimeReading => ({
  ...{ source, synchronised: true, maxErrorMs, leap: 'none', detail: '' },
});
const bad = (source: TimeReading['source']): TimeReading => ({
  ...{ source, synchronised: false, maxErrorMs: null, leap: 'none', detail: '' },
});

describe('which source counts', () => {
  it.each([
    ['chronyd, whatever the others say', [bad('chrony'), good('kernel'), good('timesyncd')], 'chrony'],
    ['the kernel, where the clock was set by hand', [undefined, bad('kernel'), good('timesyncd')], 'kernel'],
    [
      'the closer bound of two',
      [undefined, { ...good('kernel'), maxErrorMs: 16_000 }, good('timesyncd')],
      'timesyncd',
    ],
    ['the closer bound of two', [undefined, good('kernel', 3), good('timesyncd', 4)], 'kernel'],
    ['the only one', [undefined, undefined, good('timesyncd')], 'timesyncd'],
    ['the only one', [undefined, good('kernel'), undefined], 'kernel'],
    ['none', [undefined, undefined, undefined], undefined],
  ] as const)('is %s', (_, readings, expected) => {
    expect(chooseReading(readings)?.source).toBe(expected);
  });
});

describe('what the wall clock is worth', () => {
  const FLOOR = Date.UTC(2026, 10, 1);
  const said = (reading: TimeReading, ageMs = 0, steppedSince = false): Partial<TimeEvidence> => ({
    reading: { said: reading, ageMs, steppedSince },
  });
  const kernel = good('kernel');
  it.each<[string, string, Partial<TimeEvidence>]>([
    ['S', 'synchronised within the bound', said(kernel)],
    ['S', 'synchronised within the bound, a while ago', said(kernel, 290_000)],
    ['S', 'exactly at the bound', said({ ...kernel, maxErrorMs: 1_000 })],
    ['I', 'synchronised, error above the bound', said({ ...kernel, maxErrorMs: 1_000.1 })],
    ['I', 'above the bound by 500 ppm since it was said', said({ ...kernel, maxErrorMs: 999.9 }, 201)],
    ['I', 'synchronised, error unknown', said({ ...kernel, maxErrorMs: null })],
    ['I', 'no more synchronised, never set since', { ...said(bad('kernel')), wasSynchronised: true }],
    ['I', 'the battery-backed clock agrees', { ...said(bad('kernel')), rtcDifferenceMs: -5_000 }],
    ['U', 'the battery-backed clock does not agree', { ...said(bad('kernel')), rtcDifferenceMs: 5_001 }],
    ['U', 'not synchronised', said(bad('kernel'))],
    ['U', 'nobody answers', {}],
    ['U', 'nobody answers, although it was synchronised', { wasSynchronised: true, rtcDifferenceMs: 0 }],
    ['U', 'the answer is too old', said(kernel, 300_001)],
    ['U', 'it was set since the answer', said(kernel, 0, true)],
    ['U', 'before the floor, whatever anybody says', { ...said(kernel), nowWallMs: FLOOR - 1 }],
    ['U', '1970: never set', { ...said(bad('kernel')), nowWallMs: 12_000, rtcDifferenceMs: 0 }],
  ])('is %s: %s', (status, _, evidence) => {
    const judged = judgeTime(
      { nowWallMs: FLOOR, floorMs: FLOOR, wasSynchronised: false, ...evidence },
      { maxErrorMs: 1_000, longestAgeMs: 300_000 },
    );
    expect(judged.status).toBe(status);
    if (status === 'S') expect(judged.maxErrorMs).toBeLessThanOrEqual(1_000);
  });

  it('is S only with an answer that is fresh, of now, and within the bound (any evidence)', () => {
    fc.assert(
      fc.property(
        fc.record({
          nowWallMs: fc.integer({ min: FLOOR - 1e6, max: FLOOR + 1e6 }),
          wasSynchronised: fc.boolean(),
          synchronised: fc.boolean(),
          maxErrorMs: fc.option(fc.double({ min: 0, max: 2_000, noNaN: true })),
          ageMs: fc.integer({ min: 0, max: 600_000 }),
          steppedSince: fc.boolean(),
          rtcDifferenceMs: fc.integer({ min: -10_000, max: 10_000 }),
        }),
        ({ synchronised, maxErrorMs, ageMs, steppedSince, ...rest }) => {
          const reading = { said: { ...kernel, synchronised, maxErrorMs }, ageMs, steppedSince };
          const bounds = { maxErrorMs: 1_000, longestAgeMs: 300_000 };
          const { status } = judgeTime({ ...rest, floorMs: FLOOR, reading }, bounds);
          if (status !== 'S') return;
          expect({ synchronised, steppedSince }).toEqual({ synchronised: true, steppedSince: false });
          expect(rest.nowWallMs).toBeGreaterThanOrEqual(FLOOR);
          expect(ageMs).toBeLessThanOrEqual(300_000);
          expect(maxErrorMs).not.toBeNull();
          expect(maxErrorMs! + ageMs * 0.0005).toBeLessThanOrEqual(1_000);
        },
      ),
    );
  });
});
