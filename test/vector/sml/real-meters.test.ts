import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { formatDecimal } from '../../../hal/contract/index.ts';
import { decodeSmlCapture, SmlReceiver, type SmlTelegram } from '../../../hal/driver/sml/index.ts';

// Telegrams of real meters (README.md beside this file says where from), against values read by another program.

interface ExpectedTelegram {
  readonly serial: string;
  readonly values: readonly (readonly [obis: string, value: string, unit: string])[];
}

const FOLDER = import.meta.dirname;
const EXPECTED = JSON.parse(readFileSync(path.join(FOLDER, 'expected.json'), 'utf8')) as Record<
  string,
  readonly ExpectedTelegram[]
>;
const FILES = readdirSync(FOLDER).filter((file) => file.endsWith('.hex'));

function capture(file: string): Uint8Array {
  const text = readFileSync(path.join(FOLDER, file), 'utf8').replace(/^#.*$/gm, '');
  return Uint8Array.from(Buffer.from(text.replace(/\s/g, ''), 'hex'));
}

function good(telegrams: readonly SmlTelegram[]): ExpectedTelegram[] {
  return telegrams
    .filter(({ ok }) => ok)
    .map(({ meter, values }) => ({
      serial: meter.serial ?? '',
      values: values.map(({ obis, value, unit }) => [obis, formatDecimal(value), unit] as const),
    }));
}

function codes(telegrams: readonly SmlTelegram[]): (string | null)[] {
  return telegrams.map(({ code }) => code);
}

describe('captures of real meters', () => {
  it('are the ones that the expected values are of', () => {
    expect(FILES.sort()).toEqual(Object.keys(EXPECTED).sort());
  });

  it.each(FILES)('%s says what another reader found in it', (file) => {
    expect(good(decodeSmlCapture(capture(file)))).toEqual(EXPECTED[file]);
  });

  it.each(FILES)('%s says the same as hexadecimal text', (file) => {
    const text = readFileSync(path.join(FOLDER, file));
    expect(decodeSmlCapture(text)).toEqual(decodeSmlCapture(capture(file)));
  });

  it.each(FILES)('%s says the same byte by byte', (file) => {
    const receiver = new SmlReceiver();
    const bytes = capture(file);
    const telegrams = Array.from(bytes, (byte) => receiver.push(Uint8Array.of(byte))).flat();
    expect([...telegrams, ...receiver.end()]).toEqual(decodeSmlCapture(bytes));
  });

  it('glued together say what each says, the ends of cut ones apart', () => {
    const all = Uint8Array.from(FILES.flatMap((file) => [...capture(file)]));
    expect(good(decodeSmlCapture(all))).toEqual(FILES.flatMap((file) => EXPECTED[file] ?? []));
  });

  it.each([
    ['dzg-dvs7420-negative.hex', [null, null, null, 'sml.cut']],
    ['dzg-dwsb20.hex', [null, 'sml.checksum', null]],
    ['easymeter-q3a.hex', ['sml.cut', 'sml.checksum', null]],
    ['ebz-dd3.hex', ['sml.cut', null, null]],
    ['ebz-dd3-zeroed.hex', ['sml.message_checksum']],
    ['emh-ed300l-damaged.hex', ['sml.cut', null, null]],
    ['emh-issue-912.hex', ['sml.checksum']],
    ['emh-mme40-lossy.hex', ['sml.cut', 'sml.cut', 'sml.cut']],
    ['itron-openway-seven-bits.hex', ['sml.checksum']],
  ])('%s has its telegrams refused where they are damaged, in order', (file, expected) => {
    expect(codes(decodeSmlCapture(capture(file)))).toEqual(expected);
  });

  it('that were cut anywhere give no value but those of the whole telegrams before the cut', () => {
    const bytes = capture('iskra-mt691.hex');
    const [first] = EXPECTED['iskra-mt691.hex'] ?? [];
    for (let length = 0; length < 216; length++) {
      expect(good(decodeSmlCapture(bytes.subarray(0, length)))).toEqual([]);
    }
    for (let length = 216; length < 432; length++) {
      expect(good(decodeSmlCapture(bytes.subarray(0, length)))).toEqual([first]);
    }
  });

  it('with any one byte changed to anything never say anything else', () => {
    const bytes = capture('dzg-dvs7412.hex');
    const expected = EXPECTED['dzg-dvs7412.hex'];
    for (let position = 0; position < bytes.length; position++) {
      for (let change = 1; change < 256; change += 2) {
        const changed = bytes.slice();
        changed[position] = (changed[position] ?? 0) ^ change;
        const telegrams = good(decodeSmlCapture(changed));
        if (telegrams.length > 0) expect(telegrams).toEqual(expected);
      }
    }
  });
});
