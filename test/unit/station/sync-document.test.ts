import { describe, expect, it } from 'vitest';
import { syncNews } from '../../../src/station/telemetry/sync-document.ts';
import type { SyncDocument } from '../../../src/telemetry/index.ts';

const bytes = (bytesIn: number) => ({ bytesIn, bytesOut: 1 });
const document: SyncDocument = {
  ...{ outbox: { broadcast: 1 }, lastAnchor: null, failure: null, transport: 'light-client' },
  ...{ states: ['anchoring'], stage: 'ready', peers: 2, relayPeers: 4, cost: '7', heldBy: null, faults: [] },
  finalized: { block: 7, ageMs: 10 },
  gateway: { rssBytes: 1_000 },
  traffic: { session: bytes(5), last: bytes(3), today: bytes(8) },
  balance: { free: '100', low: false },
  advice: null,
};

describe('the telemetry document of sync', () => {
  it('is no news with each block, nor with each byte', () => {
    const later: SyncDocument = {
      ...document,
      finalized: { block: 8, ageMs: 0 },
      gateway: { rssBytes: 2_000 },
      traffic: { session: bytes(6), last: bytes(3), today: bytes(9) },
    };
    expect(syncNews(later)).toBe(syncNews(document));
  });

  it.each<[string, Partial<SyncDocument>]>([
    ['a state', { states: ['anchoring', 'few-peers'] }],
    ['the outbox', { outbox: { inBlock: 1 } }],
    ['peers', { peers: 1 }],
    ['a failure', { failure: 'chain.unreachable' }],
    ['a fault', { faults: ['sync.no_peers'] }],
    ['the balance', { balance: { free: '99', low: true } }],
    ['the end of the gateway', { gateway: null }],
    ['the bytes of a sync that has ended', { traffic: { session: null, last: bytes(6), today: bytes(9) } }],
  ])('is news with %s', (_what, change) => {
    expect(syncNews({ ...document, ...change })).not.toBe(syncNews(document));
  });
});
