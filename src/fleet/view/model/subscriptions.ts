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
  const said = ['log', 'health/change', 'meters/+/sample', 'meters/+/history'];
  const kept = [
    'status',
    'state',
    'journal',
    'sync',
    'health',
    'config/result',
    'lines/+/status',
    'meters/+/status',
  ];
  // What is said once first: with the picture of what is kept, nothing more is missed.
  return [...said, ...kept].map((topic) => `${prefix}/${topic}`);
}
