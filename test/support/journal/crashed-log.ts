import { openJournalReader, verifyJournal } from '../../../src/journal/index.ts';
import { lostEntries, type Acknowledged } from './appender-process.ts';
import { SIGNER } from './journal-fixture.ts';

/** Everything that the writers of one log have ever promised. */
export class Promises {
  readonly entries = new Map<number, number>();
  #tree: Acknowledged['tree'];

  add({ entries, tree }: Acknowledged): void {
    for (const [index, number] of entries) this.entries.set(index, number);
    this.#tree = tree ?? this.#tree;
  }

  /**
   * Looks for all of it in the log as a crash has left it, and audits the log, also against the newest tree that was signed.
   * @returns how many acknowledged entries are lost, and what is wrong with the log, if anything
   */
  async inspect(directory: string): Promise<{ lost: number; bad?: string }> {
    try {
      const lost = lostEntries(directory, this.entries);
      if (lost.length > 0)
        return { lost: lost.length, bad: `${lost.length} entries are lost, the first is ${lost[0]}` };
      const earlier = this.#tree === undefined ? {} : { earlier: this.#tree };
      const { firstBad } = await verifyJournal(directory, { publicKey: SIGNER.publicKey, ...earlier });
      return firstBad === null ? { lost: 0 } : { lost: 0, bad: `entry ${firstBad.index}: ${firstBad.why}` };
    } catch (error) {
      // Before there was a log, nothing can have been promised.
      if (this.entries.size === 0 && (error as { code?: string }).code === 'journal.missing')
        return { lost: 0 };
      return { lost: this.entries.size, bad: String(error) };
    }
  }
}

/** How many entries have given way in this log. */
export function goneEntries(directory: string): number {
  const reader = openJournalReader(directory);
  const gone = reader.holes().reduce((sum, { from, to }) => sum + to - from, 0);
  reader.close();
  return gone;
}
