// A process that appends as fast as it can and says on stdout what was acknowledged, a line each: `<index> <number>` for an
// entry (appended-entry.ts says what that number stands for), `tree <size> <root>` for a checkpoint that it signed. It is
// meant to be killed, stopped or to see its system calls fail. Argument: AppenderTask as JSON. Built by appender-process.ts,
// so that it starts at once.
import { writeSync } from 'node:fs';
import Database from 'better-sqlite3';
import { JournalError } from '../../../src/journal/index.ts';
import { appendedEntry } from './appended-entry.ts';
import type { AppenderTask } from './appender-process.ts';
import { openTestJournal } from './journal-fixture.ts';
import { openRecovered } from './recovering-journal.ts';

const GROUPS_PER_CHECKPOINT = 6;

const task = JSON.parse(process.argv[2] ?? '') as AppenderTask;
if (task.synchronous !== undefined) weaken(task.synchronous);
const options = { groupCommitEntries: task.groupEntries };
const journal =
  task.recover === true
    ? (await openRecovered(task.directory, options)).journal
    : await openTestJournal(task.directory, options);
for (let number = task.from; number < (task.to ?? Infinity); number++) {
  const { kind, body, durability } = appendedEntry(number);
  journal.append(kind, body, durability).then(
    // Straight to the file or pipe: a line that is there was acknowledged before the process was killed.
    (index) => writeSync(1, `${index} ${number}\n`),
    (error: unknown) => {
      if (!(error instanceof JournalError)) throw error;
      writeSync(2, `${error.code} ${error.effect} ${number}\n`);
    },
  );
  if (number % task.groupEntries !== 0) continue;
  await new Promise(setImmediate);
  if (number % (GROUPS_PER_CHECKPOINT * task.groupEntries) === 0) await betweenGroups();
}
await journal.close();

/** What else a station does with its log. */
async function betweenGroups(): Promise<void> {
  const { retainBytes: maxBytes } = task;
  try {
    const { size, root } = await journal.checkpoint();
    writeSync(1, `tree ${size} ${Buffer.from(root).toString('hex')}\n`);
    if (maxBytes !== undefined)
      await journal.keepWithin({ maxBytes, anchoredSize: size, exportedSize: size });
  } catch (error) {
    if (!(error instanceof JournalError)) throw error;
    writeSync(2, `${error.code} ${error.effect}\n`);
  }
}

/** A store that does not wait for the disk: what the tests must be able to find out. */
function weaken(synchronous: string): void {
  type Pragma = (this: Database.Database, source: string, options?: Database.PragmaOptions) => unknown;
  const original = Object.getOwnPropertyDescriptor(Database.prototype, 'pragma')?.value as Pragma;
  Database.prototype.pragma = function (this: Database.Database, source, options) {
    const asked = source === 'synchronous = FULL' ? `synchronous = ${synchronous}` : source;
    return original.call(this, asked, options);
  };
}
