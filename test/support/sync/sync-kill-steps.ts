// A station killed at a named step of sync over RPC, not at a random moment.
import { serviceForTest, syncStatus, type SyncEvent } from '../running-world.ts';
import type { ServiceProcess } from '../product.ts';
import type { RpcMiddleman } from './rpc-middleman.ts';
import { gatewayPid, strike, type Target } from './sync-kill-loop.ts';
import { openState, outboxRows } from './sync-oracle.ts';
import type { SyncWorld } from './sync-world.ts';

type Reached = (service: ServiceProcess, middleman: RpcMiddleman) => Promise<unknown>;

const SUBMIT = 'author_submitAndWatchExtrinsic';
const status =
  (accepts: (status: SyncEvent) => boolean): Reached =>
  (service) =>
    syncStatus(service, accepts, 120_000);

/** In the order in which they come about; what the outbox must say after the kill. */
export const STEPS = {
  'the gateway is being started': { reached: status(({ phase }) => phase === 'connecting'), finds: /.*/ },
  'it catches up': {
    reached: (_, middleman) => middleman.holdRequest('chain_subscribeFinalizedHeads'),
    finds: /planned|none|signed|broadcast|inBlock/,
  },
  'the nonce is asked for': {
    reached: (_, middleman) => middleman.holdRequest('state_getStorage'),
    finds: /.*/,
  },
  'signed bytes are on disk and not sent': {
    reached: (_, middleman) => middleman.holdRequest(SUBMIT),
    finds: /^signed$/,
  },
  'they are sent and not answered for': {
    reached: (_, middleman) => middleman.holdAnswer(SUBMIT),
    finds: /^signed$/,
  },
  'they are in a block': {
    reached: status(({ open }) => open?.state === 'inBlock'),
    finds: /^(inBlock|none)$/,
  },
  'they are searched for in final blocks': {
    reached: (_, middleman) => middleman.holdRequest('chain_getBlock'),
    finds: /^(signed|broadcast|inBlock)$/,
  },
} as const satisfies Record<string, { reached: Reached; finds: RegExp }>;

export type StepName = keyof typeof STEPS;

/** Starts the service, kills it at the step, and says what was wrong with what that left. */
export async function killAtStep(
  world: SyncWorld,
  middleman: RpcMiddleman,
  name: StepName,
  target: Target,
): Promise<string | undefined> {
  const { reached, finds } = STEPS[name] as { reached: Reached; finds: RegExp };
  const service = serviceForTest(world);
  const at = reached(service, middleman);
  await Promise.race([at, tooLate(name)]);
  if (target === 'gateway' && gatewayPid(service) === undefined)
    await syncStatus(service, () => gatewayPid(service) !== undefined);
  await strike(service, target);
  const found = openState(outboxRows(world.stateDirectory));
  if (target === 'gateway') await strike(service, 'station');
  return finds.test(found) ? undefined : `killed when ${name}: the outbox is at ${found}`;
}

async function tooLate(name: string): Promise<never> {
  return await new Promise((_, reject) => {
    setTimeout(() => reject(new Error(`never came to: ${name}`)), 120_000).unref();
  });
}
