import { journalFigures } from '../../../journal/index.ts';
import type { Handler } from '../handler.ts';
import type { RemoteParts } from '../remote-parts.ts';
import { withReader } from './with-reader.ts';

/** For the pace of a log that its writer has not counted for long enough yet: read within some milliseconds. */
const PACE_ENTRIES = 500;

/** As `journal stat --json`. */
export function journalStat({
  options: { stateDirectory: directory },
  config: { journal },
  anchoredSize,
}: Pick<RemoteParts, 'options' | 'config' | 'anchoredSize'>): Handler<'journal stat'> {
  return async () =>
    await withReader(directory, (reader) =>
      journalFigures(reader, {
        ...{ directory, anchoredSize: anchoredSize() ?? 0, paceEntries: PACE_ENTRIES },
        ...{ groupCommitMs: journal.groupCommitMs, flashEnduranceBytes: journal.flashEnduranceBytes },
      }),
    );
}
