import { createHash } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { buildVerifier } from '../../esbuild.verifier.config.js';
import { decimal, ENERGY_IMPORT } from '../../hal/contract/index.ts';
import { bytesToHex } from '../../src/chain/index.ts';
import type { JournalEntry } from '../../src/journal/index.ts';
import type { ReceiptReport } from '../../src/receipt/index.ts';
import { CHROMIUM, Chromium, type Page, type PageOptions } from '../support/receipt/chromium.ts';
import { productJson } from '../support/product.ts';
import { testReceipt, testStation } from '../support/receipt/receipt-fixture.ts';
import { sessionIndices, sessionLog } from '../support/receipt/session-fixture.ts';

const directory = mkdtempSync(path.join(os.tmpdir(), 'verifier-'));
const pageFile = path.join(directory, 'verifier.html');
let html = '';
let inputs: readonly string[] = [];

beforeAll(async () => {
  ({ inputs } = await buildVerifier(pageFile));
  html = readFileSync(pageFile, 'utf8');
});
afterAll(() => rmSync(directory, { recursive: true, force: true }));

/** The text between the one opening and the one closing tag of a name. */
function inside(tag: string): string {
  const [, content = '', ...more] = html.split(new RegExp(`<${tag}>|</${tag}>`));
  expect(more).toHaveLength(1);
  return content;
}

describe('the verifier page as a file', () => {
  it('is small, and one file: nothing in it refers to another', () => {
    expect(html.length).toBeLessThan(400 * 1024);
    expect(html).not.toMatch(/<(?:link|img|iframe|object|embed|base|form)\b/i);
    expect(html.replace(inside('script'), '')).not.toMatch(/\b(?:src|href)=|url\((?!#)|@import/i);
  });

  it('has a policy that lets run what it carries, and nothing else', () => {
    const policy = /http-equiv="Content-Security-Policy"\s+content="([^"]+)"/.exec(html)?.[1] ?? '';
    const sha256 = (text: string) => `'sha256-${createHash('sha256').update(text).digest('base64')}'`;
    expect(policy.split('; ')).toEqual([
      "default-src 'none'",
      `script-src ${sha256(inside('script'))}`,
      `style-src ${sha256(inside('style'))}`,
      "base-uri 'none'",
      "form-action 'none'",
    ]);
  });

  it('has nothing in its script that could reach a network, keep something, or run text as code', () => {
    const script = inside('script');
    expect(script.length).toBeGreaterThan(50_000);
    for (const ability of [
      /\bfetch\s*\(/,
      /XMLHttpRequest|WebSocket|WebTransport|EventSource|sendBeacon|RTCPeerConnection|importScripts/,
      /\bimport\s*\(/,
      /\beval\s*\(|new Function\b/,
      /innerHTML|outerHTML|insertAdjacentHTML|document\.write/,
      /localStorage|sessionStorage|indexedDB|document\.cookie/,
      /["'`](?:https?|wss?):\/\/(?!www\.w3\.org\/)/, // names of XML's own, never asked for
      /["'`]node:/,
    ]) {
      expect(ability.exec(script)?.[0]).toBeUndefined();
    }
  });

  it('holds the verifier of the command line, and no part of it that touches a machine', () => {
    expect(inputs).toContain('src/receipt/verify-receipt.ts');
    const ofTheMachine =
      /sqlite|gateway|root-seed|seed-store|station-identity|journal\/journal|src\/(?:cli|station)\//;
    expect(inputs.filter((file) => ofTheMachine.test(file))).toEqual([]);
  });
});

const station = sessionLog({ gap: [40, 46] });
const key = bytesToHex(station.identity.publicKey);

/** What is dropped on the page: a name, the text of the file. */
const FILES = {
  session: testReceipt(station, sessionIndices(station)),
  readings: testReceipt(testStation()),
  notAnchored: testReceipt(station, sessionIndices(station), null),
  golden: readFileSync(path.resolve(import.meta.dirname, '../vector/receipt/anchored.receipt.json'), 'utf8'),
};

const file = (name: string, content: string | Uint8Array): string => {
  const where = path.join(directory, name);
  writeFileSync(where, content);
  return where;
};

interface Shown {
  readonly tone: string;
  readonly title: string;
  readonly text: string;
  readonly energy: string | null;
  readonly checks: readonly (readonly [name: string, result: string])[];
}

const READ_PAGE = `[...document.querySelectorAll('.receipt')].map((receipt) => ({
  tone: receipt.dataset.tone,
  title: receipt.querySelector('h2').textContent,
  text: receipt.innerText,
  energy: receipt.querySelector('[data-fact=energy]')?.textContent ?? null,
  checks: [...receipt.querySelectorAll('[data-check]')].map((li) => [li.dataset.check, li.dataset.result]),
}))`;

describe.skipIf(CHROMIUM === undefined)(
  `the verifier page in headless Chromium${CHROMIUM === undefined ? ' (skipped: not installed)' : ''}`,
  () => {
    let browser: Chromium;
    beforeAll(() => {
      browser = Chromium.start();
    });
    afterAll(() => browser.stop());

    /** @param options.key comes with the address, and the reader has compared it */
    const open = async (options: PageOptions & { readonly key?: string } = {}): Promise<Page> => {
      const hash = options.key === undefined ? '' : `#key=${options.key}`;
      const page = await browser.openPage(`${pathToFileURL(pageFile).href}${hash}`, options);
      if (options.key !== undefined) await page.evaluate(`document.getElementById('key-compared').click()`);
      return page;
    };

    async function check(page: Page, files: readonly string[]): Promise<Shown[]> {
      await page.choose('#files', files);
      await page.until(`document.querySelectorAll('.receipt').length === ${files.length}`);
      return await page.evaluate<Shown[]>(READ_PAGE);
    }

    /** It never asked for anything but itself, and the console stayed silent. */
    function expectQuiet(page: Page): void {
      expect(page.complaints).toEqual([]);
      expect(page.requests.filter((url) => !url.startsWith('file:'))).toEqual([]);
      expect(page.requests.length).toBe(1);
    }

    it('says of a genuine session what the command line says, in green, with a picture of the power', async () => {
      const receipt = file('session.receipt.json', FILES.session);
      const report = await productJson<ReceiptReport>(['receipt', 'verify', receipt, '--key', key]);
      const page = await open({ key });
      const [shown] = await check(page, [receipt]);
      expect(shown).toMatchObject({ tone: 'good', title: 'This receipt is genuine', energy: '11.2972 kWh' });
      expect(report.session?.wh).toBe('11297.2');
      expect(shown?.checks).toEqual(report.checks.map(({ name, result }) => [name, result]));
      expect(shown?.text).toContain('21 Nov 2026, 18:03:41');
      expect(shown?.text).toContain('2026-11-21 17:03:41 UTC');
      expect(shown?.text).toContain('SIM-240117');
      expect(shown?.text).toContain('gap: 7 readings of meter evse1 are missing: meter.timeout');
      expect(shown?.text).toContain(report.block?.blockHash);
      const drawn = `[...document.querySelectorAll('svg .line')].map((line) => line.getAttribute('d').split('L').length)`;
      const lines = await page.evaluate<number[]>(drawn);
      expect(lines).toEqual([40, 28]);
      expect(await page.evaluate(`document.querySelectorAll('svg .gap').length`)).toBe(1);
      expectQuiet(page);
    });

    it('is not green without the key, with another key, and for a file that is none', async () => {
      const receipt = file('session.receipt.json', FILES.session);
      const page = await open();
      expect(await check(page, [receipt])).toMatchObject([
        { tone: 'doubt', title: 'Intact, but whose is it?' },
      ]);
      const enter = (text: string) =>
        page.evaluate(`{ const field = document.getElementById('key'); field.value = ${JSON.stringify(text)};
          field.dispatchEvent(new Event('input')); }`);
      await enter('11'.repeat(32));
      expect(await page.evaluate(READ_PAGE)).toMatchObject([{ tone: 'bad', title: 'From another station' }]);
      await enter('no key');
      expect(await page.evaluate(READ_PAGE)).toMatchObject([{ tone: 'doubt' }]);
      expect(await page.evaluate(`document.getElementById('key-problem').textContent`)).toMatch(/no key/);
      await enter(station.identity.verifierKey(station.origin));
      expect(await page.evaluate(READ_PAGE)).toMatchObject([{ tone: 'good' }]);
      expect(await check(page, [file('x.json', '{"a":')])).toMatchObject([
        { tone: 'bad', title: 'This is not a receipt' },
      ]);
      expectQuiet(page);
    });

    it('is not green by a key that came with a link, until the reader says that it was compared', async () => {
      // What a swindler mails: a receipt of a station of their own, and a link to a copy of the page that holds its key.
      const receipt = file('session.receipt.json', FILES.session);
      const page = await browser.openPage(`${pathToFileURL(pageFile).href}#key=${key}`);
      expect(await check(page, [receipt])).toMatchObject([
        { tone: 'doubt', title: 'Intact, and signed with the key in your link' },
      ]);
      expect(await page.evaluate(`document.querySelector('.facts .warning').textContent`)).toMatch(
        /not confirmed/,
      );
      await page.evaluate(`document.getElementById('key-compared').click()`);
      expect(await page.evaluate(READ_PAGE)).toMatchObject([{ tone: 'good' }]);
      expect(await page.evaluate(`document.getElementById('key-compared')`)).toBeNull();
      await page.evaluate(`location.hash = '#key=${'11'.repeat(32)}'`);
      await page.until(`document.querySelector('.receipt[data-tone=bad]')`);
      await page.evaluate(`location.hash = '#key=${key}'`);
      await page.until(`document.querySelector('.receipt[data-tone=doubt]')`);
      expectQuiet(page);
    });

    it('shows no character that turns or hides the words around it, and no name without an end', async () => {
      const evseId = 'DE*1\u202e hWk 0 \u0007\u200b';
      const sessionId = 'x'.repeat(20_000);
      const hostile = sessionLog({
        minutes: 4,
        withoutOcmf: true,
        change: (entry) =>
          entry.kind === 'session-begin' || entry.kind === 'session-end'
            ? {
                ...entry,
                body: {
                  ...entry.body,
                  evseId,
                  sessionId,
                  reading: { ...entry.body.reading, meterSerial: 'سب' },
                },
              }
            : entry,
      });
      const page = await open({ key: bytesToHex(hostile.identity.publicKey), width: 360, height: 740 });
      const [shown] = await check(page, [
        file('turned.receipt.json', testReceipt(hostile, sessionIndices(hostile), null)),
      ]);
      expect(shown?.text).toContain('DE*1\ufffd hWk 0 \ufffd\ufffd.');
      expect(shown?.text).toContain('meter \u2068سب\u2069 at');
      expect(shown?.text).toContain(`${'x'.repeat(160)}…`);
      expect(await page.evaluate(`document.querySelector('.facts').innerText.length`)).toBeLessThan(1_500);
      expect(await page.evaluate(`document.documentElement.scrollWidth`)).toBe(360);
      expectQuiet(page);
    });

    it('shows registers with more digits than any meter has', async () => {
      const tiny = (entry: JournalEntry): JournalEntry => {
        if (entry.kind === 'reading') return { ...entry, body: { ...entry.body, values: [] } };
        if (entry.kind !== 'session-begin' && entry.kind !== 'session-end') return entry;
        const value = decimal(entry.kind === 'session-end' ? 5 : 4, -64);
        const values = [{ obis: ENERGY_IMPORT, value, unit: 'Wh', quality: 'G' } as const];
        return { ...entry, body: { ...entry.body, reading: { ...entry.body.reading, values } } };
      };
      const hostile = sessionLog({ minutes: 4, withoutOcmf: true, change: tiny });
      const page = await open({ key: bytesToHex(hostile.identity.publicKey) });
      const [shown] = await check(page, [
        file('tiny.receipt.json', testReceipt(hostile, sessionIndices(hostile), null)),
      ]);
      expect(shown?.energy).toBe(`0.${'0'.repeat(66)}1 kWh`);
      expectQuiet(page);
    });

    it('names what was changed, as the command line does', async () => {
      const forgeries = Object.entries({
        'entry.receipt.json': FILES.session.replace(/"cose": "(.{300})[a-y]/, '"cose": "$1z'),
        'ocmf.receipt.json': FILES.session.replace('04A1B2C3D4', '04A1B2C3D5'),
        'block.receipt.json': FILES.session.replace(/"blockNumber": \d+/, '"blockNumber": 1'),
        'proof.receipt.json': FILES.session.replace('\\nindex 20\\n', '\\nindex 21\\n'),
        'space.receipt.json': FILES.session.replace('"anchor":', '"anchor" :'),
        'torn.receipt.json': FILES.session.slice(0, -100),
      }).map(([name, content]) => ({ name, path: file(name, content) }));
      const page = await open({ key });
      const shown = await check(
        page,
        forgeries.map((forgery) => forgery.path),
      );
      for (const [i, forgery] of forgeries.entries()) {
        const report = await productJson<ReceiptReport>(['receipt', 'verify', forgery.path, '--key', key]);
        expect(report.ok, forgery.name).toBe(false);
        expect(shown[i]?.tone, forgery.name).toBe('bad');
        expect(shown[i]?.checks, forgery.name).toEqual(
          report.checks.map(({ name, result }) => [name, result]),
        );
      }
      expectQuiet(page);
    });

    it('says of readings, of the golden receipt, and of one without an anchor what each of them is', async () => {
      const golden = bytesToHex(testStation().identity.publicKey);
      const page = await open({ key: golden });
      const [readings, recorded] = await check(page, [
        file('readings.receipt.json', FILES.readings),
        file('golden.receipt.json', FILES.golden),
      ]);
      expect(readings).toMatchObject({ tone: 'good', energy: null });
      expect(readings?.text).toContain('0.0625 kWh between two readings of meter SIM-0001');
      expect(recorded?.tone).toBe('good');
      const other = await open({ key });
      const [bare] = await check(other, [file('bare.receipt.json', FILES.notAnchored)]);
      expect(bare?.tone).toBe('good');
      expect(bare?.text).toContain('No proof from a chain');
      expectQuiet(page);
      expectQuiet(other);
    });

    it('takes a file that is dropped on it, and text that is pasted', async () => {
      const page = await open({ key });
      const transfer = (name: string, how: string) => `{
        const data = new DataTransfer();
        ${how}
        document.body.dispatchEvent(new ${name}); }`;
      const content = JSON.stringify(FILES.notAnchored);
      await page.evaluate(
        transfer(
          `DragEvent('drop', { dataTransfer: data, bubbles: true, cancelable: true })`,
          `data.items.add(new File([${content}], 'a.receipt.json'));`,
        ),
      );
      await page.until(`document.querySelector('.receipt[data-tone=good]')`);
      await page.evaluate(`document.getElementById('results').replaceChildren()`);
      await page.evaluate(
        transfer(
          `ClipboardEvent('paste', { clipboardData: data, bubbles: true })`,
          `data.setData('text/plain', ${content});`,
        ),
      );
      await page.until(`document.querySelector('.receipt[data-tone=good]')`);
      expectQuiet(page);
    });

    it('shows what a hostile file says as text, and survives a large one', async () => {
      const markup = '<img src=x onerror=alert(1)><script>alert(2)</script>';
      const hostile = sessionLog({
        minutes: 4,
        withoutOcmf: true,
        change: (entry) =>
          entry.kind === 'session-begin' || entry.kind === 'session-end'
            ? { ...entry, body: { ...entry.body, evseId: markup, sessionId: markup } }
            : entry,
      });
      const page = await open({ key: bytesToHex(hostile.identity.publicKey) });
      const [shown, large, deep] = await check(page, [
        file('hostile.receipt.json', testReceipt(hostile, sessionIndices(hostile), null)),
        file('large.receipt.json', Buffer.alloc(40 * 2 ** 20, ' ')),
        file('deep.receipt.json', '['.repeat(2 ** 20)),
      ]);
      expect(shown?.tone).toBe('good');
      expect(shown?.text).toContain(markup);
      expect([large, deep]).toMatchObject([{ tone: 'bad' }, { tone: 'bad' }]);
      expect(await page.evaluate(`document.querySelectorAll('.receipt img, .receipt script').length`)).toBe(
        0,
      );
      expectQuiet(page);
    });

    it('speaks German to who prefers it, and fits a phone', async () => {
      const page = await open({ key, width: 360, height: 740, language: 'de-AT,de;q=0.9,en;q=0.5' });
      const [shown] = await check(page, [file('session.receipt.json', FILES.session)]);
      expect(shown).toMatchObject({ title: 'Dieser Beleg ist echt', energy: '11,2972 kWh' });
      expect(await page.evaluate(`document.documentElement.lang`)).toBe('de');
      expect(await page.evaluate(`document.documentElement.scrollWidth`)).toBe(360);
      await page.evaluate(`document.getElementById('language').click()`);
      expect(await page.evaluate<Shown[]>(READ_PAGE)).toMatchObject([{ title: 'This receipt is genuine' }]);
      expectQuiet(page);
    });

    it('says with each mark in words what it means, to those who see no colour', async () => {
      const page = await open({ key, dark: true });
      await check(page, [file('session.receipt.json', FILES.session)]);
      const live = await page.evaluate(`document.getElementById('results').getAttribute('aria-live')`);
      expect(live).toBe('polite');
      const marks = `[...document.querySelectorAll('.check')].every((li) => li.querySelector('.result').textContent !== ''
        && li.querySelector('.mark').getAttribute('aria-hidden') === 'true')`;
      expect(await page.evaluate(marks)).toBe(true);
      const label = await page.evaluate(`document.querySelector('svg').getAttribute('aria-label')`);
      expect(label).toMatch(/^Power over time: highest 11\.1 kW, 1 h 14 min/);
      const unnamed = `[...document.querySelectorAll('input, button, summary')].filter((each) =>
        (each.labels?.[0]?.textContent ?? each.textContent).trim() === '').length`;
      expect(await page.evaluate(unnamed)).toBe(0);
      expectQuiet(page);
    });
  },
);
