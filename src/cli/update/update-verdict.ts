import { nameOf, type CheckName, type HealthItem } from '../../health/index.ts';

/** What an update is judged by. Telling more of an item does no harm. */
export type JudgedItem = Pick<HealthItem, 'check' | 'subject' | 'state' | 'code'>;

export interface UpdateVerdict {
  readonly ok: boolean;
  /** One sentence for each thing that is not good enough; empty when all is. */
  readonly missing: readonly string[];
}

/**
 * Of these nobody can tell whether the update or the world outside is to blame: a station that is updated while its uplink is
 * down must not go back for it. Whoever wants to names them as required.
 */
export const OUTSIDE: readonly CheckName[] = ['chain', 'broker', 'clock'];

/**
 * Whether a station is as well with an update as it was without: it stores, a meter is read where one was, and nothing is a
 * fault that was none before.
 * @param before the list of before the update; null: not known, then nothing is excused
 * @param required of OUTSIDE: what must be as well as the rest
 */
export function judgeUpdate(
  now: readonly JudgedItem[],
  before: readonly JudgedItem[] | null,
  required: readonly CheckName[] = [],
): UpdateVerdict {
  const wasFault = new Set((before ?? []).filter(({ state }) => state === 'fault').map(nameOf));
  const faults = now
    .filter(({ check, state }) => state === 'fault' && (!OUTSIDE.includes(check) || required.includes(check)))
    .filter((item) => !wasFault.has(nameOf(item)))
    .map((item) => `${nameOf(item)} is a fault${item.code === null ? '' : ` (${item.code})`} and was none`);
  const missing = [...faults, ...notYet(now, before, required)];
  return { ok: missing.length === 0, missing };
}

function notYet(
  now: readonly JudgedItem[],
  before: readonly JudgedItem[] | null,
  required: readonly CheckName[],
): string[] {
  const isRead = (items: readonly JudgedItem[]) =>
    items.some(({ check, state }) => check === 'meter' && (state === 'ok' || state === 'warning'));
  const isKnown = (wanted: CheckName) => {
    const items = now.filter(({ check }) => check === wanted);
    return items.length > 0 && items.every(({ state }) => state !== 'unknown');
  };
  return [
    // What is stored is signed: a journal that takes entries and a meter that is read are a signed reading.
    ...(isKnown('journal') ? [] : ['nothing is known of the journal yet']),
    ...(isRead(now) || (before !== null && !isRead(before)) ? [] : ['no meter has been read yet']),
    ...required.filter((check) => !isKnown(check)).map((check) => `nothing is known of ${check} yet`),
  ];
}
