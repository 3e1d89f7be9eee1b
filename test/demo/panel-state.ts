import type { Observation } from './observer.ts';
import type { PanelAnchor, PanelState } from './panel.ts';
import type { World } from './world.ts';
import type { ServiceProcess } from '../support/product.ts';
import type { ReceiptResult } from './live-receipt.ts';

/** All that is known at one moment of the demo. */
export interface Scene {
  readonly phase: string;
  readonly elapsedS: number;
  readonly forS: number | undefined;
  readonly world: World;
  /** What came over MQTT: the panel shows what an operator would see, not what the simulator knows. */
  readonly seen: Observation;
  readonly service: ServiceProcess;
  readonly receipt: ReceiptResult | undefined;
}

interface SyncStatus {
  readonly phase: string;
  readonly transport: string;
  readonly lastAnchor: { intentId: number; size: number; blockNumber: number; blockHash: string } | null;
  readonly open: { state: string; size: number } | null;
  readonly failure: { code: string } | null;
  readonly chain: { finalizedNumber: number | null; peers: number | null } | null;
}

export function panelState({ phase, elapsedS, forS, world, seen, service, receipt }: Scene): PanelState {
  const sync = lastSync(service);
  const pilots = new Map(world.station.snapshot().map((meter) => [meter.id, meter.controlPilotState]));
  return {
    phase,
    elapsedS,
    forS,
    meters: world.meters.map(({ id, model, line }) => {
      const published = seen.meters.get(id);
      return {
        id,
        model,
        line,
        controlPilot: pilots.get(id) ?? '',
        powerW: published?.powerW,
        energyWh: published?.energyWh,
        powerTrail: published?.trail ?? [],
      };
    }),
    samples: seen.samples,
    journal: seen.journal,
    sync: sync && { state: describeSync(sync), via: sync.transport },
    anchor: anchorOf(sync),
    anchors: service.finalAnchors,
    receipt,
    messages: seen.messages,
    notes: world.notes,
  };
}

function lastSync(service: ServiceProcess): SyncStatus | undefined {
  return service.last('sync')?.['status'] as SyncStatus | undefined;
}

function anchorOf(sync: SyncStatus | undefined): PanelAnchor | undefined {
  if (sync === undefined || sync.lastAnchor === null) return undefined;
  const { size, blockNumber, blockHash } = sync.lastAnchor;
  return { size, block: blockNumber, blockHash, final: true };
}

function describeSync({ phase, open, chain, failure }: SyncStatus): string {
  const words = [phase];
  if (chain !== null && chain.peers !== null)
    words.push(`${chain.peers} peer${chain.peers === 1 ? '' : 's'}`);
  if (chain !== null && chain.finalizedNumber !== null) words.push(`finalized #${chain.finalizedNumber}`);
  if (open !== null) words.push(`anchor of ${open.size} entries: ${open.state}`);
  if (failure !== null && phase === 'waiting') words.push(failure.code);
  return words.join(' · ');
}
