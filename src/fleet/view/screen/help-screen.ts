import type { Size } from './fleet-screen.ts';
import { fitted, flowed, span, wrapped, type Line } from './lines.ts';

const HELP: readonly (readonly [keys: string, what: string])[] = [
  ['up down, k j', 'one row; page up, page down, home, end: more'],
  ['enter', 'looks at the station: from then on its samples, lines and log are heard'],
  ['esc', 'back; in the list: takes the filter off'],
  ['/', 'filter: words that name, version, state or fault must have; enter keeps it'],
  ['l', 'log of the station, the last 200 lines, and back'],
  ['?', 'this page'],
  ['ctrl-z', 'to the shell; fg comes back'],
  ['q, ctrl-c', 'quit'],
];

const WORDS: readonly string[] = [
  'FAULT, warn: the worst that the station says of itself (docs/faults.md has the codes).',
  'lost: the broker has not heard of it for 45 seconds. stop: it was stopped in order.',
  '?: it has not said how it is. What is not online shows what was true when it was last heard.',
  'SINCE: how long it has been so; > where the broker kept the list without a date.',
  'BACKLOG: entries of the journal that no anchor covers. ANCHOR: age of the last one, or its block.',
];

export function helpScreen({ columns, rows }: Size): Line[] {
  const lines: Line[] = [
    [span('Delmonicos fleet: keys', 'bold')],
    [],
    ...HELP.flatMap(([keys, what]) => {
      const words = what.split(' ').map((word): Line => [span(word)]);
      return flowed([span(`  ${keys.padEnd(14)}`, 'cyan')], words, columns, ' ');
    }),
    [],
    ...WORDS.flatMap((words) => wrapped(words, 2, columns, 'plain')),
  ];
  const shown = lines.slice(0, Math.max(0, rows - 1));
  const empty = Array.from({ length: Math.max(0, rows - 1 - shown.length) }, (): Line => []);
  return [...shown, ...empty, [span('any key: back', 'dim')]].map((line) => fitted(line, columns));
}
