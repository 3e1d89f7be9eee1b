import type { DiskFacts, FlashFacts, JournalFacts } from './facts.ts';
import type { IsRaised, Look } from './look.ts';
import {
  COMMIT_LATE_MS,
  DISK_LOW,
  DISK_NEARLY_FULL,
  FLASH_WEARING_FAST,
  FLASH_WORN,
  FLASH_WORN_OUT,
  isAbove,
  isBelow,
} from './thresholds.ts';
import { durationInWords, mebibytes } from './words.ts';

const DISK_FULL = 'journal.disk_full';

export function lookAtJournal(facts: JournalFacts, nowMonoMs: number): Look {
  const { size, lastCommitMonoMs, refusedBecause, oldestWaitingSinceMonoMs: oldest } = facts;
  const waitsMs = oldest === null ? 0 : nowMonoMs - oldest;
  const last =
    lastCommitMonoMs === null
      ? 'none stored yet'
      : `last stored ${durationInWords(nowMonoMs - lastCommitMonoMs)} ago`;
  return {
    check: 'journal',
    normal: { state: lastCommitMonoMs === null ? 'unknown' : 'ok', detail: `${size} entries, ${last}` },
    conditions: [
      {
        code: 'journal.disk_full',
        holds: refusedBecause === DISK_FULL,
        detail: `readings are refused; ${size} entries, ${last}`,
      },
      {
        code: 'journal.refuses_entries',
        holds: refusedBecause !== null && refusedBecause !== DISK_FULL,
        detail: `[${refusedBecause ?? ''}] entries are refused; ${size} entries, ${last}`,
      },
      {
        code: 'journal.not_storing',
        holds: waitsMs > facts.groupCommitMs + COMMIT_LATE_MS,
        detail: `${facts.waiting} entries wait, the oldest for ${durationInWords(waitsMs)}`,
      },
      {
        code: 'journal.above_max_size',
        holds: facts.isExhausted,
        detail: 'above journal.maxSize, and nothing more may give way',
      },
      { code: 'journal.set_aside', holds: facts.setAside !== null, detail: facts.setAside ?? '' },
      { code: 'journal.corrupt', holds: facts.damage !== null, detail: facts.damage ?? '' },
    ],
  };
}

export function lookAtDisk(facts: DiskFacts, isRaised: IsRaised): Look {
  const { freeBytes, journalBytes, maxJournalBytes, isReserveKept } = facts;
  const missing = Math.max(0, maxJournalBytes - journalBytes) - freeBytes;
  const free = `${mebibytes(freeBytes)} free`;
  const grow = mebibytes(Math.max(0, maxJournalBytes - journalBytes));
  return {
    check: 'disk',
    normal: {
      state: 'ok',
      detail: `${free}; the journal has ${mebibytes(journalBytes)} of ${mebibytes(maxJournalBytes)}`,
    },
    conditions: [
      {
        code: 'disk.nearly_full',
        holds: isBelow(freeBytes, DISK_NEARLY_FULL, isRaised('disk.nearly_full')),
        detail: free,
      },
      {
        code: 'disk.low',
        holds: isAbove(missing, DISK_LOW, isRaised('disk.low')),
        detail: `${free}, and the journal may still grow by ${grow}`,
      },
      {
        code: 'disk.no_reserve',
        holds: isReserveKept === null ? undefined : !isReserveKept,
        detail: `${free}; ${mebibytes(facts.reserveBytes)} should be kept for entries that are no readings`,
      },
    ],
  };
}

const RESERVE_RANK = { normal: 0, warning: 1, urgent: 2 } as const;

export function lookAtFlash({ devices, bytesPerDay, lifeDays }: FlashFacts, isRaised: IsRaised): Look {
  const lives = devices.map(({ lifeUsedPercent }) => lifeUsedPercent ?? 0);
  const worst = Math.max(0, ...lives);
  const reserve = Math.max(0, ...devices.map(({ reserveBlocks }) => RESERVE_RANK[reserveBlocks ?? 'normal']));
  const worn = devices.map(({ device, lifeUsedPercent, reserveBlocks }) => {
    const life =
      lifeUsedPercent === null ? 'says nothing of its life' : `has used ${lifeUsedPercent} % of its life`;
    return `${device} ${life}, reserve blocks ${reserveBlocks ?? 'not told'}`;
  });
  const pace = bytesPerDay === null ? [] : [`${mebibytes(bytesPerDay)} a day are written`];
  const life = lifeDays === null ? [] : [`at that pace it lasts ${Math.floor(lifeDays)} days`];
  const detail = [...worn, ...pace, ...life].join('; ');
  return {
    check: 'flash',
    normal: {
      state: detail === '' ? 'unknown' : 'ok',
      detail: detail === '' ? 'nothing here tells its wear' : detail,
    },
    conditions: [
      {
        code: 'flash.worn',
        holds: isAbove(worst, FLASH_WORN, isRaised('flash.worn')) || reserve >= RESERVE_RANK.warning,
        detail,
      },
      {
        code: 'flash.worn_out',
        holds: isAbove(worst, FLASH_WORN_OUT, isRaised('flash.worn_out')) || reserve >= RESERVE_RANK.urgent,
        detail,
      },
      {
        code: 'flash.wearing_fast',
        holds:
          lifeDays === null
            ? undefined
            : isBelow(lifeDays, FLASH_WEARING_FAST, isRaised('flash.wearing_fast')),
        detail,
      },
    ],
  };
}
