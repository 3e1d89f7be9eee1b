// Sessions as the station's own recorder writes them, in a receipt.
import { describe, expect, it } from 'vitest';
import { decimal, ENERGY_IMPORT, silentLog, type Quality } from '../../../hal/contract/index.ts';
import { identityFromSeed } from '../../../src/identity/index.ts';
import { encodeEntry, type JournalEntry } from '../../../src/journal/index.ts';
import { verifyReceipt, type CheckName, type ReceiptReport } from '../../../src/receipt/index.ts';
import { SessionRecorder, type SessionEntry } from '../../../src/session/index.ts';
import { testReceipt } from '../../support/receipt/receipt-fixture.ts';

const identity = identityFromSeed(new Uint8Array(32).fill(21));
const origin = `delmonicos/${identity.chainAccount.ss58}`;
const SESSION = { sessionId: 's-1', evseId: 'DE*ACM*E7', meterId: 'evse1' };

/** The report on a session of two hours, by a meter that says these totals with these qualities. */
async function recorded(
  totals: readonly (readonly [wh: number, quality: Quality])[],
): Promise<ReceiptReport> {
  let monoMs = 50_000;
  let reads = 0;
  const stamp = () => ({
    wallTimeMs: Date.UTC(2027, 4, 1) + monoMs,
    clockStatus: 'S' as const,
    sinceBootMs: monoMs,
  });
  const entry = (kind: JournalEntry['kind'], body: unknown): JournalEntry => {
    const { wallTimeMs: timeMs, clockStatus: clock, sinceBootMs } = stamp();
    const place = { station: origin, index: entries.length, bootCount: 1 };
    return { ...place, kind, timeMs, clock, sinceBootMs, body } as JournalEntry;
  };
  const entries: JournalEntry[] = [];
  const { chainAccount, ocmf, publicKey } = identity;
  const birth = { chainAccount: chainAccount.publicKey, ocmfKey: ocmf.publicKey };
  entries.push(entry('boot', { bootId: new Uint8Array(16), software: 'test', birthKey: publicKey, birth }));
  const recorder = new SessionRecorder({
    station: { name: 'DE-ACME-0007', version: '0.1.0' },
    meters: {
      ids: ['evse1'],
      read: async () => {
        const [wh, quality] = totals[Math.min(reads++, totals.length - 1)]!;
        const total = { obis: ENERGY_IMPORT, value: decimal(wh, 0), unit: 'Wh', quality } as const;
        const times = { readBeginMonoMs: monoMs, readEndMonoMs: (monoMs += 60) };
        return { meterSerial: 'A7', profileId: 'test', ...times, values: [total] };
      },
      profileOf: () => 'test',
      readSigned: () => undefined,
      registered: () => undefined,
    },
    journal: {
      stamp,
      bootCount: 1,
      append: async (kind, body) => entries.push(entry(kind, body)) - 1,
    },
    history: () => [],
    entry: (index) => entries[index] as SessionEntry,
    signer: ocmf,
    clock: { nowMonoMs: () => monoMs, sleep: async (ms) => void (monoMs += ms) },
    log: silentLog,
  });
  await recorder.begin({ ...SESSION, idToken: { type: 'ISO14443', data: '04A2B3C4' } });
  monoMs += 7_200_000;
  await recorder.end({ sessionId: SESSION.sessionId, reason: 'local' });
  const log = entries.map((each) => encodeEntry(each, identity));
  const file = testReceipt({ identity, origin, log }, [...log.keys()], null);
  return verifyReceipt(file, { trustedKey: publicKey });
}

const failed = ({ checks }: ReceiptReport): CheckName[] =>
  checks.filter(({ result }) => result === 'fail').map(({ name }) => name);
const result = ({ checks }: ReceiptReport, wanted: CheckName) =>
  checks.find(({ name }) => name === wanted)?.result;

describe('a session that the station recorded', () => {
  it('passes every check, its two OCMF records among them', async () => {
    const report = await recorded([
      [1_000_000, 'G'],
      [1_012_345, 'G'],
    ]);
    expect(failed(report)).toEqual([]);
    for (const name of ['session', 'energy', 'times', 'ocmf'] as const) {
      expect(result(report, name), name).toBe('pass');
    }
    expect(report).toMatchObject({ hasOcmf: true, session: { wh: '12345', meterSerial: 'A7' } });
  });

  it('has no certain energy when the total fell or the meter did not vouch for it, and the record says so too', async () => {
    const fell = await recorded([
      [1_000_000, 'G'],
      [999_000, 'G'],
    ]);
    expect(failed(fell)).toEqual(['session', 'energy', 'ocmf']);
    expect(fell.session?.wh).toBeNull();
    const doubtful = await recorded([
      [1_000_000, 'G'],
      [1_012_345, 'T'],
    ]);
    expect(result(doubtful, 'energy')).toBe('not checked');
    expect(doubtful.session?.wh).toBeNull();
    expect(result(doubtful, 'ocmf')).toBe('fail');
  });
});
