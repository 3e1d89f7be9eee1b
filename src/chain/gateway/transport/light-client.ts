import { type AddChainOptions, type Chain, type Client, start } from 'smoldot';
import { checkClockIsSet, clockBehind, clockProblem } from './chain-time.ts';
import { readSpecs, type ChainSpec, type SpecFiles, unreadable } from './chain-spec.ts';
import { type ChainRole, KeptDatabases } from '../kept/kept-databases.ts';
import type { ChainLink, GatewayLog, OnProgress } from './link.ts';
import { installPatientClock } from './patient-clock.ts';
import { ProgressWatch } from './progress-watch.ts';
import { SmoldotProvider } from './smoldot-provider.ts';
import { countTraffic, greetingMs } from './traffic.ts';

export interface LightClientOptions extends SpecFiles {
  /** Where `light-client/` is, with what an earlier run saved; without it nothing is kept. */
  readonly stateDirectory?: string | undefined;
  /** How long a request may take until the link is `opened`: megabytes may have to be fetched first. */
  readonly requestTimeoutMs: number;
  readonly log: GatewayLog;
  readonly onProgress?: OnProgress;
}

const CHAIN_TIME_MS = 20_000;
const MAX_PENDING_REQUESTS = 128;
/** smoldot's levels: 1 error, 2 warning, 3 information. Its warnings are about single peers and legacy calls, and many. */
const MAX_LOG_LEVEL = 3;
const WARNING = 2;
/** Said of every function of the legacy JSON-RPC API, which is the one that @polkadot/api speaks. */
const LEGACY_REMARK = 'The JSON-RPC client has just called a JSON-RPC function from the legacy';

/** The chains of a client: one door for requests, and one beside it that may be slow, of the chain and its relay chain. */
interface Doors {
  readonly main: Chain;
  readonly side: Chain;
  readonly relay: Chain | undefined;
}

/**
 * A light client of a parachain and its relay chain, or of a chain of its own. Resolves once the chains are added, before
 * any peer is known. Throws `chain.spec_unreadable` when a spec is missing, not what it should be or not taken by smoldot,
 * `chain.boot_node_invalid`, and `chain.clock_wrong` when the clock was never set.
 */
export async function startLightClient(options: LightClientOptions): Promise<ChainLink> {
  const { log, onProgress = () => {} } = options;
  checkClockIsSet(Date.now());
  onProgress({
    stage: 'starting',
    peers: null,
    best: null,
    finalized: null,
    finalizedAtMs: null,
    clock: null,
  });
  const specs = await readSpecs(options);
  const kept = new KeptDatabases(options.stateDirectory, specs, log);
  const databases = await kept.load();
  const smoldotLog = new SmoldotLog(log);
  const client = start({
    maxLogLevel: MAX_LOG_LEVEL,
    logCallback: (level, target, message) => smoldotLog.hear(level, target, message),
  });
  const chainOf = (role: ChainRole, spec: ChainSpec): AddChainOptions => ({
    chainSpec: spec.text,
    jsonRpcMaxPendingRequests: MAX_PENDING_REQUESTS,
    ...(databases[role] !== undefined && { databaseContent: databases[role] }),
  });
  const relay = specs.relay && (await add(client, specs.relay, chainOf('relay', specs.relay)));
  const para = { ...chainOf('para', specs.para), ...(relay && { potentialRelayChains: [relay] }) };
  const main = await add(client, specs.para, para);
  const side = await add(client, specs.para, para);
  return linkOf({
    client,
    doors: { main, side, relay },
    kept,
    smoldotLog,
    options,
    isCold: Object.keys(databases).length === 0,
    source: `light client of ${specs.para.identity}`,
  });
}

interface Running {
  readonly client: Client;
  readonly doors: Doors;
  readonly kept: KeptDatabases;
  readonly smoldotLog: SmoldotLog;
  readonly options: LightClientOptions;
  /** Nothing was kept to begin with. */
  readonly isCold: boolean;
  readonly source: string;
}

function linkOf({ client, doors, kept, smoldotLog, options, isCold, source }: Running): ChainLink {
  const traffic = countTraffic();
  const provider = new SmoldotProvider(doors.main, options.requestTimeoutMs);
  const side = new SmoldotProvider(doors.side, options.requestTimeoutMs);
  const relay = doors.relay && new SmoldotProvider(doors.relay, options.requestTimeoutMs);
  const watch = new ProgressWatch({
    relay,
    para: side,
    onProgress: options.onProgress ?? (() => {}),
    onPeers: () => void kept.beginTrial(),
  });
  smoldotLog.onSync = (message) => watch.hearLog(message);
  const clock = installPatientClock({
    bytesIn: () => traffic().bytesIn,
    isLoading: () => watch.stage === 'syncing' || watch.stage === 'loading-runtime',
    greetingMs,
  });
  let lose = (): void => {};
  const lost = new Promise<string>((resolve) => (lose = () => resolve('the light client has stopped')));
  provider.on('disconnected', lose);
  const save = (): Promise<number> =>
    kept.save(async (role, maxBytes) => {
      const door = role === 'relay' ? relay : side;
      return door?.send<unknown>('chainHead_unstable_finalizedDatabase', [maxBytes]).catch(() => undefined);
    });
  return {
    via: 'light-client',
    provider,
    source,
    lost,
    peers: () => Promise.resolve(watch.peers),
    opened: async (requestTimeoutMs) => {
      const chainMs = await watch.chainTime(CHAIN_TIME_MS);
      const now = Date.now();
      if (chainMs !== undefined && clockProblem(chainMs, now) === 'behind') throw clockBehind(chainMs, now);
      provider.timeoutMs = requestTimeoutMs;
      watch.opened();
      await kept.endTrial();
      // What was fetched over a link that may end at any moment need not be fetched again.
      if (isCold) void save().catch(() => {});
    },
    save,
    close: () => {
      lose();
      clock.stop();
      watch.stop();
      // Closed before, or crashed: there is nothing left to end.
      return client.terminate().catch(() => {});
    },
  };
}

/** Warnings go to the station's log; what else there is only tells how far a sync is. */
class SmoldotLog {
  readonly #log: GatewayLog;
  onSync: (message: string) => void = () => {};

  constructor(log: GatewayLog) {
    this.#log = log;
  }

  hear(level: number, target: string, message: string): void {
    if (target.startsWith('sync-service-')) this.onSync(message);
    if (level > WARNING || message.startsWith(LEGACY_REMARK)) return;
    this.#log(level === 1 ? 'warning' : 'debug', target, message);
  }
}

async function add(client: Client, spec: ChainSpec, options: AddChainOptions): Promise<Chain> {
  try {
    return await client.addChain(options);
  } catch (cause) {
    await client.terminate().catch(() => {});
    throw unreadable(spec.file, 'refused', cause instanceof Error ? cause.message : String(cause), cause);
  }
}
