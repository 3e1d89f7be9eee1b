import { expect, it } from 'vitest';
import {
  decimal,
  ENERGY_IMPORT,
  formatDecimal,
  POWER_ACTIVE,
  QUALITIES,
  silentLog,
  type EnergyMeter,
  type MeterSample,
  type Quality,
} from '../../hal/contract/index.ts';
import { decodeEntry, encodeEntry, entryToJson, type EntryBodies } from '../../src/journal/index.ts';
import { startMetering, type MeteringEvent } from '../../src/metering/index.ts';
import { verifyReceipt } from '../../src/receipt/index.ts';
import { encodeDocument, sampleDocument } from '../../src/telemetry/index.ts';
import { testReceipt, testStation, type TestStation } from '../support/receipt/receipt-fixture.ts';
import { VirtualClock } from '../support/virtual-clock.ts';

// What the meter or plausibility says of a value goes with it to wherever the value goes: the journal, its export, the
// receipt, the telemetry; and only good energy is counted.

const LETTERS = Object.keys(QUALITIES) as Quality[];

/** A meter whose energy has these qualities and amounts, one a second; then what came out of metering. */
async function metered(readings: readonly { readonly wh: number; readonly quality: Quality }[]) {
  const clock = new VirtualClock(0);
  const queue = [...readings];
  const meter: EnergyMeter = {
    id: 'evse1',
    profileId: 'test',
    identify: async () => ({ serial: 'A1' }),
    readSample: async () => {
      const { wh, quality } = queue.shift() ?? { wh: 0, quality: 'E' };
      const readBeginMonoMs = clock.nowMonoMs();
      return {
        meterSerial: 'A1',
        profileId: 'test',
        readBeginMonoMs,
        readEndMonoMs: readBeginMonoMs + 1,
        values: [
          { obis: ENERGY_IMPORT, value: decimal(wh), unit: 'Wh', quality },
          { obis: POWER_ACTIVE, value: decimal(3_600), unit: 'W', quality: 'G' },
        ],
      };
    },
  };
  const journaled: MeterSample[] = [];
  const shown: MeterSample[] = [];
  const metering = startMetering({
    meters: [{ meter, everyMs: 1_000 }],
    evidence: {
      append: async (kind, body) => {
        if (kind === 'reading') journaled.push(body as EntryBodies['reading']);
        return 0;
      },
    },
    clock,
    log: silentLog,
    onEvent: (event: MeteringEvent) => {
      if (event.type === 'sample') shown.push(event.sample);
    },
  });
  await clock.advance(1_000 * (readings.length - 1) + 500);
  const stopping = metering.stop();
  await clock.advance(2_000);
  await stopping;
  return { journaled, shown, status: metering.status()[0] };
}

/** The same samples as signed entries of a log, behind the boot entry of the fixture. */
function logOf(samples: readonly MeterSample[]): TestStation {
  const { identity, origin, log } = testStation(1, samples.length + 1);
  const entries = samples.map((body, i) => {
    const { entry } = decodeEntry(log[i + 1]!);
    return encodeEntry({ ...entry, kind: 'reading', body }, identity);
  });
  return { identity, origin, log: [log[0]!, ...entries] };
}

it('every quality of a value is in the journal, its export, the receipt and the telemetry', async () => {
  const { journaled, shown } = await metered(LETTERS.map((quality, i) => ({ wh: 1_000 + i, quality })));
  expect(journaled.map(({ values }) => values[0]?.quality)).toEqual(LETTERS);
  expect(shown).toEqual(journaled);

  const station = logOf(journaled);
  const entries = station.log.slice(1).map((bytes) => decodeEntry(bytes).entry);
  expect(entries.map((entry) => entry.kind === 'reading' && entry.body.values[0]?.quality)).toEqual(LETTERS);
  for (const [i, letter] of LETTERS.entries()) {
    expect(JSON.stringify(entryToJson(entries[i]!))).toContain(`"quality":"${letter}"`);
    const telemetry = encodeDocument(sampleDocument('evse1', 1, shown[i]!, {})).toString();
    expect(JSON.parse(telemetry)).toMatchObject({ values: [{ quality: letter }, { quality: 'G' }] });
  }

  const indices = LETTERS.map((_, i) => i + 1);
  const report = verifyReceipt(testReceipt(station, indices));
  expect(report.ok).toBe(true);
  expect(report.statements.map(({ values }) => values?.[0]?.quality)).toEqual(LETTERS);
  // Only one of them is good: no two to take energy from.
  expect(report.energy).toEqual([]);
});

it('a zero after a total, and a total that fell or leapt, are journaled as implausible and never counted', async () => {
  const wh = [5_000, 0, 4_999, 900_000, 5_001];
  const { journaled, status } = await metered(wh.map((each) => ({ wh: each, quality: 'G' })));
  expect(journaled.map(({ values }) => values[0]?.quality)).toEqual(['G', 'O', 'O', 'O', 'G']);
  expect(journaled.map(({ values }) => values[0] && formatDecimal(values[0].value))).toEqual(wh.map(String));
  expect(status).toMatchObject({ samples: 5, implausible: 3 });
  const report = verifyReceipt(testReceipt(logOf(journaled), [1, 2, 3, 4, 5]));
  expect(report.energy).toEqual([{ meterSerial: 'A1', fromIndex: 1, toIndex: 5, wh: '1' }]);
});
