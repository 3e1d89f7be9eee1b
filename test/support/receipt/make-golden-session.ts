// Makes test/vector/receipt/session.*: `npx tsx test/support/receipt/make-golden-session.ts`. The log comes from a fixed seed; the OCMF
// signatures (ECDSA) differ each time, and with them the hashes. Review the difference.
import { writeFileSync } from 'node:fs';
import { verifyReceipt } from '../../../src/receipt/index.ts';
import { testReceipt } from './receipt-fixture.ts';
import { sessionIndices, sessionLog } from './session-fixture.ts';

const station = sessionLog({ minutes: 16, gap: [9, 11] });
const receipt = testReceipt(station, sessionIndices(station), null);
const folder = new URL('../../vector/receipt/', import.meta.url);
writeFileSync(new URL('session.receipt.json', folder), receipt);
writeFileSync(new URL('session.report.json', folder), `${JSON.stringify(verifyReceipt(receipt), null, 2)}\n`);
