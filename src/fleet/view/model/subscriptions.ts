import { stationPrefix, TOPIC_ROOT } from '../../../telemetry/index.ts';

/** What the list needs of every station: a desk's link, and a fleet's broker, are not free either. */
export const FLEET_FILTERS: readonly string[] = [
  'status',
  'health',
  'journal',
  'sync',
  'state',
  'meters/+/status',
].map((below) => `${TOPIC_ROOT}/+/${below}`);

/** What is heard of the one station that is looked at. @throws RangeError for a name that is none. */
export function stationFilters(name: string): string[] {
  const prefix = stationPrefix(name);
  const below = ['status', 'state', 'journal', 'sync', 'health', 'health/change', 'config/result', 'log'];
  return [...below, 'meters/+/status', 'meters/+/sample', 'lines/+/status'].map(
    (topic) => `${prefix}/${topic}`,
  );
}
