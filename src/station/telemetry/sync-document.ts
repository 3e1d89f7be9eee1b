import type { SyncStatus } from '../../sync/index.ts';
import type { SyncDocument } from '../../telemetry/index.ts';

/** The telemetry document of a status. Pure. */
export function syncDocument(status: SyncStatus): SyncDocument {
  const { phase, transport, lastAnchor, open, failure, link, seen, gateway } = status;
  const { traffic, lastCost, balance, held, faults } = status;
  return {
    outbox: open === null ? {} : { [open.state]: 1 },
    lastAnchor: lastAnchor && {
      size: lastAnchor.size,
      // As in `journal`; the chain's own hashes keep their prefix.
      root: lastAnchor.root.replace(/^0x/, ''),
      via: lastAnchor.via,
      block: lastAnchor.blockNumber,
      blockHash: lastAnchor.blockHash,
      time: lastAnchor.finalizedAtMs,
    },
    failure: phase === 'waiting' ? (failure?.code ?? null) : null,
    transport,
    states: status.words.map(({ state }) => state),
    stage: link?.stage ?? null,
    peers: link?.peers ?? null,
    relayPeers: link?.relayPeers ?? null,
    finalized:
      seen === null || seen.finalizedNumber === null
        ? null
        : { block: seen.finalizedNumber, ageMs: seen.finalizedAgeMs ?? 0 },
    gateway: gateway && { rssBytes: gateway.rssBytes },
    traffic,
    cost: lastCost,
    balance: { free: balance.free, low: balance.low },
    heldBy: held?.by ?? null,
    faults,
    advice: status.words[0]?.advice ?? null,
  };
}

/**
 * What makes a document worth a message of its own: all but the figures that move with every block and every request (height,
 * age, bytes, memory), which a metered link must not pay for. Pure.
 */
export function syncNews({ finalized, traffic, gateway, ...told }: SyncDocument): string {
  const isKnown = finalized !== null;
  const isRunning = gateway !== null;
  const usedBefore = traffic?.last ?? null;
  return JSON.stringify({ ...told, isKnown, isRunning, usedBefore });
}
