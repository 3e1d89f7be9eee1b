import type { EntryBodies, EntryKind } from '../journal/index.ts';

/**
 * Where readings become evidence: the journal, as metering needs it. Resolves with the leaf index once the entry is on disk
 * and rejects with a `StationError` when it is not; calls keep their order. `sample` entries are committed in groups, some
 * seconds later; `billing` entries at once.
 */
export interface EvidenceLog {
  append<Kind extends EntryKind>(
    kind: Kind,
    body: EntryBodies[Kind],
    durability: 'billing' | 'sample',
  ): Promise<number>;
}
