import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { productJson, runProduct } from '../support/product.ts';

// `meter decode --protocol sml` as a process, on captures of real meters.

interface DecodedDocument {
  readonly ok: boolean;
  readonly why: string | null;
  readonly meter: { readonly serial: string | null };
  readonly values: readonly { obis: string; value: string; unit: string; quality: string }[];
}

const folder = mkdtempSync(path.join(tmpdir(), 'meter-decode-'));
afterAll(() => rmSync(folder, { recursive: true }));

function rawCapture(name: string): string {
  const text = readFileSync(path.resolve(import.meta.dirname, `../vector/sml/${name}.hex`), 'utf8');
  const file = path.join(folder, `${name}.bin`);
  writeFileSync(file, Buffer.from(text.replace(/^#.*$/gm, '').replace(/\s/g, ''), 'hex'));
  return file;
}

const decode = (file: string) => ['meter', 'decode', '--protocol', 'sml', file];

describe('meter decode --protocol sml', () => {
  it('says the values of each telegram in order, and why one was refused', async () => {
    const file = rawCapture('dzg-dvs7420-negative');
    const telegrams = await productJson<DecodedDocument[]>(decode(file));
    expect(telegrams.map(({ ok }) => ok)).toEqual([true, true, true, false]);
    expect(telegrams[0]).toEqual({
      ok: true,
      why: null,
      meter: { serial: '1DZG0060694611' },
      values: [
        { obis: '1-0:1.8.0*255', value: '13232.9', unit: 'Wh', quality: 'G' },
        { obis: '1-0:2.8.0*255', value: '1500321.3', unit: 'Wh', quality: 'G' },
        { obis: '1-0:16.7.0*255', value: '-105.50', unit: 'W', quality: 'G' },
      ],
    });
    expect(telegrams[3]).toMatchObject({ meter: { serial: null }, values: [] });
    expect(telegrams[3]?.why).toMatch(/cut/);
  });

  it('ends well when one telegram at least is good, with status 1 when none is', async () => {
    expect((await runProduct(decode(rawCapture('emh-ed300l-damaged')))).status).toBe(0);
    const none = await runProduct([...decode(rawCapture('itron-openway-seven-bits')), '--json']);
    expect(none.status).toBe(1);
    expect(JSON.parse(none.stdout)).toMatchObject([{ ok: false, values: [] }]);
  });

  it('shows people a table', async () => {
    const { stdout } = await runProduct(decode(rawCapture('iskra-mt691')));
    expect(stdout).toMatch(/meter 1ISK0070409925/);
    expect(stdout).toMatch(/1-0:1\.8\.0\*255 +198927\.3 +Wh +G/);
  });

  it('ends with status 2 for a file that is not there', async () => {
    expect((await runProduct(decode(path.join(folder, 'nothing.bin')))).status).toBe(2);
  });
});
