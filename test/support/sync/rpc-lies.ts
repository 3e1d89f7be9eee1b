// What a server can get wrong, against a station that syncs through it. While it lies nothing false is believed for good;
// once it is honest again everything on disk is anchored.
import { noRpcFaults, type RpcFaults } from '../../devnet/index.ts';
import { anchored, nextStatus } from './light-client-story.ts';
import type { ServiceProcess } from '../product.ts';
import type { SyncWorld } from './sync-world.ts';

/**
 * A nonce that is too high is not among them: smoldot 3.4.1, which is the dev network's RPC server, panics when the era of
 * such an extrinsic ends, and the network with it.
 */
export const LIES = {
  'tells everything twice, out of order, and jumps back': {
    duplicateNotifications: true,
    reorderedNotifications: true,
    finalizedJumpsBack: true,
  },
  'refuses what it passes on': { errorAfterForward: 1010 },
  'says that it has it already and passes it on': { errorAfterForward: 1013 },
  'swallows what is sent': { swallowedSubmissions: true },
  'says that it is final in a block that does not hold it': { falseInclusions: true },
  'refuses what is sent': { refusedSubmissions: 1016 },
  'lags behind': { laggingBlocks: 5 },
  'tells a nonce that is too low': { wrongNonce: -1 },
  'answers garbage': { garbage: true },
  'answers nothing': { hang: true },
} as const satisfies Record<string, Partial<RpcFaults>>;

export type Lie = keyof typeof LIES;

/** How long it lies when nothing comes of it by itself. */
const LIES_FOR_MS = 8_000;

/** From the lie to the anchor of what was on disk when it ended: resolves, or rejects after the time. */
export async function outlive(
  world: SyncWorld,
  service: ServiceProcess,
  lie: Lie,
  withinMs: number,
): Promise<void> {
  const before = (service.last('sync')?.['status'] as { failure: unknown } | undefined)?.failure;
  await world.devnet.setRpcFaults(LIES[lie]);
  await nextStatus(service, ({ failure }) => failure !== null && failure !== before, LIES_FOR_MS).catch(
    () => {},
  );
  await world.devnet.setRpcFaults(noRpcFaults());
  await anchored(service, withinMs);
}
