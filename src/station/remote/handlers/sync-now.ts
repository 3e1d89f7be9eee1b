import type { SyncAnswer } from '../../../sync/index.ts';
import type { Handler } from '../handler.ts';
import type { RemoteParts } from '../remote-parts.ts';

const LOOK_EVERY_MS = 1_000;

/** Begins a round, or joins the one that runs; one part at once, and another one when it is over. */
export function syncNow({
  options: { clock },
  askSync,
}: Pick<RemoteParts, 'options' | 'askSync'>): Handler<'sync now'> {
  return async (_none, answer) => {
    const begun = askSync({ sync: 'now' }).sync;
    if (begun.round?.state !== 'running') return roundOf(begun);
    await answer.part(roundOf(begun));
    for (;;) {
      await clock.sleep(LOOK_EVERY_MS, answer.signal);
      const { sync } = askSync({ sync: 'status' });
      // Another one may have been begun meanwhile: then this one is over, too.
      if (sync.round?.id !== begun.round.id || sync.round.state !== 'running') return roundOf(sync);
    }
  };
}

/** What becomes of it between the parts, the document `sync` tells. */
function roundOf({ round, status }: SyncAnswer['sync']): object {
  const { transport, words, failure } = status;
  return { round, transport, states: words, failure };
}
