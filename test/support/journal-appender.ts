// A child process that appends as fast as it can and says on stdout what was acknowledged, one line per entry:
// `<index> <number of the reading>`. Meant to be killed. Arguments: directory, group size.
import { writeSync } from 'node:fs';
import { openTestJournal, reading } from './journal-fixture.ts';

const [directory = '', groupSize = '8'] = process.argv.slice(2);
const journal = await openTestJournal(directory, { groupCommitEntries: Number(groupSize) });
for (let number = 0; ; number++) {
  const durability = number % 10 === 9 ? 'billing' : 'sample';
  const appended = journal.append('reading', reading(number), durability);
  // Written straight to the pipe: a line that is there was acknowledged before the process was killed.
  void appended.then((index) => writeSync(1, `${index} ${number}\n`));
  if (number % Number(groupSize) === 0) await new Promise(setImmediate);
}
