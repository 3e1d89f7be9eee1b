// One step with a log of many entries, in a process of its own: to grow it, to ask it, to open it.
import { readdirSync, statSync } from 'node:fs';
import path from 'node:path';
import {
  entryVerifier,
  leafHash,
  openJournalReader,
  verifyConsistency,
  verifyInclusion,
  verifyJournal,
  type JournalReader,
} from '../../src/journal/index.ts';
import { keepHeapSmall } from '../../src/service/index.ts';
import { answerTask } from './child.ts';
import { lookAt } from './process-memory.ts';
import { appendReadings, made, openTypicalLog, shortReading } from './typical-log.ts';

export interface StepTask {
  readonly step: 'grow' | 'ask' | 'start' | 'audit';
  readonly directory: string;
  /** Of the identity, one number for all steps of a log. */
  readonly seed: number;
  /** Entries that the log is to have, or has. */
  readonly size: number;
  readonly groupEntries: number;
  /** How often the same is measured. */
  readonly rounds: number;
  /** Entries appended, or asked for, in a round. */
  readonly perRound: number;
}

export interface GrowResult {
  /** Of the last rounds; everything before them is in `seconds`. */
  readonly appendMicros: readonly number[];
  readonly appended: number;
  readonly seconds: number;
  /** At the end, before the log is closed. */
  readonly rssBytes: number;
  readonly anonymousBytes: number;
  /** Files of the log when it is closed. */
  readonly diskBytes: number;
}

export interface AskResult {
  /** The first proof of a reader, with opening it. */
  readonly firstProofMicros: readonly number[];
  readonly inclusionMicros: readonly number[];
  readonly consistencyMicros: readonly number[];
  /** Reading an entry, its signature and its inclusion in the tree. */
  readonly verifyMicros: readonly number[];
  readonly hashes: number;
}

/** From openJournal to the boot entry on disk. */
export interface StartResult {
  readonly milliseconds: number;
}

export interface AuditResult {
  readonly microsPerEntry: number;
}

keepHeapSmall();
await answerTask<StepTask, GrowResult | AskResult | StartResult | AuditResult>((task) => {
  switch (task.step) {
    case 'grow':
      return grow(task);
    case 'ask':
      return ask(task);
    case 'start':
      return start(task);
    case 'audit':
      return audit(task);
  }
});

async function grow({
  directory,
  seed,
  size,
  groupEntries,
  rounds,
  perRound,
}: StepTask): Promise<GrowResult> {
  const reading = made(shortReading);
  const journal = await openTypicalLog(directory, groupEntries, seed);
  const startedAt = performance.now();
  const [first, measured] = [journal.size, rounds * perRound];
  const before = Math.max(0, size - first - measured);
  await appendReadings(journal, reading, { from: first, count: before, groupEntries });
  const appendMicros: number[] = [];
  while (journal.size < size) {
    const [roundAt, from] = [performance.now(), journal.size];
    const count = Math.min(perRound, size - from);
    await appendReadings(journal, reading, { from, count, groupEntries });
    appendMicros.push((1_000 * (performance.now() - roundAt)) / count);
  }
  const memory = lookAt(process.pid);
  if (memory === undefined) throw new Error('this process cannot look at itself');
  const result = {
    ...{ appendMicros, appended: size - first, seconds: (performance.now() - startedAt) / 1_000 },
    ...{ rssBytes: memory.rssBytes, anonymousBytes: memory.anonymousBytes },
  };
  await journal.close();
  const diskBytes = readdirSync(directory).reduce((sum, file) => sum + sizeOf(directory, file), 0);
  return { ...result, diskBytes };
}

function ask({ directory, size, rounds, perRound }: StepTask): Promise<AskResult> {
  const micros = (work: () => void, count = 1): number => {
    const startedAt = performance.now();
    work();
    return (1_000 * (performance.now() - startedAt)) / count;
  };
  // Spread over the whole log, others each time.
  let next = 0;
  const someIndex = (): number => (next = (next + 7_368_787) % size);
  const firstProofMicros = Array.from({ length: rounds }, () =>
    micros(() => {
      const fresh = openJournalReader(directory);
      fresh.inclusionProof(someIndex(), size);
      fresh.close();
    }),
  );
  const log = openJournalReader(directory);
  const hashes = log.inclusionProof(0, size).length;
  const [inclusionMicros, consistencyMicros, verifyMicros]: number[][] = [[], [], []];
  const root2 = log.rootAt(size);
  for (let round = 0; round < rounds; round++) {
    const indices = Array.from({ length: perRound }, someIndex);
    inclusionMicros?.push(micros(() => indices.forEach((i) => log.inclusionProof(i, size)), perRound));
    let proofs: Uint8Array[][] = [];
    const prove = () => (proofs = indices.map((size1) => log.consistencyProof(size1, size)));
    consistencyMicros?.push(micros(prove, perRound));
    for (const [i, proof] of proofs.entries()) {
      const size1 = indices[i] ?? 0;
      const claim = { size1, root1: log.rootAt(size1), size2: size, root2, proof };
      if (!verifyConsistency(claim)) throw new Error(`the log of ${size} does not continue that of ${size1}`);
    }
    verifyMicros?.push(micros(() => verifyRun(log, { from: someIndex(), count: perRound, size }), perRound));
  }
  log.close();
  return Promise.resolve({
    firstProofMicros,
    inclusionMicros,
    consistencyMicros,
    verifyMicros,
    hashes,
  } as AskResult);
}

/** What an auditor of a part of the log does: entries in a row, as they come from the file. */
function verifyRun(
  log: JournalReader,
  { from, count, size }: { from: number; count: number; size: number },
): void {
  const rootHash = log.rootAt(size);
  const verify = entryVerifier(log.publicKey);
  const begin = Math.min(from, size - count);
  for (const { index, cose } of log.entries(begin, begin + count)) {
    verify(cose);
    const claim = { leafHash: leafHash(cose), leafIndex: index, treeSize: size, rootHash };
    if (!verifyInclusion({ ...claim, proof: log.inclusionProof(index, size) })) {
      throw new Error(`entry ${index} is not in the tree of ${size}`);
    }
  }
}

async function start({ directory, seed, groupEntries }: StepTask): Promise<StartResult> {
  const startedAt = performance.now();
  const journal = await openTypicalLog(directory, groupEntries, seed);
  const milliseconds = performance.now() - startedAt;
  await journal.close();
  return { milliseconds };
}

async function audit({ directory }: StepTask): Promise<AuditResult> {
  const startedAt = performance.now();
  const { ok, size } = await verifyJournal(directory);
  if (!ok) throw new Error('the log that was written here does not verify');
  return { microsPerEntry: (1_000 * (performance.now() - startedAt)) / size };
}

function sizeOf(directory: string, file: string): number {
  return statSync(path.join(directory, file)).size;
}
