import { ChainError } from '../errors.ts';
import type {
  ChainTransport,
  GatewayEvent,
  OperationName,
  OperationParams,
  OperationResult,
} from '../protocol.ts';
import { Chain } from './chain.ts';
import type { ChainLink } from './transport/link.ts';
import { openLinked } from './transport/open-link.ts';

export type Handlers = {
  readonly [O in OperationName]: (
    params: OperationParams<O>,
  ) => Promise<OperationResult<O>> | OperationResult<O>;
};

type Emit = (event: GatewayEvent) => void;

export interface OperationsOptions {
  /** In place of the state directory that the core names, where that is not this process's to use; undefined: none. */
  readonly ownStateDirectory?: string | undefined;
}

interface Connection {
  readonly link: ChainLink;
  readonly chain: Chain;
}

/** The gateway's operations. `connect` comes first and once; everything else before it is `chain.not_connected`. */
export function createOperations(emit: Emit, options: OperationsOptions = {}): Handlers {
  let connection: Connection | undefined;
  let connecting = false;
  const connected = (): Connection => {
    if (connection !== undefined) return connection;
    throw new ChainError('chain.not_connected', 'the gateway is not connected yet');
  };
  return {
    connect: async ({ transport, call }) => {
      if (connecting) throw new ChainError('chain.protocol', 'the gateway connects once', { remedy: 'halt' });
      connecting = true;
      const stateDirectory =
        'ownStateDirectory' in options ? options.ownStateDirectory : transport.stateDirectory;
      const there = withStateDirectory(transport, stateDirectory);
      connection = await openLinked(there, emit, (link) => Chain.open(link, { call, stateDirectory, emit }));
      return connection.chain.facts();
    },
    facts: () => connected().chain.facts(),
    account: (params) => connected().chain.account(params),
    prepare: (params) => connected().chain.prepare(params),
    assemble: (params) => connected().chain.assemble(params),
    estimate: (params) => connected().chain.estimate(params),
    submit: async (params) => {
      await connected().chain.submit(params);
      return { accepted: true };
    },
    locate: (params) => connected().chain.locate(params),
    outcome: (params) => connected().chain.outcome(params),
    save: async () => ({ bytes: await connected().link.save() }),
    doubtMetadata: async () => ({ doubted: await connected().chain.doubtMetadata() }),
    checkBlock: (params) => connected().chain.checkBlock(params),
  };
}

function withStateDirectory(transport: ChainTransport, stateDirectory: string | undefined): ChainTransport {
  const there = { ...transport };
  if (stateDirectory === undefined) delete there.stateDirectory;
  else there.stateDirectory = stateDirectory;
  return there;
}
