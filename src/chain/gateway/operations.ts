import { ChainError } from '../errors.ts';
import type {
  ChainTransport,
  GatewayEvent,
  OperationName,
  OperationParams,
  OperationResult,
} from '../protocol.ts';
import { Chain } from './chain.ts';
import { startLightClient } from './light-client.ts';
import type { ChainLink } from './link.ts';
import { openWebSocket } from './websocket-link.ts';

/** A request over an established link; while connecting a light client may have to fetch megabytes first. */
const REQUEST_TIMEOUT_MS = 30_000;
const CONNECT_REQUEST_TIMEOUT_MS = 170_000;
const PEERS_EVERY_MS = 5_000;

export type Handlers = {
  readonly [O in OperationName]: (
    params: OperationParams<O>,
  ) => Promise<OperationResult<O>> | OperationResult<O>;
};

/** The gateway's operations. `connect` comes first and once; everything else before it is `chain.not_connected`. */
export function createOperations(emit: (event: GatewayEvent) => void): Handlers {
  let chain: Chain | undefined;
  let connecting = false;
  const connected = (): Chain => {
    if (chain === undefined) throw new ChainError('chain.not_connected', 'the gateway is not connected yet');
    return chain;
  };
  return {
    connect: async ({ transport, call }) => {
      if (connecting) throw new ChainError('chain.protocol', 'the gateway connects once', { remedy: 'halt' });
      connecting = true;
      const link = await openLink(transport, emit);
      void link.lost.then((why) => emit({ type: 'link-lost', why }));
      watchPeers(link, emit);
      chain = await Chain.open(link, call, emit);
      return chain.facts();
    },
    facts: () => connected().facts(),
    account: (params) => connected().account(params),
    prepare: (params) => connected().prepare(params),
    assemble: (params) => connected().assemble(params),
    estimate: () => ({ fee: null, refTime: null, proofSize: null }),
    submit: async (params) => {
      await connected().submit(params);
      return { accepted: true };
    },
    locate: (params) => connected().locate(params),
    outcome: () => ({ success: null, fee: null, error: null }),
    save: () => ({ bytes: 0 }),
    checkBlock: (params) => connected().checkBlock(params),
  };
}

async function openLink(transport: ChainTransport, emit: (event: GatewayEvent) => void): Promise<ChainLink> {
  if (transport.transport === 'rpc') return openWebSocket(transport.url, REQUEST_TIMEOUT_MS);
  return startLightClient({
    relaySpec: transport.relaySpec,
    paraSpec: transport.paraSpec,
    requestTimeoutMs: CONNECT_REQUEST_TIMEOUT_MS,
    log: (level, source, message) => emit({ type: 'log', level, source, message }),
  });
}

function watchPeers(link: ChainLink, emit: (event: GatewayEvent) => void): void {
  let last: number | undefined;
  const look = async (): Promise<void> => {
    const count = await link.peers();
    if (count !== undefined && count !== last) emit({ type: 'peers', count });
    last = count ?? last;
    setTimeout(() => void look(), PEERS_EVERY_MS).unref();
  };
  void look();
}
