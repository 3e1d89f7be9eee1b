import { Sign1 } from '@auth0/cose';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ENERGY_IMPORT, parseDecimal } from '../../../hal/contract/index.ts';
import { bytesToHex } from '../../../src/chain/index.ts';
import { identityFromSeed } from '../../../src/identity/index.ts';
import {
  decodeEntry,
  encodeEntry,
  formatTlogProof,
  signRotation,
  type JournalEntry,
} from '../../../src/journal/index.ts';
import {
  createReceipt,
  verifyReceipt,
  type CheckName,
  type CheckResult,
  type Receipt,
  type ReceiptReport,
} from '../../../src/receipt/index.ts';
import {
  receiptInput,
  testReceipt,
  testStation,
  type TestStation,
} from '../../support/receipt/receipt-fixture.ts';
import {
  METER,
  SESSION_ID,
  sessionIndices,
  sessionLog,
  type SessionLog,
  type SessionLogOptions,
} from '../../support/receipt/session-fixture.ts';

const station = sessionLog({ gap: [40, 46] });
const good = testReceipt(station, sessionIndices(station));
const trustedKey = station.identity.publicKey;

const resultOf = (report: ReceiptReport, name: CheckName): CheckResult | undefined =>
  report.checks.find((check) => check.name === name)?.result;
const failures = ({ checks }: ReceiptReport): CheckName[] =>
  checks.filter(({ result }) => result === 'fail').map(({ name }) => name);

/** The report on a session whose log says something else. */
function reportOn(options: SessionLogOptions, indices?: (log: SessionLog) => number[]): ReceiptReport {
  const log = sessionLog({ minutes: 12, ...options });
  return verifyReceipt(testReceipt(log, (indices ?? sessionIndices)(log), null), {
    trustedKey: log.identity.publicKey,
  });
}

const onKind =
  (kind: JournalEntry['kind'], change: (entry: JournalEntry) => JournalEntry) =>
  (entry: JournalEntry): JournalEntry =>
    entry.kind === kind ? change(entry) : entry;

describe('the receipt of a charging session', () => {
  it('passes every check that needs no network', () => {
    const report = verifyReceipt(good, { trustedKey });
    expect(report.ok).toBe(true);
    const open = report.checks.filter(({ result }) => result !== 'pass').map(({ name }) => name);
    expect(open).toEqual(['finality']);
  });

  it('says what was charged, exactly as the register rose, and between which entries', () => {
    const { session } = verifyReceipt(good);
    expect(session).toMatchObject({
      sessionId: SESSION_ID,
      meterSerial: METER.meterSerial,
      begin: { index: station.beginIndex, register: '4821337.6', clock: 'synchronised' },
      end: { index: station.endIndex, register: '4832634.8' },
      wh: '11297.2',
      durationMs: 74 * 60_000 + station.endIndex - station.beginIndex,
    });
  });

  it('tells what the entries without a reading say, faults and their facts too', () => {
    const fault = {
      code: 'session.energy_fell',
      message: 'raised',
      facts: [{ name: 'meter', value: 'evse1' }],
    };
    const report = reportOn({
      gap: [4, 6],
      change: onKind('tariff', (entry) => ({ ...entry, kind: 'fault', body: fault })),
    });
    const told = report.statements.filter(({ tells }) => tells !== undefined);
    expect(told.map(({ kind, tells }) => [kind, tells])).toEqual([
      ['boot', 'test 1.0'],
      ['fault', 'session.energy_fell: raised (meter evse1)'],
      ['gap', '3 readings of meter evse1 are missing: meter.timeout'],
    ]);
  });

  it('counts what the log has in between and the receipt does not show', () => {
    const few = testReceipt(station, [0, station.beginIndex, 20, 30, station.endIndex]);
    expect(verifyReceipt(few).session).toMatchObject({
      entriesBetween: station.endIndex - station.beginIndex - 1,
      entriesShown: 2,
      wh: '11297.2',
    });
  });

  it('carries the OCMF records beside the entries, in version 2 of the format; without them it is version 1', () => {
    const receipt = JSON.parse(good) as Receipt;
    expect(receipt.format).toBe('delmonicos-receipt/v2');
    expect(receipt.ocmf).toHaveLength(2);
    const plain = sessionLog({ withoutOcmf: true, minutes: 5 });
    const without = JSON.parse(testReceipt(plain, sessionIndices(plain))) as Receipt;
    expect(without).toMatchObject({ format: 'delmonicos-receipt/v1', ocmf: null });
  });

  it('is given also when the log contradicts itself, and says so', () => {
    const log = sessionLog({
      minutes: 5,
      change: onKind('session-end', (entry) => ({ ...entry, timeMs: entry.timeMs + 3_600_000 })),
    });
    expect(failures(verifyReceipt(testReceipt(log, sessionIndices(log))))).toEqual(['times']);
  });
});

describe('a session fails by name', () => {
  const bodyOf = (change: Record<string, unknown>) => (entry: JournalEntry) =>
    ({ ...entry, body: { ...entry.body, ...change } }) as JournalEntry;
  const withRegister = (wh: string, quality = 'G') =>
    bodyOf({
      reading: {
        ...METER,
        readBeginMonoMs: 1,
        readEndMonoMs: 2,
        values: [{ obis: ENERGY_IMPORT, value: parseDecimal(wh), unit: 'Wh', quality }],
      },
    });

  it.each<readonly [string, SessionLogOptions, CheckName[]]>([
    [
      'session: ends as another session',
      { change: onKind('session-end', bodyOf({ sessionId: 'x' })) },
      ['session'],
    ],
    [
      'session: ends at another EVSE',
      { change: onKind('session-end', bodyOf({ evseId: 'x' })) },
      ['session'],
    ],
    [
      'session: another meter at the end',
      {
        withoutOcmf: true,
        change: onKind('session-end', (entry) => {
          if (entry.kind !== 'session-end') return entry;
          return {
            ...entry,
            body: { ...entry.body, reading: { ...entry.body.reading, meterSerial: 'OTHER' } },
          };
        }),
      },
      ['session'],
    ],
    [
      'session and energy: less on the register at the end than at the begin',
      { withoutOcmf: true, change: onKind('session-end', withRegister('12')) },
      ['session', 'energy'],
    ],
    [
      'session: the register falls and rises again in between',
      {
        change: (entry) =>
          entry.kind === 'reading' && entry.index === 6
            ? {
                ...entry,
                body: {
                  ...entry.body,
                  values: [{ obis: ENERGY_IMPORT, value: parseDecimal('3'), unit: 'Wh', quality: 'G' }],
                },
              }
            : entry,
      },
      ['session'],
    ],
    [
      'session: the meter was exchanged in between',
      {
        gap: [4, 4],
        change: onKind('gap', (entry) => ({
          ...entry,
          kind: 'meter-swap',
          body: {
            meterId: 'evse1',
            profileId: METER.profileId,
            oldSerial: METER.meterSerial,
            newSerial: 'B',
          },
        })),
      },
      ['session'],
    ],
    [
      'times: the wall clock ran an hour ahead of the clock that never jumps, and no step was recorded',
      { change: onKind('session-end', (entry) => ({ ...entry, timeMs: entry.timeMs + 3_600_000 })) },
      ['times'],
    ],
    [
      'ocmf: the register of the record is not that of the entry',
      { change: onKind('session-end', withRegister('4999999')) },
      ['ocmf'],
    ],
    [
      'ocmf: a record that was changed before it was put in the log',
      {
        change: onKind('session-end', (entry) =>
          entry.kind === 'session-end' && entry.body.ocmf !== undefined
            ? { ...entry, body: { ...entry.body, ocmf: entry.body.ocmf.replace('04A1B2C3D4', '04A1B2C3D5') } }
            : entry,
        ),
      },
      ['ocmf'],
    ],
  ])('%s', (_story, options, expected) => {
    expect(failures(reportOn(options))).toEqual(expected);
  });

  it('ocmf: the record beside the entries is another one than the one in them', () => {
    const forged = good.replace('04A1B2C3D4', '04A1B2C3D5');
    expect(forged).not.toBe(good);
    expect(failures(verifyReceipt(forged))).toEqual(['ocmf']);
  });

  it('ocmf: records that are one only together, or none, and a key that is no point of the curve', () => {
    const record = (kind: string, text: string) =>
      onKind(
        kind as JournalEntry['kind'],
        (entry) => ({ ...entry, body: { ...entry.body, ocmf: text } }) as JournalEntry,
      );
    const [begin = ''] = (JSON.parse(good) as Receipt).ocmf ?? [];
    const [head, tail] = [
      begin.slice(0, begin.lastIndexOf('|') + 1),
      begin.slice(begin.lastIndexOf('|') + 1),
    ];
    for (const [first, last] of [
      [head, tail],
      ['', ''],
      ['<signedData/>', '<'],
      [`${begin} ${begin}`, begin],
    ] as const) {
      const change = (entry: JournalEntry) =>
        record('session-end', last)(record('session-begin', first)(entry));
      expect(failures(reportOn({ change }))).toEqual(['ocmf']);
    }
    const noPoint = (entry: JournalEntry): JournalEntry =>
      entry.kind === 'boot' && entry.body.birth !== undefined
        ? { ...entry, body: { ...entry.body, birth: { ...entry.body.birth, ocmfKey: new Uint8Array(65) } } }
        : entry;
    expect(failures(reportOn({ change: noPoint }))).toEqual(['ocmf']);
  });

  it('session: two begins and one end', () => {
    const log = sessionLog({
      minutes: 8,
      change: onKind('tariff', (entry) => {
        const { reading } = (sessionBegin as { body: { reading: object } }).body;
        return {
          ...entry,
          kind: 'session-begin',
          body: { sessionId: 'b', evseId: 'e', reading },
        } as JournalEntry;
      }),
    });
    expect(failures(verifyReceipt(testReceipt(log, sessionIndices(log))))).toContain('session');
  });
});

/** Any begin, to take its reading from. */
let sessionBegin: JournalEntry | undefined;
sessionLog({ minutes: 2, change: onKind('session-begin', (entry) => (sessionBegin = entry)) });

describe('a session is not said to be checked', () => {
  it('when its begin or its end is missing', () => {
    const report = reportOn({}, ({ beginIndex }) => [0, beginIndex, beginIndex + 3]);
    expect(resultOf(report, 'session')).toBe('not checked');
    expect(resultOf(report, 'energy')).toBe('not checked');
    expect(report.session).toBeNull();
    expect(failures(report)).toEqual([]);
  });

  it('when the meter itself did not vouch for its register', () => {
    const report = reportOn({
      withoutOcmf: true,
      change: onKind('session-end', (entry) =>
        entry.kind === 'session-end'
          ? {
              ...entry,
              body: {
                ...entry.body,
                reading: {
                  ...entry.body.reading,
                  values: entry.body.reading.values.map((value) => ({ ...value, quality: 'T' as const })),
                },
              },
            }
          : entry,
      ),
    });
    expect(resultOf(report, 'energy')).toBe('not checked');
    expect(report.session?.wh).toBeNull();
  });

  it.each(['U', 'I', 'R'] as const)('to have right times with the clock status %s', (clock) => {
    const report = reportOn({ clock });
    expect(resultOf(report, 'times')).toBe('not checked');
    expect(failures(report)).toEqual([]);
  });

  it('when the entry says its register twice: which one would be for the forger to choose', () => {
    const report = reportOn({
      withoutOcmf: true,
      change: onKind('session-end', (entry) => {
        if (entry.kind !== 'session-end') return entry;
        const { reading } = entry.body;
        const more = {
          obis: ENERGY_IMPORT,
          value: parseDecimal('99999999'),
          unit: 'Wh',
          quality: 'G',
        } as const;
        return {
          ...entry,
          body: { ...entry.body, reading: { ...reading, values: [more, ...reading.values] } },
        };
      }),
    });
    expect(resultOf(report, 'energy')).toBe('not checked');
    expect(report.session?.wh).toBeNull();
  });

  it('to have an OCMF record that fits without entry 0, which names the key', () => {
    const report = reportOn({}, (log) => sessionIndices(log).filter((index) => index > 0));
    expect(resultOf(report, 'ocmf')).toBe('not checked');
    expect(failures(report)).toEqual([]);
  });
});

describe('a clock that was set during the session', () => {
  const stepMs = 7_200_000;
  const set = (entry: JournalEntry): JournalEntry => {
    if (entry.kind === 'gap') {
      return { ...entry, kind: 'clock-step', body: { stepMs, before: 'U', after: 'S', reason: 'set' } };
    }
    return entry.index > 6 ? { ...entry, timeMs: entry.timeMs + stepMs } : entry;
  };

  it('is explained by the step in the log', () => {
    const report = reportOn({ gap: [4, 4], change: set, withoutOcmf: true });
    expect(failures(report)).toEqual([]);
    expect(resultOf(report, 'times')).toBe('pass');
  });

  it('is a contradiction when the receipt leaves the step out', () => {
    const stepAt = (log: SessionLog) => log.beginIndex + 5;
    const report = reportOn({ gap: [4, 4], change: set, withoutOcmf: true }, (log) =>
      sessionIndices(log).filter((index) => index !== stepAt(log)),
    );
    expect(failures(report)).toEqual(['times']);
  });
});

describe('a session across a restart', () => {
  const restarted = (setBackMs: number, clock: 'S' | 'I') =>
    reportOn({
      change: onKind('session-end', (entry) => ({
        ...entry,
        bootCount: 8,
        sinceBootMs: 9_000,
        timeMs: entry.timeMs - setBackMs,
        clock,
      })),
      withoutOcmf: true,
    });

  it('has no contradiction as long as the wall clock does not say that it ended before it began', () => {
    expect(failures(restarted(0, 'S'))).toEqual([]);
    expect(failures(restarted(3_600_000, 'S'))).toEqual(['times']);
  });

  it('says nothing about a wall clock that nobody set', () => {
    expect(resultOf(restarted(3_600_000, 'I'), 'times')).toBe('not checked');
  });
});

describe('a log whose key was replaced', () => {
  const next = identityFromSeed(new Uint8Array(32).fill(9));
  const log = sessionLog({ minutes: 6 });
  const rotated = ((): TestStation & { readonly rotationIndex: number } => {
    const rotationIndex = log.log.length;
    const stamp = {
      station: log.origin,
      timeMs: 1_800_000_000_000,
      clock: 'S',
      bootCount: 8,
      sinceBootMs: 5,
    } as const;
    const rotation = signRotation({ origin: log.origin, index: rotationIndex }, trustedKey, next);
    const config = {
      ...stamp,
      index: rotationIndex,
      kind: 'config',
      body: { reason: 'rotation', rotation },
    } as const;
    const reading = {
      ...stamp,
      index: rotationIndex + 1,
      kind: 'reading',
      body: { ...METER, readBeginMonoMs: 1, readEndMonoMs: 2, values: [] },
    } as const;
    const entries = [...log.log, encodeEntry(config, log.identity), encodeEntry(reading, next)];
    return { ...log, log: entries, identity: next, rotationIndex };
  })();
  const { rotationIndex } = rotated;
  const made = (indices: readonly number[]) =>
    createReceipt({ ...receiptInput(rotated, indices, null), publicKey: log.identity.publicKey });
  const across = made([log.beginIndex, log.endIndex, rotationIndex, rotationIndex + 1]);

  it('verifies along the rotation, with the first key as well as with the one that signs now', () => {
    for (const key of [log.identity.publicKey, next.publicKey]) {
      const report = verifyReceipt(across, { trustedKey: key });
      expect(failures(report)).toEqual([]);
      expect(resultOf(report, 'trusted-key')).toBe('pass');
    }
    const stranger = identityFromSeed(new Uint8Array(32).fill(77));
    expect(failures(verifyReceipt(across, { trustedKey: stranger.publicKey }))).toEqual(['trusted-key']);
  });

  it('is anchored by the account that came with the new key, which only the rotation ties to the log', () => {
    const anchored = (indices: readonly number[]) =>
      createReceipt({ ...receiptInput(rotated, indices), publicKey: log.identity.publicKey });
    const report = verifyReceipt(anchored([rotationIndex, rotationIndex + 1]));
    expect(failures(report)).toEqual([]);
    expect(resultOf(report, 'anchor-signer')).toBe('pass');
    const { anchor } = JSON.parse(anchored([rotationIndex])) as Receipt;
    const own = testReceipt(log, [log.beginIndex]);
    const foreign = `${JSON.stringify({ ...(JSON.parse(own) as Receipt), anchor }, null, 2)}\n`;
    expect(failures(verifyReceipt(foreign))).toContain('anchor-signer');
  });

  it('holds a session in which the key was replaced: each OCMF record is of the key of its time', () => {
    const at = log.endIndex;
    const stamp = { station: log.origin, timeMs: 1_800_000_000_000, clock: 'S', bootCount: 7 } as const;
    const { entry } = decodeEntry(log.log[at]!);
    if (entry.kind !== 'session-end') throw new TypeError('the fixture has no end there');
    const rotation = signRotation({ origin: log.origin, index: at }, log.identity.publicKey, next);
    const config = { reason: 'rotation', rotation };
    const handOver = {
      ...stamp,
      index: at,
      kind: 'config',
      sinceBootMs: entry.sinceBootMs,
      body: config,
    } as const;
    const [, payload = ''] = entry.body.ocmf?.split('|') ?? [];
    const signedBy = (signer: typeof next): Uint8Array => {
      const signature = Buffer.from(signer.ocmf.sign(Buffer.from(payload))).toString('hex');
      const ocmf = `OCMF|${payload}|{"SA":"ECDSA-secp256r1-SHA256","SD":"${signature}"}`;
      return encodeEntry({ ...entry, index: at + 1, body: { ...entry.body, ocmf } }, next);
    };
    const reportOf = (end: Uint8Array) => {
      const entries = [...log.log.slice(0, at), encodeEntry(handOver, log.identity), end];
      const input = receiptInput(
        { ...log, log: entries, identity: next },
        [0, log.beginIndex, at, at + 1],
        null,
      );
      return verifyReceipt(createReceipt({ ...input, publicKey: log.identity.publicKey }));
    };
    expect(failures(reportOf(signedBy(next)))).toEqual([]);
    expect(resultOf(reportOf(signedBy(next)), 'ocmf')).toBe('pass');
    expect(failures(reportOf(signedBy(log.identity)))).toEqual(['ocmf']);
  });

  it('cannot be forged with the key that was replaced, for those who compare with the newest', () => {
    const { identity } = log;
    // The same log with another end of the session, signed by whoever still has the old key.
    const forged = sessionLog({
      minutes: 6,
      withoutOcmf: true,
      change: onKind('session-end', (entry) => ({ ...entry, timeMs: entry.timeMs + 1 })),
    });
    const behind = { ...forged, log: [...forged.log, ...rotated.log.slice(rotationIndex)] };
    const reportOf = (of: TestStation, indices: readonly number[]) => {
      const { entries, ...input } = receiptInput({ ...of, identity }, indices, null);
      const parts = entries.map(({ index, bytes, inclusionProof }) => ({
        cose: Buffer.from(bytes).toString('base64'),
        proof: formatTlogProof({ index, inclusionProof, checkpoint: input.checkpoint }),
      }));
      const receipt = { origin: input.origin, publicKey: bytesToHex(identity.publicKey), entries: parts };
      const file = { format: 'delmonicos-receipt/v1', ...receipt, ocmf: null, anchor: null };
      return verifyReceipt(`${JSON.stringify(file, null, 2)}\n`, { trustedKey: next.publicKey });
    };
    const ends = [forged.beginIndex, forged.endIndex];
    expect(failures(reportOf(forged, ends))).toEqual(['trusted-key']);
    expect(failures(reportOf(behind, [...ends, rotationIndex]))).toEqual(['checkpoint']);
  });

  it('does not verify without the rotation: the later entries are a stranger’s', () => {
    expect(() => made([log.beginIndex, rotationIndex + 1])).toThrow(
      expect.objectContaining({ code: 'receipt.inconsistent' }) as Error,
    );
  });

  it('has entries on both sides of it that an independent COSE library verifies with the key of each', async () => {
    const { entries } = JSON.parse(across) as Receipt;
    await expectCose(entries.slice(0, 3), log.identity.publicKey);
    await expectCose(entries.slice(3), next.publicKey);
  });
});

it('the second log of a station is of the account that its name begins with', () => {
  const { origin } = testStation();
  const report = verifyReceipt(testReceipt(testStation(1, 5, `${origin}/2`), [3]));
  expect(resultOf(report, 'anchor-signer')).toBe('pass');
  expect(failures(report)).toEqual([]);
});

it('every kind of entry in a receipt verifies with an independent COSE library, and with no bit changed', async () => {
  const { entries } = JSON.parse(good) as Receipt;
  expect(new Set(verifyReceipt(good).statements.map(({ kind }) => kind))).toEqual(
    new Set(['boot', 'session-begin', 'tariff', 'reading', 'gap', 'session-end']),
  );
  await expectCose(entries, trustedKey);
});

async function expectCose(entries: Receipt['entries'], publicKey: Uint8Array): Promise<void> {
  const jwk = { kty: 'OKP', crv: 'Ed25519', x: Buffer.from(publicKey).toString('base64url') };
  const key = await crypto.subtle.importKey('jwk', jwk, 'Ed25519', false, ['verify']);
  for (const { cose } of entries) {
    const bytes = new Uint8Array(Buffer.from(cose, 'base64'));
    await expect(Sign1.decode(bytes).verify(key)).resolves.toBeUndefined();
    bytes[bytes.length - 9]! ^= 4;
    await expect(Sign1.decode(bytes).verify(key)).rejects.toThrow();
  }
}

describe('a changed byte', () => {
  const small = sessionLog({ minutes: 3 });
  const file = Buffer.from(testReceipt(small, sessionIndices(small)));

  it('in the OCMF records beside the entries makes a named check fail', { timeout: 120_000 }, () => {
    const text = file.toString();
    const [from, to] = [text.indexOf('"ocmf"'), text.indexOf('"anchor"')];
    // Every third: with another bit each time, all kinds of characters of a record are met in all their bits.
    const silent = Array.from({ length: Math.floor((to - from) / 3) }, (_, i) => from + 3 * i).filter(
      (at) => {
        const changed = Uint8Array.from(file);
        changed[at]! ^= 1 << (at % 7);
        return failures(verifyReceipt(changed)).length === 0;
      },
    );
    expect(silent).toEqual([]);
  });

  it('makes a named check fail, whatever it is changed to', () => {
    fc.assert(
      fc.property(fc.nat(file.length - 1), fc.integer({ min: 1, max: 255 }), (at, mask) => {
        const changed = Uint8Array.from(file);
        changed[at]! ^= mask;
        const report = verifyReceipt(changed);
        expect(failures(report)).not.toEqual([]);
        expect(report.ok).toBe(false);
      }),
      { numRuns: 300 },
    );
  });
});
