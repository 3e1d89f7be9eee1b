import { StationError, silentLog } from '../../../hal/contract/index.ts';
import type {
  AccountFacts,
  ChainFacts,
  ChainTransport,
  GatewayEvent,
  GatewayProcess,
} from '../../chain/index.ts';
import type { ChainConfig, StationConfig } from '../../config/index.ts';
import type { StationIdentity } from '../../identity/index.ts';
import type { LinkView } from '../../sync/index.ts';
import { judgeAccount, judgeCall, judgeFinality, judgeGenesis, judgeLink } from './doctor-chain-findings.ts';
import { found, notChecked, ok, type Finding } from './finding.ts';
import { ownIdentity } from '../own-identity.ts';
import { ProgressLine } from '../progress-line.ts';

/** A light client on a slow link, without a database: minutes. Past this somebody wants an answer. */
const LIGHT_CLIENT_MS = 120_000;
const NODE_MS = 30_000;
const QUESTION_MS = 30_000;
/** Chains finalize every few seconds. */
const NEXT_BLOCK_MS = 30_000;
const SHOW_EVERY_MS = 1_000;

interface Heard {
  link: LinkView;
  /** Wakes whoever waits for a higher finalized block. */
  onFinalized: () => void;
}

/**
 * Asks the configured chain what an anchor needs, through a gateway of its own: at most some three minutes. Nothing is signed
 * with the account's key, nothing is sent, and nothing is written to the state directory.
 */
export async function checkChainByGateway(
  chain: ChainConfig,
  directory: string,
  config: StationConfig,
): Promise<Finding[]> {
  const [{ GatewayProcess: Gateway }, sync, { systemMonotonicClock: clock }] = await Promise.all([
    import('../../chain/index.ts'),
    import('../../sync/index.ts'),
    import('../../service/index.ts'),
  ]);
  const heard: Heard = { link: sync.newLink(clock.nowMonoMs()), onFinalized: () => {} };
  const onEvent = (event: GatewayEvent): void => {
    heard.link = sync.observeLink(heard.link, event, clock.nowMonoMs());
    if (event.type === 'finalized') heard.onFinalized();
  };
  const progress = showProgress(chain, heard, { sync, nowMonoMs: () => clock.nowMonoMs() });
  let gateway: GatewayProcess | undefined;
  try {
    const entry = new URL('./gateway.js', import.meta.url);
    gateway = await Gateway.start({ entry, clock, log: silentLog, onEvent });
    return await askChain(gateway, { chain, directory, config, heard });
  } catch (error) {
    if (!(error instanceof StationError)) throw error;
    const link = sync.linkStatus(heard.link, null, clock.nowMonoMs());
    return [judgeLink(chain.transport, link, error)];
  } finally {
    progress.stop();
    await gateway?.stop();
  }
}

interface Asked {
  readonly chain: ChainConfig;
  readonly directory: string;
  readonly config: StationConfig;
  readonly heard: Heard;
}

async function askChain(
  gateway: GatewayProcess,
  { chain, directory, config, heard }: Asked,
): Promise<Finding[]> {
  const { linkStatus } = await import('../../sync/index.ts');
  const began = performance.now();
  const limit = chain.transport === 'rpc' ? NODE_MS : LIGHT_CLIENT_MS;
  const facts = await gateway.request(
    'connect',
    { transport: transportOf(chain), call: callOf(chain) },
    limit,
  );
  const seconds = Math.ceil((performance.now() - began) / 1_000);
  const kibibytes = Math.ceil((gateway.traffic.bytesIn + gateway.traffic.bytesOut) / 1_024);
  const findings: Finding[] = [
    ok('chain', `${facts.specName} ${facts.specVersion} in ${seconds} s and about ${kibibytes} KiB`),
    judgeGenesis(facts.genesisHash, chain.genesisHash ?? (await keptGenesis(directory))),
    judgeCall(facts, chain),
  ];
  findings.push(await checkFinality(heard));
  if (chain.transport === 'light-client') {
    findings.push(
      judgeLink(chain.transport, linkStatus(heard.link, null, heard.link.startedMonoMs), undefined),
    );
  }
  findings.push(...(await checkAccount(gateway, facts, { chain, directory, config })));
  return findings;
}

function transportOf(chain: ChainConfig): ChainTransport {
  if (chain.transport === 'rpc') return { transport: 'rpc', url: chain.url };
  const { relaySpec, paraSpec, bootNodes } = chain;
  return {
    ...{ transport: 'light-client', ...(relaySpec !== undefined && { relaySpec }), paraSpec },
    ...(bootNodes && { bootNodes }),
  };
}

function callOf({ pallet }: ChainConfig): { pallet: string; name: string } {
  return pallet === undefined
    ? { pallet: 'System', name: 'remark_with_event' }
    : { pallet: pallet.name, name: pallet.call };
}

/** The chain that this station has anchored on. */
async function keptGenesis(directory: string): Promise<string | undefined> {
  const { readSyncStatus } = await import('../../sync/index.ts');
  try {
    return readSyncStatus(directory).genesisHash ?? undefined;
  } catch (error) {
    if (error instanceof StationError) return undefined;
    throw error;
  }
}

/** Whether blocks become final while somebody looks. */
async function checkFinality(heard: Heard): Promise<Finding> {
  const before = heard.link.finalized;
  const began = performance.now();
  await new Promise<void>((resolve) => {
    const timer = setTimeout(resolve, NEXT_BLOCK_MS);
    const look = (): void => {
      if (heard.link.finalized === null || heard.link.finalized <= (before ?? -1)) return;
      clearTimeout(timer);
      resolve();
    };
    heard.onFinalized = look;
    if (before === null) look();
  });
  const { finalized, finalizedAtMs, clockProblem } = heard.link;
  return judgeFinality({
    ...{ before, finalized, waitedMs: performance.now() - began, clockProblem },
    aheadMs: finalizedAtMs === null ? null : Date.now() - finalizedAtMs,
  });
}

async function checkAccount(
  gateway: GatewayProcess,
  facts: ChainFacts,
  { chain, directory, config }: Omit<Asked, 'heard'>,
): Promise<Finding[]> {
  let identity: StationIdentity;
  try {
    identity = await ownIdentity(directory, { ...config.identity, ss58Prefix: chain.ss58Prefix });
  } catch (error) {
    if (!(error instanceof StationError)) throw error;
    return [notChecked('chain account', `the station's key cannot be read: [${error.code}]`)];
  }
  const { bytesToHex } = await import('../../chain/index.ts');
  const publicKey = bytesToHex(identity.chainAccount.publicKey);
  try {
    const account = await gateway.request('account', { publicKey }, QUESTION_MS);
    const fee = facts.call === null ? null : await estimatedFee(gateway, facts, account, publicKey);
    return [judgeAccount({ facts, account, fee, ss58: identity.chainAccount.ss58, chain })];
  } catch (error) {
    if (!(error instanceof StationError)) throw error;
    return [
      found(
        'chain account',
        'chain.unreachable',
        `[${error.code}] ${error.message}`,
        error.hint ?? 'Try again.',
      ),
    ];
  }
}

/**
 * Of an anchor in a remark, with a signature that is none: it could not be sent. Not of zeros: that is encoded as no signature
 * at all, and costs nothing. Null: the chain does not say.
 */
async function estimatedFee(
  gateway: GatewayProcess,
  { call, remark }: ChainFacts,
  { nonce, finalized }: AccountFacts,
  publicKey: `0x${string}`,
): Promise<string | null> {
  const { bytesToHex, encodeRemarkCall } = await import('../../chain/index.ts');
  // What a checkpoint takes: an origin with an account, a size, a root, one signature.
  const CHECKPOINT_BYTES = 260;
  const index = remark?.index ?? call?.index ?? [0, 0];
  const about = { publicKey, call: bytesToHex(encodeRemarkCall(index, new Uint8Array(CHECKPOINT_BYTES))) };
  try {
    const { fields } = await gateway.request('prepare', { ...about, nonce, birth: finalized }, QUESTION_MS);
    const signature: `0x${string}` = `0x${'01'.repeat(64)}`;
    const { extrinsic } = await gateway.request('assemble', { ...about, fields, signature }, QUESTION_MS);
    return (await gateway.request('estimate', { extrinsic }, QUESTION_MS)).fee;
  } catch (error) {
    // What it costs is nice to know, and no reason to call the chain bad.
    if (error instanceof StationError) return null;
    throw error;
  }
}

function showProgress(
  chain: ChainConfig,
  heard: Heard,
  {
    sync,
    nowMonoMs,
  }: { readonly sync: typeof import('../../sync/index.ts'); readonly nowMonoMs: () => number },
): { stop(): void } {
  if (process.stderr.isTTY !== true) return { stop: () => {} };
  const line = new ProgressLine();
  const about = { phase: 'connecting', transport: chain.transport, open: null, seen: null } as const;
  const timer = setInterval(() => {
    const { state, text } = sync.linkInWords(sync.linkStatus(heard.link, null, nowMonoMs()), about);
    line.show(state, `chain: ${text}`);
  }, SHOW_EVERY_MS);
  return {
    stop: () => {
      clearInterval(timer);
      line.clear();
    },
  };
}
