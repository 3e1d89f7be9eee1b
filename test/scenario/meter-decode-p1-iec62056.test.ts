import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { encodeBlock } from '../support/meters/iec62056-encoder.ts';
import { PRODUCT, productJson, runProduct } from '../support/product.ts';
import { IEC62056_VECTORS } from '../vector/iec62056/iec62056-telegrams.ts';
import { P1_VECTORS } from '../vector/p1/p1-telegrams.ts';

// `meter decode` as a process, on captures of real meters with a cut, a glued and a damaged telegram among them.

interface DecodedDocument {
  readonly ok: boolean;
  readonly why: string | null;
  readonly meter: { readonly serial: string | null };
  readonly values: readonly { obis: string; value: string; unit: string; quality: string }[];
}

const folder = mkdtempSync(path.join(tmpdir(), 'meter-decode-'));
afterAll(() => rmSync(folder, { recursive: true }));

function captureFile(name: string, ...parts: Uint8Array[]): string {
  const file = path.join(folder, name);
  writeFileSync(file, Buffer.concat(parts));
  return file;
}

const flipped = (bytes: Uint8Array, at: number): Uint8Array =>
  bytes.map((byte, i) => (i === at ? byte ^ 1 : byte));
const decode = (protocol: string, file: string): string[] => [
  'meter',
  'decode',
  '--protocol',
  protocol,
  file,
];

const telegrams = P1_VECTORS.map(({ lines }) => Buffer.from(lines.map((line) => `${line}\r\n`).join('')));
const p1 = (meter: string): Uint8Array =>
  telegrams[P1_VECTORS.findIndex((vector) => vector.meter === meter)] as Buffer;
const readouts = IEC62056_VECTORS.map(({ lines, identification }) => encodeBlock(lines, { identification }));
const [e350, mt174] = readouts as [Uint8Array, Uint8Array];

describe('meter decode --protocol p1', () => {
  it('says the values of each telegram in order, and why one was refused', async () => {
    const kaifa = p1('Kaifa, DSMR 4.2');
    const kamstrup = p1('Kamstrup 162, DSMR 2.2, with a gas meter');
    const file = captureFile(
      'p1.bin',
      kamstrup.subarray(90),
      kaifa,
      flipped(kaifa, 120),
      kaifa.subarray(0, 300),
      kamstrup,
    );
    const documents = await productJson<DecodedDocument[]>(decode('p1', file));
    expect(documents.map(({ ok }) => ok)).toEqual([false, true, false, false, true]);
    expect(documents[4]).toEqual({
      ok: true,
      why: null,
      meter: { serial: 'KA6U001660297912' },
      values: [
        { obis: '1-0:1.8.1*255', value: '8689832', unit: 'Wh', quality: 'G' },
        { obis: '1-0:1.8.2*255', value: '3163821', unit: 'Wh', quality: 'G' },
        { obis: '1-0:2.8.1*255', value: '3805187', unit: 'Wh', quality: 'G' },
        { obis: '1-0:2.8.2*255', value: '9575965', unit: 'Wh', quality: 'G' },
        { obis: '0-0:96.14.0*255', value: '1', unit: '1', quality: 'G' },
        { obis: '1-0:1.7.0*255', value: '330', unit: 'W', quality: 'G' },
        { obis: '1-0:2.7.0*255', value: '0', unit: 'W', quality: 'G' },
        { obis: '0-1:24.2.1*255', value: '4323.740', unit: 'm3', quality: 'G' },
      ],
    });
    expect(documents[2]).toMatchObject({ meter: { serial: null }, values: [] });
  });

  it('reads a capture from stdin', () => {
    const input = p1('DSMR 5.0, three phases');
    const { stdout, status } = spawnSync(process.execPath, [PRODUCT, ...decode('p1', '-'), '--json'], {
      input,
    });
    expect(status).toBe(0);
    expect(JSON.parse(String(stdout))).toMatchObject([{ ok: true, meter: { serial: 'K8EG004046395507' } }]);
  });
});

describe('meter decode --protocol iec62056', () => {
  it('says the values of each telegram in order, and why one was refused', async () => {
    const file = captureFile(
      'iec.bin',
      e350.subarray(60),
      mt174,
      flipped(e350, 50),
      e350.subarray(0, 100),
      e350,
    );
    const documents = await productJson<DecodedDocument[]>(decode('iec62056', file));
    expect(documents.map(({ ok }) => ok)).toEqual([false, true, false, false, true]);
    expect(documents[1]?.values).toEqual([
      { obis: '1-0:1.8.0*255', value: '502853', unit: 'Wh', quality: 'G' },
      { obis: '1-0:2.8.0*255', value: '98697318', unit: 'Wh', quality: 'G' },
    ]);
    expect(documents[4]?.meter).toEqual({ serial: '13647123' });
  });

  it('ends with status 1 when nothing could be read', async () => {
    const refused = await runProduct([
      ...decode('iec62056', captureFile('bad.bin', flipped(mt174, 50))),
      '--json',
    ]);
    expect(refused.status).toBe(1);
    const none = await runProduct([...decode('iec62056', captureFile('empty.bin')), '--json']);
    expect([none.status, JSON.parse(none.stdout)]).toEqual([1, []]);
  });
});
