import { describe, expect, it } from 'vitest';
import type { GatewayEvent } from '../../../src/chain/index.ts';
import { caughtUpPercent, type LinkView, newLink, observeLink } from '../../../src/sync/link/link-view.ts';

type Progress = Extract<GatewayEvent, { type: 'progress' }>;

const HASH = `0x${'11'.repeat(32)}` as const;
const finalized = (number: number): GatewayEvent => ({ type: 'finalized', block: { number, hash: HASH } });
const progress = (more: Partial<Progress>): GatewayEvent => ({
  ...{ type: 'progress', stage: 'syncing', peers: null, best: null, finalized: null },
  ...{ finalizedAtMs: null, clock: null },
  ...more,
});

function after(...events: readonly (readonly [atMonoMs: number, event: GatewayEvent])[]): LinkView {
  return events.reduce((link, [atMonoMs, event]) => observeLink(link, event, atMonoMs), newLink(1_000));
}

describe('what a gateway tells of its link', () => {
  it('counts the age of a stage from when it began, not from when it was told again', () => {
    const link = after([2_000, progress({})], [3_000, progress({ peers: 2 })]);
    expect(link).toMatchObject({ stage: 'syncing', stageMonoMs: 2_000, peers: 2 });
  });

  it('knows since when there is no peer, and how often the last one went', () => {
    const link = after(
      [2_000, { type: 'peers', count: 0 }],
      [3_000, { type: 'peers', count: 1 }],
      [4_000, { type: 'peers', count: 0 }],
      [5_000, { type: 'peers', count: 0 }],
    );
    expect(link).toMatchObject({ peers: 0, peerlessMonoMs: 4_000, peerLosses: 1 });
    expect(observeLink(link, { type: 'peers', count: 3 }, 6_000).peerlessMonoMs).toBeNull();
  });

  it('takes a height that is not above the last one for an old answer', () => {
    const link = after([2_000, finalized(10)], [3_000, finalized(9)], [4_000, finalized(10)]);
    expect(link).toMatchObject({ finalized: 10, finalizedMonoMs: 2_000, from: 10 });
    expect(observeLink(link, finalized(11), 5_000)).toMatchObject({ finalized: 11, finalizedMonoMs: 5_000 });
  });

  it('leaves alone what a later report does not know', () => {
    const link = after(
      [2_000, progress({ peers: 4, relayPeers: 5, best: 12, finalized: 10 })],
      [3_000, progress({ stage: 'ready' })],
    );
    expect(link).toMatchObject({ stage: 'ready', peers: 4, relayPeers: 5, best: 12, finalized: 10 });
  });

  it('says how much of a known way is done, and nothing where none is known', () => {
    expect(caughtUpPercent({ from: 100, finalized: 150 }, 200)).toBe(50);
    expect(caughtUpPercent({ from: 100, finalized: 100 }, 201)).toBe(0);
    expect(caughtUpPercent({ from: 100, finalized: 250 }, 200)).toBe(100);
    for (const [from, at, target] of [
      [null, null, 200],
      [100, 150, null],
      [200, 200, 200],
    ] as const) {
      expect(caughtUpPercent({ from, finalized: at }, target)).toBeNull();
    }
  });
});
