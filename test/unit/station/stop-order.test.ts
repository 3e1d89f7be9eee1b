import { describe, expect, it } from 'vitest';
import { silentLog } from '../../../hal/contract/index.ts';
import { stopInOrder, type RunningParts } from '../../../src/station/lifecycle/stop-order.ts';
import { VirtualClock } from '../../support/virtual-clock.ts';

const never = (): Promise<void> => new Promise(() => {});

function parts(order: string[], hanging: ReadonlySet<string>): RunningParts {
  const step = (what: string) => (): Promise<void> => {
    order.push(what);
    return hanging.has(what) ? never() : Promise.resolve();
  };
  return {
    watches: [{ stop: step('watch') }],
    metering: { stop: step('reads') },
    clockWatch: { stop: step('clock watch') },
    journal: { flush: step('flush'), close: step('close') },
    lines: [{ close: step('line') }],
    sync: { stop: step('sync') },
    view: { close: step('view') },
  };
}

describe('the order of a stop', () => {
  const ORDER = ['watch', 'reads', 'clock watch', 'flush', 'line', 'sync', 'view', 'close'];

  it('ends what makes entries before what keeps them', async () => {
    const order: string[] = [];
    await stopInOrder(parts(order, new Set()), { clock: new VirtualClock(), log: silentLog });
    expect(order).toEqual(ORDER);
  });

  it.each(ORDER)('closes the journal within half a minute also when "%s" hangs', async (what) => {
    const order: string[] = [];
    const clock = new VirtualClock();
    let stopped = false;
    const stopping = stopInOrder(parts(order, new Set([what])), { clock, log: silentLog }).then(
      () => (stopped = true),
    );
    await clock.advance(30_000);
    expect(stopped).toBe(true);
    await stopping;
    expect(order).toEqual(ORDER);
  });

  it('goes on after a part that fails to stop, and says so', async () => {
    const order: string[] = [];
    const logged: string[] = [];
    const failing = parts(order, new Set());
    await stopInOrder(
      { ...failing, journal: { ...failing.journal, flush: () => Promise.reject(new Error('disk full')) } },
      { clock: new VirtualClock(), log: (_level, event) => logged.push(event) },
    );
    expect(order).toEqual(ORDER.filter((step) => step !== 'flush'));
    expect(logged).toEqual(['station.stop_failed']);
  });
});
