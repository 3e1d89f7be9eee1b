// Makes docs/verifier.png: `npx tsx test/support/receipt/make-verifier-picture.ts`, after `npm run build:verifier`. Needs Chromium.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { bytesToHex } from '../../../src/chain/index.ts';
import { Chromium } from './chromium.ts';
import { testReceipt } from './receipt-fixture.ts';
import { sessionIndices, sessionLog } from './session-fixture.ts';

const WIDTH = 780;
const directory = mkdtempSync(path.join(os.tmpdir(), 'picture-'));
const station = sessionLog({ gap: [40, 46] });
const receipt = path.join(directory, 'session.receipt.json');
writeFileSync(receipt, testReceipt(station, sessionIndices(station)));
const browser = Chromium.start();
try {
  const url = `${pathToFileURL('dist/verifier.html').href}#key=${bytesToHex(station.identity.publicKey)}`;
  const page = await browser.openPage(url, { width: WIDTH, height: 900 });
  await page.evaluate(`document.getElementById('key-compared').click()`);
  await page.choose('#files', [receipt]);
  await page.until(`document.querySelector('.receipt svg')`);
  const place = `(({ top }, { bottom }) => [top + scrollY - 12, bottom - top + 24])(
    document.querySelector('.receipt').getBoundingClientRect(),
    document.querySelector('.curve').getBoundingClientRect())`;
  const [y = 0, height = 900] = await page.evaluate<number[]>(place);
  const clip = { x: 0, y, width: WIDTH, height, scale: 1 };
  writeFileSync('docs/verifier.png', await page.screenshot(clip));
} finally {
  await browser.stop();
  rmSync(directory, { recursive: true });
}
