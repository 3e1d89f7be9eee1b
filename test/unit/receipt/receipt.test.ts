import { describe, expect, it } from 'vitest';
import { bytesToHex, type AnchorEvidence } from '../../../src/chain/index.ts';
import { ENERGY_IMPORT, parseDecimal } from '../../../hal/contract/index.ts';
import { decodeEntry, encodeEntry, signCheckpoint } from '../../../src/journal/index.ts';
import {
  anchoredBlockOf,
  CHECK_NAMES,
  createReceipt,
  verifyReceipt,
  type CheckName,
  type FinalityAnswer,
  type Receipt,
  type ReceiptReport,
  type VerifyOptions,
} from '../../../src/receipt/index.ts';
import { anchoredBlock, GENESIS_HASH, type AnchoredBlockOptions } from '../../support/sync/anchored-block.ts';
import { hasCode } from '../../support/has-code.ts';
import {
  checkpointOf,
  receiptInput,
  testReceipt,
  testStation,
  type TestStation,
} from '../../support/receipt/receipt-fixture.ts';

const station = testStation();
const stranger = testStation(2);
const good = testReceipt(station);

type Mutable<T> = { -readonly [K in keyof T]: T[K] extends object | null ? Mutable<T[K]> : T[K] };

/** The receipt after a change, written in the canonical form again, as a forger would. */
function changed(change: (receipt: Mutable<Receipt>) => void, from = good): string {
  const receipt = JSON.parse(from) as Mutable<Receipt>;
  change(receipt);
  return `${JSON.stringify(receipt, null, 2)}\n`;
}

function names(report: ReceiptReport, result: 'pass' | 'fail' | 'not checked'): CheckName[] {
  return report.checks.filter((check) => check.result === result).map(({ name }) => name);
}

/** A log of readings with these profiles and import registers in Wh, all of serial number SIM-0001, from entry 1. */
function stationThatRead(readings: readonly (readonly [profileId: string, wh: string])[]): TestStation {
  const { identity, origin, log } = testStation();
  const entries = readings.map(([profileId, wh], i) => {
    const { entry } = decodeEntry(log[i + 1]!);
    if (entry.kind !== 'reading') throw new TypeError('the fixture has readings from entry 1');
    const energy = { obis: ENERGY_IMPORT, value: parseDecimal(wh), unit: 'Wh', quality: 'G' } as const;
    return encodeEntry({ ...entry, body: { ...entry.body, profileId, values: [energy] } }, identity);
  });
  return { identity, origin, log: [log[0]!, ...entries] };
}

/** What is not checked in a receipt of mere readings. */
const OF_A_SESSION: readonly CheckName[] = ['session', 'ocmf'];

const failures = (file: string, options: VerifyOptions = {}): CheckName[] =>
  names(verifyReceipt(file, options), 'fail');

const BY_A_TEST = { askedOf: 'a test', by: 'node', finalizedNumber: 9_000 } as const;

describe('a receipt', () => {
  it('verifies offline, and says what it could not check', () => {
    const report = verifyReceipt(good);
    expect(report.ok).toBe(true);
    expect(report.checks.map(({ name }) => name)).toEqual(CHECK_NAMES);
    expect(names(report, 'not checked')).toEqual(['trusted-key', ...OF_A_SESSION, 'finality']);
  });

  it('verifies in full with a trusted key and a chain that says final', () => {
    const finality: FinalityAnswer = {
      genesisHash: bytesToHex(GENESIS_HASH),
      verdict: 'final',
      ...BY_A_TEST,
    };
    const report = verifyReceipt(good, { trustedKey: station.identity.publicKey, finality });
    expect(report.ok).toBe(true);
    expect(names(report, 'pass')).toEqual(CHECK_NAMES.filter((name) => !OF_A_SESSION.includes(name)));
  });

  it('verifies without an anchor, whose checks are then not made', () => {
    const report = verifyReceipt(testReceipt(station, [1], null));
    expect(report.ok).toBe(true);
    expect(names(report, 'not checked')).toEqual([
      'trusted-key',
      'session',
      'energy',
      'ocmf',
      ...CHECK_NAMES.filter((name) => name.startsWith('anchor-')),
      'finality',
    ]);
  });

  it('verifies with every choice of entries, in both trie layouts, wherever the extrinsic stands in the block', () => {
    for (const layout of ['V0', 'V1'] as const) {
      for (const [before, after] of [
        [0, 0],
        [2, 0],
        [70, 3],
      ] as const) {
        for (const indices of [[0], [11], [3, 4, 5], station.log.map((_, i) => i)]) {
          expect(verifyReceipt(testReceipt(station, indices, { layout, before, after })).ok).toBe(true);
        }
      }
    }
  });

  it('says what the entries say', () => {
    const { statements, energy } = verifyReceipt(testReceipt(station, [0, 4, 9]));
    expect(statements.map(({ index, kind }) => [index, kind])).toEqual([
      [0, 'boot'],
      [4, 'reading'],
      [9, 'reading'],
    ]);
    expect(statements[1]).toMatchObject({
      time: '2026-04-01T13:01:00.000Z',
      clock: 'synchronised',
      meterSerial: 'SIM-0001',
    });
    expect(statements[1]?.values?.[0]).toEqual({
      obis: '1-0:1.8.0*255',
      value: '1050.0',
      unit: 'Wh',
      quality: 'G',
    });
    expect(energy).toEqual([{ meterSerial: 'SIM-0001', fromIndex: 4, toIndex: 9, wh: '62.5' }]);
  });

  it('says no energy of a register that went back in between, nor between two models that share a serial number', () => {
    const wentBack = stationThatRead([
      ['eastron-sdm630', '1000'],
      ['eastron-sdm630', '20'],
      ['eastron-sdm630', '1200'],
    ]);
    expect(verifyReceipt(testReceipt(wentBack, [1, 3], null)).energy).toMatchObject([{ wh: '200' }]);
    expect(verifyReceipt(testReceipt(wentBack, [1, 2, 3], null)).energy).toEqual([]);
    const twoModels = stationThatRead([
      ['eastron-sdm630', '1000'],
      ['abb-b23', '7000'],
      ['eastron-sdm630', '1200'],
    ]);
    expect(verifyReceipt(testReceipt(twoModels, [1, 2], null)).energy).toEqual([]);
    expect(verifyReceipt(testReceipt(twoModels, [1, 2, 3], null)).energy).toEqual([
      { meterSerial: 'SIM-0001', fromIndex: 1, toIndex: 3, wh: '200' },
    ]);
  });

  it('gives the block to ask a chain about', () => {
    const { genesisHash, blockNumber, blockHash } = receiptInput(station, [4]).anchor!;
    expect(anchoredBlockOf(good)).toEqual({ genesisHash, blockNumber, blockHash });
    expect(anchoredBlockOf(testReceipt(station, [1], null))).toBeUndefined();
    expect(anchoredBlockOf('{}')).toBeUndefined();
  });
});

describe('a receipt fails by name', () => {
  it('trusted-key: of another station than the reader expects', () => {
    expect(failures(good, { trustedKey: stranger.identity.publicKey })).toEqual(['trusted-key']);
    expect(failures(good, { trustedKey: new Uint8Array(31) })).toEqual(['trusted-key']);
  });

  it('entry-signatures: the key was exchanged for that of another station', () => {
    const forged = changed((receipt) => (receipt.publicKey = bytesToHex(stranger.identity.publicKey)));
    expect(failures(forged)).toEqual(['entry-signatures', 'checkpoint']);
    expect(verifyReceipt(forged).statements).toEqual([]);
  });

  it('inclusion and entry-positions: two entries changed places under their proofs', () => {
    const forged = changed(({ entries: [first, second] }) => {
      [first!.cose, second!.cose] = [second!.cose, first!.cose];
    });
    expect(failures(forged)).toEqual(['entry-positions', 'inclusion']);
  });

  it('entry-positions: entries in another order, or twice', () => {
    expect(failures(changed((receipt) => receipt.entries.reverse()))).toEqual(['entry-positions']);
    expect(failures(changed(({ entries }) => entries.push(entries[1]!)))).toEqual(['entry-positions']);
  });

  it('inclusion: the proof of another entry, with the index of this one', () => {
    const other = JSON.parse(testReceipt(station, [5])) as Receipt;
    const forged = changed(({ entries: [first] }) => {
      first!.proof = other.entries[0]!.proof.replace('\nindex 5\n', '\nindex 4\n');
    });
    expect(failures(forged)).toEqual(['inclusion']);
  });

  it('inclusion: an entry that the key signed but the log does not hold', () => {
    // Same station, another history: entry 4 of a log whose readings differ.
    const unlogged = testStation(1, 12);
    const foreign = receiptInput({ ...unlogged, log: unlogged.log.toReversed() }, [4]);
    expect(
      failures(changed(({ entries: [first] }) => (first!.cose = toBase64(foreign.entries[0]!.bytes)))),
    ).toEqual(['entry-positions', 'inclusion']);
  });

  it('inclusion: data in a proof that nothing vouches for', () => {
    const forged = changed(({ entries: [first] }) => {
      first!.proof = first!.proof.replace('\nindex', '\nextra AAAA\nindex');
    });
    expect(failures(forged)).toEqual(['inclusion']);
  });

  it("checkpoint: another station's checkpoint", () => {
    const foreign = receiptInput(stranger, [4, 9]);
    const forged = changed((receipt) => {
      for (const entry of receipt.entries) entry.proof = withCheckpoint(entry.proof, foreign.checkpoint);
    });
    expect(failures(forged)).toEqual(['checkpoint', 'inclusion', 'anchor-checkpoint']);
  });

  it('checkpoint: two proofs on two checkpoints', () => {
    const forged = changed(({ entries: [, second] }) => {
      second!.proof = withCheckpoint(second!.proof, checkpointOf(station, 10));
    });
    expect(failures(forged)).toEqual(['checkpoint']);
  });

  it('checkpoint: of the right origin and signed by somebody else', () => {
    const { origin } = station;
    const fake = signCheckpoint({ origin, size: 12, root: new Uint8Array(32) }, stranger.identity);
    const forged = changed((receipt) => {
      for (const entry of receipt.entries) entry.proof = withCheckpoint(entry.proof, fake);
    });
    expect(failures(forged)).toEqual(['checkpoint', 'inclusion', 'anchor-checkpoint']);
  });

  it('anchor-checkpoint: the anchor of another checkpoint of the same station', () => {
    const older = anchoredBlock({
      account: station.identity.chainAccount,
      checkpoint: checkpointOf(station, 10),
      size: 10,
    });
    expect(failures(changed((receipt) => (receipt.anchor = withoutClaims(older))))).toEqual([
      'anchor-checkpoint',
    ]);
    expect(failures(changed(({ anchor: own }) => (own!.size = 11)))).toEqual(['anchor-checkpoint']);
  });

  it('anchor-call: an extrinsic that remarks something else', () => {
    const remark = Buffer.from('nothing to see here');
    expect(failures(receiptWithAnchor({ remark }))).toEqual(['anchor-call', 'anchor-signature']);
  });

  it('anchor-signer: an extrinsic of another account than the origin names', () => {
    expect(failures(receiptWithAnchor({ account: stranger.identity.chainAccount }))).toEqual([
      'anchor-signer',
    ]);
  });

  it('anchor-signature: an extrinsic that names the account but was signed by another', () => {
    const { chainAccount } = station.identity;
    const account = { publicKey: chainAccount.publicKey, sign: (m: Uint8Array) => stranger.identity.sign(m) };
    expect(failures(receiptWithAnchor({ account }))).toEqual(['anchor-signature']);
  });

  it('anchor-signature: a signature for another chain', () => {
    expect(failures(changed(({ anchor }) => (anchor!.genesisHash = `0x${'11'.repeat(32)}`)))).toEqual([
      'anchor-signature',
    ]);
  });

  it('anchor-inclusion: the extrinsic at another place of the block', () => {
    expect(failures(changed(({ anchor }) => anchor!.extrinsicIndex++))).toEqual(['anchor-inclusion']);
    expect(failures(changed(({ anchor }) => anchor!.extrinsicProof.pop()))).toEqual(['anchor-inclusion']);
  });

  it('anchor-inclusion and anchor-header: the header of another block', () => {
    const other = receiptInput(station, [4], { blockNumber: 4243, before: 5 }).anchor!;
    expect(failures(changed(({ anchor }) => (anchor!.header = other.header)))).toEqual([
      'anchor-inclusion',
      'anchor-header',
    ]);
    expect(failures(changed(({ anchor }) => (anchor!.header = '0x00')))).toEqual([
      'anchor-inclusion',
      'anchor-header',
    ]);
  });

  it('anchor-header: another block hash or number than the header has', () => {
    expect(failures(changed(({ anchor }) => (anchor!.blockNumber = 4241)))).toEqual(['anchor-header']);
    expect(failures(changed(({ anchor }) => (anchor!.blockHash = `0x${'22'.repeat(32)}`)))).toEqual([
      'anchor-header',
    ]);
  });

  it('finality: the chain is another one, or says no', () => {
    const genesisHash = bytesToHex(GENESIS_HASH);
    const of = (answer: FinalityAnswer) => verifyReceipt(good, { finality: answer });
    const elsewhere = `0x${'00'.repeat(32)}` as const;
    expect(names(of({ genesisHash: elsewhere, verdict: 'final', ...BY_A_TEST }), 'fail')).toEqual([
      'finality',
    ]);
    expect(names(of({ genesisHash, verdict: 'not-final-yet', ...BY_A_TEST }), 'fail')).toEqual(['finality']);
    expect(names(of({ genesisHash, verdict: 'not-canonical', ...BY_A_TEST }), 'fail')).toEqual(['finality']);
  });

  it.each(['light client', 'node'] as const)(
    'finality: a block out of the reach of a %s is neither believed nor refused, and who to ask is said',
    (by) => {
      const genesisHash = bytesToHex(GENESIS_HASH);
      const answer = { genesisHash, verdict: 'unknown', ...BY_A_TEST, by, finalizedNumber: 9_000 } as const;
      const report = verifyReceipt(good, { finality: answer });
      expect(names(report, 'fail')).toEqual([]);
      expect(report.ok).toBe(false);
      const detail = report.checks.find(({ name }) => name === 'finality')?.detail ?? '';
      expect(detail).toContain(`${9_000 - (report.block?.blockNumber ?? 0)} below the newest final one`);
      expect(detail).toContain('ask a node that keeps its history');
    },
  );
});

describe('what a receipt does not hold is not checked', () => {
  it('what a call is that has other indices than system.remarkWithEvent', () => {
    const report = verifyReceipt(receiptWithAnchor({ callIndex: 9 }));
    expect(report.ok).toBe(true);
    expect(names(report, 'not checked')).toContain('anchor-call');
    expect(names(report, 'pass')).toContain('anchor-signature');
  });

  it('the signature, without what was signed beside the extrinsic', () => {
    const report = verifyReceipt(changed(({ anchor }) => delete anchor!.additionalSigned));
    expect(report.ok).toBe(true);
    expect(names(report, 'not checked')).toContain('anchor-signature');
  });

  it.each([
    ['a name of its own', 'example.com/station-7'],
    ['an address with a typing mistake', station.origin.replace(/.$/, 'x')],
  ])('the account, when the origin is %s', (_what, origin) => {
    const report = verifyReceipt(testReceipt(testStation(1, 12, origin)));
    expect(report.ok).toBe(true);
    expect(names(report, 'not checked')).toContain('anchor-signer');
  });
});

describe('createReceipt', () => {
  it('puts entries in the order of the log, each once', () => {
    const { entries, ...rest } = receiptInput(station, [9, 4, 9]);
    expect(createReceipt({ entries, ...rest })).toBe(good);
  });

  it('leaves out what only the station could claim', () => {
    expect(good).not.toMatch(/finalizedAtMs|light-client/);
  });

  it('refuses to write a receipt that would not verify, or holds nothing', () => {
    const input = receiptInput(station, [4]);
    expect(() => createReceipt({ ...input, entries: [] })).toThrow(hasCode('receipt.empty'));
    expect(() => createReceipt({ ...input, checkpoint: checkpointOf(station, 11) })).toThrow(
      hasCode('receipt.inconsistent'),
    );
    expect(() => createReceipt({ ...input, publicKey: new Uint8Array(3) })).toThrow(
      hasCode('receipt.inconsistent'),
    );
  });
});

function receiptWithAnchor(block: Partial<AnchoredBlockOptions>): string {
  const anchor = receiptInput(station, [4, 9], block).anchor!;
  return changed((receipt) => (receipt.anchor = withoutClaims(anchor)));
}

function withoutClaims(evidence: AnchorEvidence): NonNullable<Receipt['anchor']> {
  return Object.fromEntries(
    Object.entries(evidence).filter(([key]) => key !== 'via' && key !== 'finalizedAtMs'),
  ) as unknown as NonNullable<Receipt['anchor']>;
}

function withCheckpoint(proof: string, checkpoint: string): string {
  return `${proof.slice(0, proof.indexOf('\n\n'))}\n\n${checkpoint}`;
}

function toBase64(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('base64');
}
