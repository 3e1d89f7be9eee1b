import type { FiguresWanted, FlashFigures, JournalReader } from '../../journal/index.ts';
import { harmlessLine, print, printJson } from '../output.ts';

export interface StatOptions {
  readonly json?: true;
  readonly config?: string;
}

export async function printJournalStat(directory: string, options: StatOptions): Promise<void> {
  const { formatTime, journalFigures, openJournalReader } = await import('../../journal/index.ts');
  const reader = openJournalReader(directory);
  try {
    const anchoredSize = await anchoredSizeOf(directory, reader);
    const configured = await configuredJournal(options.config);
    const document = journalFigures(reader, { directory, anchoredSize, ...configured });
    if (options.json === true) return printJson(document);
    print(`origin     ${harmlessLine(document.origin)}`);
    print(`entries    ${document.size}, ${document.backlog} not anchored yet`);
    const { entries, ranges } = document.pruned;
    if (entries > 0) print(`gone       ${entries} entries in ${ranges} runs; signed entries say which`);
    print(`root       ${document.root}`);
    print(`from       ${formatTime(document.oldest.timeMs)} to ${formatTime(document.newest.timeMs)}`);
    print(`boots      ${document.bootCount}`);
    const kept = Math.max(1, document.size - entries);
    print(`on disk    ${document.bytes} bytes, ${Math.round(document.bytes / kept)} an entry`);
    printFlash(document.flash);
  } finally {
    reader.close();
  }
}

/** Entries that a final anchor covers; 0 for a station that never had a link and so has no outbox. */
async function anchoredSizeOf(directory: string, reader: JournalReader): Promise<number> {
  const { readSyncStatus, SyncError } = await import('../../sync/index.ts');
  try {
    const anchor = readSyncStatus(directory).lastAnchor;
    return anchor !== null && (await beginsWith(reader, anchor)) ? anchor.size : 0;
  } catch (error) {
    if (error instanceof SyncError && error.code === 'sync.outbox_missing') return 0;
    throw error;
  }
}

/** An anchor may be of the log before this one: the outbox learns of that when the service opens it. */
async function beginsWith(
  reader: JournalReader,
  { size, root }: { size: number; root: string },
): Promise<boolean> {
  if (size > reader.size) return false;
  try {
    return `0x${hex(reader.rootAt(size))}` === root;
  } catch (error) {
    const { JournalError } = await import('../../journal/index.ts');
    // What can only be believed is believed: nothing is decided by it here.
    if (error instanceof JournalError && error.code === 'journal.pruned') return true;
    throw error;
  }
}

async function configuredJournal(
  file: string | undefined,
): Promise<Pick<FiguresWanted, 'groupCommitMs' | 'flashEnduranceBytes'>> {
  if (file === undefined) return {};
  const { loadStationConfigWith } = await import('../../config/index.ts');
  const profiles = await import('../../../hal/profile/index.ts');
  return (await loadStationConfigWith(profiles, file)).journal;
}

function printFlash({ written, enduranceBytes, lifeYears, emmc }: FlashFigures): void {
  if (written === null) print('to flash   not known yet: the log is too young');
  else {
    const how =
      written.from === 'writer' ? 'as the running service counts' : 'by the pace of the newest entries';
    print(`to flash   ${Math.round(written.bytesPerDay)} bytes a day, ${how}`);
  }
  if (lifeYears !== null)
    print(`flash life ${lifeYears} years, if nothing else writes to it (${enduranceBytes} bytes)`);
  for (const { device, lifeUsedPercent, reserveBlocks } of emmc) {
    const life =
      lifeUsedPercent === null ? 'does not tell its wear' : `up to ${lifeUsedPercent} % of its life used`;
    print(
      `eMMC       ${device}: ${life}${reserveBlocks === null ? '' : `, reserve blocks ${reserveBlocks}`}`,
    );
  }
}

function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('hex');
}
