import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { lookOnce } from '../../../src/cli/top/look-once.ts';
import type { TopView } from '../../../src/cli/top/top-view.ts';
import { Fleet, type FleetFeed } from '../../../src/fleet/index.ts';
import { health, message, online } from '../../support/fleet/recorded-messages.ts';

beforeEach(() => {
  vi.useFakeTimers();
  vi.spyOn(process.stdout, 'write').mockReturnValue(true);
  vi.spyOn(process.stderr, 'write').mockReturnValue(true);
});
afterEach(() => {
  process.exitCode = undefined;
  vi.useRealTimers();
  vi.restoreAllMocks();
});

/** One station that is well, and a broker that has said so. */
async function exitCodeAfter(refused: string | null, waitMs: number): Promise<unknown> {
  const fleet = new Fleet();
  fleet.receive(message('one', 'status', online('one')));
  fleet.receive(message('one', 'health', health('ok', [])));
  const link = { broker: 'b', connected: true, failure: null, refused };
  const feed = { link, look: () => Promise.resolve() } as unknown as FleetFeed;
  const view: TopView = {
    ...{ fleet, feed, station: null, json: true, nowMs: () => 0 },
    ...{ onHeard: () => {}, onLink: () => {} },
  };
  const looked = lookOnce(view, waitMs);
  await vi.advanceTimersByTimeAsync(5_000);
  await looked;
  return process.exitCode;
}

describe('top --once of a fleet that is well', () => {
  it('exits 0 when all that the broker keeps was heard', async () => {
    expect(await exitCodeAfter(null, 5_000)).toBeUndefined();
  });

  it('exits 1 when more was coming: of the others nothing is known', async () => {
    expect(await exitCodeAfter(null, 500)).toBe(1);
  });

  it('exits 1 when the broker refuses a part of it', async () => {
    expect(await exitCodeAfter('the broker does not let us hear x', 5_000)).toBe(1);
  });
});
