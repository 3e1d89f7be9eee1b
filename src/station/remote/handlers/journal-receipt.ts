import { createHash } from 'node:crypto';
import { setImmediate } from 'node:timers/promises';
import { composeReceipt } from '../../evidence/compose-receipt.ts';
import type { Handler } from '../handler.ts';
import type { RemoteParts } from '../remote-parts.ts';
import { textSlices } from './slices.ts';
import { withReader } from './with-reader.ts';

/**
 * Of a session's meter readings; `receipt create` has 360. It is what the link has to carry, and what is verified here in one
 * piece before it is given away: its hundred signatures take a tenth of a second on a small device.
 */
const MOST_READINGS = 60;
/** As `receipt create`: the text of the file in parts, to be put together in their order, and at last its size in bytes and its digest. */
export function journalReceipt({
  options: { stateDirectory: directory },
  signTree,
}: Pick<RemoteParts, 'options' | 'signTree'>): Handler<'journal receipt'> {
  return async (subject, answer) => {
    const pause = async (): Promise<void> => {
      await setImmediate();
      answer.signal.throwIfAborted();
    };
    const { text, entries, anchor, session } = await withReader(directory, (journal) =>
      composeReceipt(subject, {
        ...{ journal, directory, pause, mostReadings: MOST_READINGS },
        signTree: async () => {
          const { text: checkpoint, size } = await signTree();
          return { checkpoint, size };
        },
      }),
    );
    for (const part of textSlices(text)) await answer.part({ text: part });
    const sha256 = createHash('sha256').update(text).digest('hex');
    return {
      ...{ size: Buffer.byteLength(text), sha256, entries },
      anchor: anchor && { block: anchor.blockNumber, size: anchor.size },
      session: session && { readings: session.readings, events: session.events, gone: session.gone },
    };
  };
}
