import { worstFirst, worstState, type HealthItem } from '../../health/index.ts';
import type { HealthDocument } from '../../telemetry/index.ts';

/** Whether a line on the control socket asks how the station is. */
export function isHealthRequest(request: unknown): boolean {
  return typeof request === 'object' && request !== null && 'health' in request;
}

/** What is answered: the whole list. */
export function healthAnswer(items: readonly HealthItem[], nowMonoMs: number): object {
  return { health: { state: worstState(items), asOfMs: Math.floor(nowMonoMs), items } };
}

/** A document holds at most so much, in bytes of JSON; telemetry takes 16 KiB. */
const MAX_ITEMS_BYTES = 12 * 1_024;
/** A text from outside (the name of a file, the word of a peer) must not take the room of all others. */
const MAX_TEXT = 240;

/** The telemetry document of a list: worst first, what has no room is counted. Pure. */
export function healthDocument(
  list: readonly HealthItem[],
  stamp: Pick<HealthDocument, 'asOfMs' | 'time' | 'clock'>,
): HealthDocument {
  const items: HealthDocument['items'][number][] = [];
  let bytes = 0;
  for (const item of healthItems(list, MAX_TEXT)) {
    bytes += Buffer.byteLength(JSON.stringify(item)) + 1;
    if (bytes > MAX_ITEMS_BYTES) break;
    items.push(item);
  }
  return { state: worstState(list), ...stamp, items, omitted: list.length - items.length };
}

/** Items as they are published, worst first. Pure. @param maxText of each text, in characters */
export function healthItems(list: readonly HealthItem[], maxText: number): HealthDocument['items'] {
  const shortened = (text: string): string =>
    text.length <= maxText ? text : `${text.slice(0, maxText - 1)}…`;
  return worstFirst(list).map(({ check, subject, state, code, detail, sinceMs, advice }) => ({
    ...{ check, ...(subject !== undefined && { subject }), state, code },
    ...{ detail: shortened(detail), sinceMs, advice: advice === null ? null : shortened(advice) },
  }));
}
