import { afterEach, describe, expect, it } from 'vitest';
import { silentLog } from '../../../hal/contract/index.ts';
import type { EvidenceLog } from '../../../src/metering/index.ts';
import { recallRaisedFaults } from '../../../src/station/health/recall-raised-faults.ts';
import { syncFaultsOnRecord } from '../../../src/station/sync/sync-faults-on-record.ts';
import { syncOnSocket } from '../../../src/station/sync/sync-on-socket.ts';
import { hasCode } from '../../support/has-code.ts';
import { openTestJournal, temporaryDirectory } from '../../support/journal/journal-fixture.ts';

const closing: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});

describe('faults of syncing in the journal', () => {
  it('are known after a restart until they are cleared, whatever other faults there are', async () => {
    const { directory, remove } = temporaryDirectory();
    closing.push(remove);
    expect(recallRaisedFaults(directory, silentLog)).toEqual(new Set());

    const journal = await openTestJournal(directory);
    closing.push(() => journal.close());
    const evidence: EvidenceLog = { append: (kind, body) => journal.append(kind, body, 'billing') };
    const appended: Promise<unknown>[] = [];
    const record = syncFaultsOnRecord(
      {
        append: (...entry) => {
          const done = evidence.append(...entry);
          appended.push(done);
          return done;
        },
      },
      silentLog,
    );
    const facts = [{ name: 'free', value: '5' }];
    record({ type: 'raise', code: 'sync.low_balance', facts });
    record({ type: 'raise', code: 'sync.no_peers', facts: [] });
    await evidence.append('fault', { code: 'meter.silent', message: 'raised', facts: [] }, 'billing');
    await Promise.all(appended);
    expect(recallRaisedFaults(directory, silentLog)).toEqual(new Set(['sync.low_balance', 'sync.no_peers']));

    record({ type: 'clear', code: 'sync.no_peers', facts: [] });
    await Promise.all(appended);
    expect(recallRaisedFaults(directory, silentLog)).toEqual(new Set(['sync.low_balance']));
  });

  it('that cannot be written are no reason to stop', async () => {
    const logged: string[] = [];
    const failing: EvidenceLog = { append: () => Promise.reject(new Error('disk full')) };
    syncFaultsOnRecord(failing, (_level, event) => logged.push(event))({
      ...{ type: 'raise', code: 'sync.no_peers', facts: [] },
    });
    await Promise.resolve();
    await Promise.resolve();
    expect(logged).toEqual(['journal.append_failed']);
  });
});

describe('sync on the control socket', () => {
  it('says that the service is starting, then what sync says, or that there is none', async () => {
    const socket = syncOnSocket('/state');
    expect(() => socket.answer({ sync: 'status' })).toThrow(hasCode('control.no_sync'));
    await socket.open(undefined);
    expect(() => socket.answer({ sync: 'status' })).toThrow(hasCode('control.no_sync'));
  });
});
