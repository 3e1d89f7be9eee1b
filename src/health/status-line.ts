import { nameOf, type HealthItem } from './health-item.ts';

/** Longer, and `systemctl status` cuts it. */
const MAX_LINE = 160;
const NAMED = 3;

/**
 * The list in one line, for STATUS= of the unit: what is wrong by name, worst first, or how many meters are read and how many
 * entries are stored. No control characters, at most 160 characters.
 */
export function healthLine(items: readonly HealthItem[]): string {
  const wrong = items.filter(({ state }) => state === 'fault' || state === 'warning');
  const count = (state: string): number => wrong.filter((item) => item.state === state).length;
  const meters = items.filter(({ check }) => check === 'meter');
  const read = new Set(meters.filter(({ state }) => state !== 'fault' && state !== 'unknown').map(nameOf))
    .size;
  const all = new Set(meters.map(nameOf)).size;
  const head = `${read} of ${all} meters read`;
  if (wrong.length === 0) return clean(`${head}; all is well`);
  const named = wrong
    .slice(0, NAMED)
    .map((item) => `${item.subject ?? item.check}: ${item.code ?? item.state}`);
  const more = wrong.length > NAMED ? `, and ${wrong.length - NAMED} more` : '';
  const counts = [plural(count('fault'), 'fault'), plural(count('warning'), 'warning')].filter(
    (text) => text !== '',
  );
  return clean(`${head}; ${counts.join(', ')}: ${named.join(', ')}${more}`);
}

function plural(count: number, what: string): string {
  return count === 0 ? '' : `${count} ${what}${count === 1 ? '' : 's'}`;
}

function clean(line: string): string {
  const printable = line.replace(/[^\x20-\x7e]+/g, ' ');
  return printable.length > MAX_LINE ? `${printable.slice(0, MAX_LINE - 3)}...` : printable;
}
