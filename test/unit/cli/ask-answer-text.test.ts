import { describe, expect, it } from 'vitest';
import {
  doctorText,
  frameText,
  journalText,
  logLevelText,
  readingText,
  syncText,
  traceEndText,
  type Paint,
} from '../../../src/cli/ask/answer-text.ts';

const plain: Paint = (_style, text) => text;

describe('what a station answered, as text', () => {
  it('of doctor: head, items, advice', () => {
    const document = {
      station: { name: 'x', version: '0.2.0', boot: 7 },
      ...{ state: 'fault', asOfMs: 93_784_000, time: 1_790_000_000_000, clock: 'S' },
      items: [
        {
          ...{ check: 'meter', subject: 'evse1', state: 'fault', code: 'meter.silent' },
          ...{ detail: 'last reading 12 s ago', advice: 'Check its power.' },
        },
        { check: 'disk', state: 'ok', code: null, detail: '3 % full', advice: null },
      ],
    };
    expect(doctorText(document, 'DE-ACME-0001', plain)).toEqual([
      'DE-ACME-0001, version 0.2.0, up 1 d 2 h (boot 7), 2026-09-21T14:13:20Z (clock: synchronised)',
      'fault    meter evse1: [meter.silent] last reading 12 s ago',
      '         -> Check its power.',
      'ok       disk: 3 % full',
    ]);
  });

  it('of meter read: a table with the values at their right', () => {
    const value = (obis: string, text: string, unit: string) => ({ obis, value: text, unit, quality: 'G' });
    expect(
      readingText({
        meter: { id: 'evse1', profile: 'eastron-sdm630', serial: '21080001' },
        ...{ readBeginMs: 1_000, readEndMs: 1_053 },
        values: [value('1-0:1.8.0*255', '1234567.0', 'Wh'), value('1-0:16.7.0*255', '11040', 'W')],
      }),
    ).toEqual([
      'evse1: eastron-sdm630, serial 21080001, read within 53 ms',
      'OBIS                VALUE  UNIT  QUALITY',
      '1-0:1.8.0*255   1234567.0  Wh    G',
      '1-0:16.7.0*255      11040  W     G',
    ]);
  });

  it('of meter trace: frames as `meter trace` shows them, and how it ended', () => {
    const out = { atMs: 12.3, direction: 'out', hex: '01040000', unit: 1, function: 4 };
    expect(frameText({ ...out, registerAddress: 0, registerCount: 2 }, plain)).toEqual([
      '    12.3 ms  -> 01 04 00 00',
      '             unit 1, function 4: input registers 0 to 1',
    ]);
    const problem = { atMs: 1, direction: 'in', hex: '', afterMs: 999.5, problem: 'no answer' };
    expect(frameText(problem, plain)).toEqual([
      '     1.0 ms  <- (nothing)',
      '             after 999.5 ms',
      '             ! no answer',
    ]);
    expect(frameText({ atMs: 0, line: 'closed', cause: 'EIO' }, plain)).toEqual([
      '     0.0 ms  line closed: EIO',
    ]);
    const error = { code: 'meter.timeout', message: 'no answer', hint: 'Check its power.' };
    expect(traceEndText({ left: 3, others: 2, reading: { ok: false, error } }, plain)).toEqual([
      '2 frames of other meters on this line are not shown',
      '3 frames more than an answer holds',
      'the reading failed: [meter.timeout] no answer',
      '  -> Check its power.',
    ]);
  });

  it('of journal stat', () => {
    expect(
      journalText({
        ...{ origin: 'delmonicos/5D', size: 100, root: 'ab', bytes: 4_096, bootCount: 2 },
        oldest: { index: 10, timeMs: 0 },
        newest: { index: 99, timeMs: 1_000 },
        ...{ pruned: { entries: 10, ranges: 1 }, anchoredSize: 80, backlog: 20 },
        flash: { written: { bytesPerDay: 2_097_152 }, lifeYears: 12.5, emmc: [{ device: 'mmcblk0' }] },
      }),
    ).toEqual([
      'origin     delmonicos/5D',
      'size       100 entries, 4.0 KiB',
      'root       ab',
      'oldest     10 at 1970-01-01T00:00:00Z',
      'newest     99 at 1970-01-01T00:00:01Z',
      'boots      2',
      'anchored   80; 20 wait for an anchor',
      'gone       10 entries in 1 runs',
      'to flash   2.0 MiB a day',
      'flash life 12.5 years, if nothing else writes to it',
      'eMMC       mmcblk0: does not tell its wear',
    ]);
  });

  it('of sync now and log level', () => {
    const anchor = { size: 80, blockNumber: 12, blockHash: '0xab', via: 'light-client' };
    expect(syncText({ round: { state: 'anchored', anchor } }, plain)).toEqual({
      lines: ['80 entries in block 12 (0xab), via light-client'],
      isGood: true,
    });
    const error = { code: 'chain.no_peers', message: 'none', hint: null };
    expect(syncText({ round: { state: 'failed', anchor: null, error } }, plain)).toEqual({
      lines: ['the round failed: [chain.no_peers] none'],
      isGood: false,
    });
    expect(logLevelText({ level: 'debug', configured: 'warning', untilMs: 1 }, 'X', 600_000)).toEqual([
      'X publishes its log from level debug for 10 min 0 s, then from warning again',
    ]);
  });

  it('never steers a terminal, and never fails, whatever came', () => {
    const evil = '\u001b[2Jx\n\u202efault    \u0007';
    const documents: unknown[] = [evil, null, 7, [evil], { [evil]: evil }];
    const keys = [
      'station',
      'items',
      'meter',
      'values',
      'round',
      'anchor',
      'reading',
      'flash',
      'hex',
      'line',
      'detail',
    ];
    for (const one of documents) {
      const item = Object.fromEntries(keys.map((key) => [key, one]));
      const deep = Object.fromEntries(keys.map((key) => [key, [item, one]]));
      for (const document of [item, deep]) {
        const lines = [
          ...doctorText(document, evil, plain),
          ...readingText(document),
          ...frameText(document, plain),
          ...traceEndText(document, plain),
          ...journalText(document),
          ...syncText(document, plain).lines,
          ...logLevelText(document, evil, 1),
        ];
        expect(lines.filter((line) => /[\p{Cc}\p{Cf}]/u.test(line))).toEqual([]);
      }
    }
  });
});
