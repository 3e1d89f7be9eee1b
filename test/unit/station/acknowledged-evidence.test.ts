import { describe, expect, it } from 'vitest';
import { StationError } from '../../../hal/contract/index.ts';
import { JournalError, type JournalErrorCode } from '../../../src/journal/index.ts';
import { acknowledgedEvidence } from '../../../src/station/evidence/acknowledged-evidence.ts';
import { VirtualClock } from '../../support/virtual-clock.ts';

const SAMPLE = {
  ...{ meterSerial: '1', profileId: 'p', readBeginMonoMs: 1, readEndMonoMs: 2, values: [] },
};

function watched() {
  const told: string[] = [];
  const journal = {
    size: 0,
    noRoom: 0,
    refuse: undefined as JournalErrorCode | undefined,
    /** What an entry waits for before it is on disk. */
    commit: Promise.resolve(),
    append: async (): Promise<number> => {
      await journal.commit;
      if (journal.refuse !== undefined) throw new JournalError(journal.refuse, 'refused');
      return journal.size++;
    },
  };
  const clock = new VirtualClock(1_000);
  const evidence = acknowledgedEvidence({
    ...{ journal, clock },
    log: (_level, event) => told.push(event),
    onCommitted: (size) => told.push(`committed ${size}`),
    onDegraded: ({ code }) => told.push(`degraded ${code}`),
    onNoRoom: () => journal.noRoom++,
    onLost: ({ code }) => told.push(`lost ${code}`),
  });
  const append = async (refuse?: JournalErrorCode, kind: 'config' | 'reading' = 'config'): Promise<void> => {
    journal.refuse = refuse;
    const appended =
      kind === 'config'
        ? evidence.append('config', { digest: new Uint8Array(32), reason: 'test' }, 'billing')
        : evidence.append('reading', SAMPLE, 'sample');
    await appended.catch((error) => {
      if (!(error instanceof StationError)) throw error;
    });
  };
  return { journal, told, append, clock, facts: () => evidence.facts() };
}

describe('the journal as metering writes to it', () => {
  it('is degraded once when the disk is full, and said to store again', async () => {
    const { journal, told, append } = watched();
    for (const refuse of [undefined, 'journal.disk_full', 'journal.disk_full', undefined] as const)
      await append(refuse);
    expect(journal.noRoom).toBe(2);
    expect(told).toEqual([
      'committed 1',
      'degraded journal.disk_full',
      'journal.stores_again',
      'committed 2',
    ]);
  });

  it.each(['journal.closed', 'journal.corrupt'] as const)(
    'is lost once with %s: only a new start helps',
    async (code) => {
      const { told, append } = watched();
      for (const refuse of ['journal.commit_unknown', code, code] as const) await append(refuse);
      expect(told).toEqual(['degraded journal.commit_unknown', `degraded ${code}`, `lost ${code}`]);
    },
  );

  it('is as good as before when it refuses one entry for what it is', async () => {
    const { told, append } = watched();
    await append('journal.entry_invalid');
    expect(told).toEqual([]);
  });

  it('is not good again when only entries that have a reserve are stored', async () => {
    const { told, append } = watched();
    await append('journal.disk_full', 'reading');
    await append();
    await append('journal.disk_full', 'reading');
    await append();
    expect(told).toEqual(['degraded journal.disk_full', 'committed 1', 'committed 2']);
    await append(undefined, 'reading');
    expect(told.slice(3)).toEqual(['journal.stores_again', 'committed 3']);
  });

  it('knows when something was last stored, what waits since when, and why what is refused is', async () => {
    const { journal, append, clock, facts } = watched();
    const none = { lastCommitMonoMs: null, waiting: 0, oldestWaitingSinceMonoMs: null, refusedBecause: null };
    expect(facts()).toEqual(none);
    let commit = (): void => {};
    journal.commit = new Promise((resolve) => (commit = resolve));
    const first = append();
    await clock.advance(2_000);
    const second = append(undefined, 'reading');
    await clock.advance(3_000);
    expect(facts()).toEqual({ ...none, waiting: 2, oldestWaitingSinceMonoMs: 1_000 });
    commit();
    await Promise.all([first, second]);
    expect(facts()).toEqual({ ...none, lastCommitMonoMs: 6_000 });
    await append('journal.disk_full', 'reading');
    await clock.advance(500);
    await append();
    const refused = { ...none, lastCommitMonoMs: 6_500, refusedBecause: 'journal.disk_full' };
    expect(facts()).toEqual(refused);
    await append(undefined, 'reading');
    expect(facts()).toEqual({ ...refused, refusedBecause: null });
  });
});
