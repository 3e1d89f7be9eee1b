import { readFile } from 'node:fs/promises';

const SINCE_EPOCH = '/sys/class/rtc/rtc0/since_epoch';

/** What the battery-backed clock shows, in ms since 1970 and whole seconds (rtc(4)); undefined where there is none. */
export async function readRealTimeClockMs(file = SINCE_EPOCH): Promise<number | undefined> {
  try {
    const text = (await readFile(file, 'utf8')).trim();
    return /^\d{1,12}$/.test(text) ? Number(text) * 1_000 : undefined;
  } catch {
    return undefined;
  }
}
