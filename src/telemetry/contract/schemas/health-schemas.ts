import * as v from 'valibot';
import { CLOCK, code, count, MOMENT, sinceBoot, text, WALL_TIME } from './fields.ts';

const HEALTH_STATE = v.picklist(['ok', 'unknown', 'warning', 'fault']);

/** `health`: the list that `delmonicos doctor` shows. */
export const HEALTH_DOCUMENT = v.object({
  state: v.pipe(HEALTH_STATE, v.description('The worst of all items')),
  asOfMs: sinceBoot('When the figures in it were taken'),
  time: WALL_TIME,
  clock: CLOCK,
  items: v.pipe(
    v.array(
      v.object({
        check: text('What was looked at'),
        subject: v.exactOptional(text('Which one, where there are several')),
        state: HEALTH_STATE,
        code: v.nullable(code('Of docs/faults.md; null for what is ok or unknown')),
        detail: text('For people, of this moment'),
        sinceMs: v.nullable(sinceBoot('Since when it is so')),
        advice: v.nullable(text('What to do, where something can be done')),
      }),
    ),
    v.description('Worst first'),
  ),
  omitted: count('Items that had no room, the best ones'),
});

/** `health/change`: once for each fault that is raised or cleared. */
export const HEALTH_CHANGE = v.object({
  type: v.picklist(['raise', 'clear']),
  code: code('Of docs/faults.md'),
  severity: v.picklist(['warning', 'fault']),
  subject: v.exactOptional(text('Which one, where there are several')),
  detail: text('For people: as it was when it last held'),
  ...MOMENT,
});
