// Fills the journal of a state directory as the service would, while nobody is there to anchor it: in a process of its own.
import { loadIdentity } from '../../src/identity/index.ts';
import { keepHeapSmall } from '../../src/service/index.ts';
import { answerTask } from './child.ts';
import { appendReadings, made, openTypicalLog, shortReading } from './typical-log.ts';

export interface FillTask {
  readonly stateDirectory: string;
  /** Entries that the journal is to have. */
  readonly size: number;
  readonly groupEntries: number;
}

export interface FillResult {
  readonly seconds: number;
}

keepHeapSmall();
await answerTask<FillTask, FillResult>(async ({ stateDirectory, size, groupEntries }) => {
  const startedAt = performance.now();
  const identity = await loadIdentity(stateDirectory);
  const journal = await openTypicalLog(stateDirectory, groupEntries, identity);
  const from = journal.size;
  await appendReadings(journal, made(shortReading), { from, count: size - from, groupEntries });
  await journal.close();
  return { seconds: (performance.now() - startedAt) / 1_000 };
});
