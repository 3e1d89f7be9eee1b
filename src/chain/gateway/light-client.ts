import { readFile } from 'node:fs/promises';
import { start } from 'smoldot';
import * as v from 'valibot';
import { ChainError } from '../errors.ts';
import type { ChainLink, GatewayLog } from './link.ts';
import { SmoldotProvider } from './smoldot-provider.ts';

export interface LightClientOptions {
  readonly relaySpec: string;
  readonly paraSpec: string;
  /** What an earlier run saved of each chain; smoldot ignores what it cannot read. Trusted: keep it beside the specs. */
  readonly databases?: { readonly relay: string; readonly para: string };
  readonly requestTimeoutMs: number;
  readonly log: GatewayLog;
}

const specSchema = v.object({ id: v.string(), name: v.string(), bootNodes: v.array(v.string()) });
/** Raw specs of large chains are tens of MiB; beyond this it is not a chain spec. */
const MAX_SPEC_BYTES = 128 * 1024 * 1024;
const PEERS_TIMEOUT_MS = 5_000;
const MAX_PENDING_REQUESTS = 128;
/** smoldot's levels: 1 error, 2 warning. Its warnings are about single peers and legacy calls, and many. */
const MAX_LOG_LEVEL = 2;
/** Said of every function of the legacy JSON-RPC API, which is the one that @polkadot/api speaks. */
const LEGACY_REMARK = 'The JSON-RPC client has just called a JSON-RPC function from the legacy';

/**
 * A light client of a parachain and its relay chain. Resolves once both chains are added, before any peer is known.
 * Throws `chain.spec_unreadable` when a spec is missing, not JSON or not taken by smoldot.
 */
export async function startLightClient(options: LightClientOptions): Promise<ChainLink> {
  const [relaySpec, paraSpec] = await Promise.all([readSpec(options.relaySpec), readSpec(options.paraSpec)]);
  const client = start({
    maxLogLevel: MAX_LOG_LEVEL,
    logCallback: (level, target, message) => {
      if (!message.startsWith(LEGACY_REMARK)) options.log(level === 1 ? 'warning' : 'debug', target, message);
    },
  });
  const add = async (file: string, chain: Parameters<typeof client.addChain>[0]) => {
    try {
      return await client.addChain(chain);
    } catch (cause) {
      await client.terminate().catch(() => {});
      throw unreadable(file, cause instanceof Error ? cause.message : String(cause), cause);
    }
  };
  const { databases } = options;
  const relay = await add(options.relaySpec, {
    chainSpec: relaySpec,
    disableJsonRpc: true,
    ...(databases === undefined ? {} : { databaseContent: databases.relay }),
  });
  const para = {
    chainSpec: paraSpec,
    potentialRelayChains: [relay],
    jsonRpcMaxPendingRequests: MAX_PENDING_REQUESTS,
    ...(databases === undefined ? {} : { databaseContent: databases.para }),
  };
  const chain = await add(options.paraSpec, para);
  // A second door to the same chain: a question about peers may hang for 30 s and would hold up what stands behind it.
  const side = new SmoldotProvider(await add(options.paraSpec, para), PEERS_TIMEOUT_MS);
  const provider = new SmoldotProvider(chain, options.requestTimeoutMs);
  const lost = new Promise<string>((resolve) => {
    provider.on('disconnected', () => resolve('the light client has stopped'));
  });
  return {
    via: 'light-client',
    provider,
    lost,
    peers: async () => {
      const answer = await side.send<unknown>('system_peers', []).catch(() => undefined);
      return Array.isArray(answer) ? answer.length : undefined;
    },
    close: () => client.terminate(),
  };
}

async function readSpec(file: string): Promise<string> {
  let text: string;
  try {
    text = await readFile(file, 'utf8');
  } catch (cause) {
    throw unreadable(file, cause instanceof Error ? cause.message : String(cause), cause);
  }
  if (text.length > MAX_SPEC_BYTES) throw unreadable(file, 'it is too large');
  try {
    v.parse(specSchema, JSON.parse(text));
  } catch (cause) {
    throw unreadable(file, 'it is not a JSON chain spec with id, name and bootNodes', cause);
  }
  return text;
}

function unreadable(file: string, why: string, cause?: unknown): ChainError {
  return new ChainError('chain.spec_unreadable', `the chain spec ${file} cannot be used: ${why}`, {
    remedy: 'operator',
    cause,
    hint: 'Check chain.relaySpec and chain.paraSpec: raw chain specs, the parachain naming its relay chain.',
  });
}
