import { worstState } from '../../../health/index.ts';
import { healthItems } from '../../health/health-document.ts';
import type { Handler } from '../handler.ts';
import type { RemoteParts } from '../remote-parts.ts';
import { slices } from './slices.ts';

/** Enough for any text of this product: the name of a file, or the word of a peer, may be longer. */
const MAX_TEXT = 1_000;

/** The whole health list, worst first, in as many parts as it takes; each has the form of the document `health`, with its part of the items. */
export function doctor({
  options,
  config,
  journal,
  health,
}: Pick<RemoteParts, 'options' | 'config' | 'journal' | 'health'>): Handler<'doctor'> {
  return async (_none, answer) => {
    const { clock, wallClock, version } = options;
    const list = health();
    const items = healthItems(list, MAX_TEXT);
    const document = {
      station: { name: config.station.name, version, boot: journal.bootCount },
      state: worstState(list),
      asOfMs: Math.floor(clock.nowMonoMs()),
      time: Math.floor(wallClock.nowWallMs()),
      clock: wallClock.status(),
    };
    const all = slices(items);
    for (const part of all.slice(0, -1)) await answer.part({ ...document, items: part });
    return { ...document, items: all.at(-1) ?? [] };
  };
}
