import { it } from 'vitest';
import { backlogTables } from '../bench/backlog.ts';
import type { Bench } from '../bench/bench.ts';
import { stationsForSync, syncTables } from '../bench/sync.ts';
import { inSyncYard } from '../bench/sync-yard.ts';
import { givesFigures, type StatedFigures } from '../support/bench-figures.ts';

/** Both benches of sync, on one dev network. */
const syncAndBacklog: Bench = {
  name: 'sync and backlog',
  what: 'both',
  run: (scale) =>
    inSyncYard(stationsForSync(scale) + 2, async (yard) => [
      ...(await syncTables(yard, scale)),
      ...(await backlogTables(yard, scale)),
    ]),
};

const STATED: readonly StatedFigures[] = [
  {
    bench: syncAndBacklog,
    subjects: ['light client, cold'],
    figures: ['total', 'gateway', 'runtime', 'to finality', 'in', 'out'],
  },
  {
    bench: syncAndBacklog,
    subjects: ['core before, light client', 'core during, light client', 'gateway, first, light client'],
    figures: ['RSS', 'anonymous'],
  },
  {
    bench: syncAndBacklog,
    subjects: ['1,000 entries', '10,000 entries'],
    figures: [
      'link up to final',
      'from the try',
      'extrinsics',
      'in',
      'out',
      'core RSS',
      'gateway RSS',
      'start',
    ],
  },
];

it.each(STATED)('$bench.name gives the figures that docs/performance.md states', givesFigures);
