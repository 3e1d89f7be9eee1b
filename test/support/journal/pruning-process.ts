// A writer of its own: fills a log, and lets readings give way when it is told to. argv: state directory, entries.
import { once } from 'node:events';
import { openTestJournal, reading } from './journal-fixture.ts';

const [directory = '', entries = '0'] = process.argv.slice(2);
const journal = await openTestJournal(directory);
const appended = Array.from({ length: Number(entries) }, (_, n) =>
  journal.append('reading', reading(n), 'sample'),
);
await journal.flush();
await Promise.all(appended);
const told = once(process, 'message');
process.send?.('ready');
await told;
await journal.keepWithin({ maxBytes: 1, anchoredSize: journal.size, exportedSize: 0 });
await journal.close();
process.disconnect();
