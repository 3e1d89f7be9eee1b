// What `doctor` says of a chain that answered, or did not. Pure.
import type { StationError } from '../../../hal/contract/index.ts';
import type { AccountFacts, ChainFacts } from '../../chain/index.ts';
import type { ChainConfig } from '../../config/index.ts';
import type { LinkStatus, LinkView } from '../../sync/index.ts';
import { found, notChecked, ok, type Finding } from './finding.ts';

/** With fewer, one that is slow or lies holds everything up. */
const FEW_PEERS = 3;

/** The way to the chain: what it lacked when it failed, otherwise its peers. */
export function judgeLink(
  transport: ChainConfig['transport'],
  { stage, peers, relayPeers }: LinkStatus,
  error: StationError | undefined,
): Finding {
  const counted = `${peers ?? 0} peers of the parachain, ${relayPeers ?? 0} of its relay chain`;
  if (error === undefined) {
    if ((peers ?? 0) >= FEW_PEERS) return ok('chain peers', counted);
    return found(
      'chain peers',
      'chain.few_nodes',
      counted,
      'More boot nodes in chain.bootNodes make it steadier.',
    );
  }
  const said = `[${error.code}] ${error.message}`;
  if (transport === 'rpc')
    return found('chain', 'chain.unreachable', said, error.hint ?? 'Check chain.url, and the node.');
  const where = stage === 'starting' ? '' : `; it came to "${stage}", with ${counted}`;
  const byStage: Readonly<Record<LinkStatus['stage'], string>> = {
    starting: 'Try again; look at memory and at the specs.',
    'finding-peers': 'Check the network and the boot nodes; a firewall must let their TCP ports out.',
    syncing: 'Peers are there but the chain does not come: check the clock, wait longer, or add boot nodes.',
    'loading-runtime': 'The link is slow, or the peers do not serve state: try again, or add boot nodes.',
    ready: 'Try again.',
  };
  return found('chain', 'chain.unreachable', `${said}${where}`, error.hint ?? byStage[stage]);
}

export function judgeGenesis(told: string, pinned: string | undefined): Finding {
  if (pinned === undefined) return notChecked('chain genesis', `${told}; the first one reached is kept`);
  if (told === pinned) return ok('chain genesis', told);
  return found(
    'chain genesis',
    'chain.wrong_chain',
    `this is another chain: ${told} instead of ${pinned}`,
    'Check the specs or the URL; chain.genesisHash moves a station on purpose.',
  );
}

export interface FinalityFacts {
  /** Heights when it was connected, and after some seconds. */
  readonly before: number | null;
  readonly finalized: number | null;
  readonly waitedMs: number;
  readonly clockProblem: LinkView['clockProblem'];
  /** Station's clock less the newest finalized block's time; null: not known. */
  readonly aheadMs: number | null;
}

export function judgeFinality({
  before,
  finalized,
  waitedMs,
  clockProblem,
  aheadMs,
}: FinalityFacts): Finding {
  const name = 'chain finality';
  const seconds = Math.ceil(waitedMs / 1_000);
  const age = aheadMs === null ? '' : `, ${Math.round(aheadMs / 1_000)} s old by this station's clock`;
  const shown = `finalized block ${finalized ?? 'unknown'}${age}`;
  if (clockProblem === 'behind') {
    return found(
      name,
      'chain.clock_wrong',
      shown,
      'Set the clock: no block is of the future. See "clock" above, and docs/time.md.',
    );
  }
  if (clockProblem !== null) {
    return found(
      name,
      'sync.finality_stale',
      shown,
      'Set the clock, unless the chain itself has stopped: look at it from elsewhere.',
    );
  }
  if (finalized === null || (before !== null && finalized <= before)) {
    const advice =
      'The chain has stopped to finalize, or the peers (the node) lag: look at it from elsewhere.';
    return found(name, 'sync.finality_stale', `${shown}, none after it in ${seconds} s`, advice);
  }
  return ok(name, `${shown}, the next one after ${seconds} s`);
}

/** Whether the chain has the configured call, with arguments that a checkpoint fills. */
export function judgeCall({ call, missing, specName, specVersion }: ChainFacts, chain: ChainConfig): Finding {
  const { pallet } = chain;
  const wanted = pallet === undefined ? 'System.remark_with_event' : `${pallet.name}.${pallet.call}`;
  if (call === null) {
    const near =
      missing === null || missing.nearest.length === 0 ? '' : `; it has ${missing.nearest.join(', ')}`;
    const what = missing?.what ?? 'call';
    return found(
      'chain call',
      'chain.call_missing',
      `${specName} ${specVersion} has no ${what} for ${wanted}${near}`,
      'Set chain.call and chain.pallet to what the chain has.',
    );
  }
  const index = `0x${call.index.map((byte) => byte.toString(16).padStart(2, '0')).join('')}`;
  const unfilled = call.arguments.filter(({ encoding }) => encoding.startsWith('other:'));
  if (unfilled.length > 0) {
    const types = unfilled
      .map(({ name, encoding }) => `${name} (${encoding.slice('other:'.length)})`)
      .join(', ');
    const advice = 'Use a call that takes bytes, hashes and integers: chain.pallet.';
    return found(
      'chain call',
      'chain.call_missing',
      `${wanted} takes what no checkpoint fills: ${types}`,
      advice,
    );
  }
  const shown = call.arguments.map(({ name, encoding }) => `${name}: ${encoding}`).join(', ');
  return ok('chain call', `${wanted}(${shown}) is ${index}`);
}

export interface Funds {
  readonly facts: Pick<ChainFacts, 'token' | 'existentialDeposit'>;
  readonly account: Pick<AccountFacts, 'free' | 'nonce'>;
  /** Estimated, of one anchor; null: the chain does not say. */
  readonly fee: string | null;
  readonly ss58: string;
  readonly chain: Pick<ChainConfig, 'lowBalance' | 'anchorEveryMs'>;
}

const DAY_MS = 86_400_000;

export function judgeAccount({ facts, account, fee, ss58, chain }: Funds): Finding {
  const name = 'chain account';
  const unit =
    facts.token === null ? 'of the smallest unit' : `(1 ${facts.token.symbol} is 10^${facts.token.decimals})`;
  const spendable = max(0n, BigInt(account.free) - BigInt(facts.existentialDeposit ?? 0));
  const anchors = fee === null || fee === '0' ? null : spendable / BigInt(fee);
  const cost = fee === null ? '' : `; an anchor costs about ${fee}`;
  const perDay = BigInt(Math.max(1, Math.floor(DAY_MS / chain.anchorEveryMs)));
  const lasts = anchors === null ? '' : `, enough for ${anchors} anchors, ${anchors / perDay} days of them`;
  const detail = `${ss58} has ${account.free} ${unit}${cost}${lasts}, nonce ${account.nonce}`;
  const send = `Send some of the chain's token to ${ss58}.`;
  if (account.free === '0' || anchors === 0n) return found(name, 'sync.no_funds', detail, send);
  const { lowBalance } = chain;
  const isLow =
    'amount' in lowBalance
      ? BigInt(account.free) < BigInt(lowBalance.amount)
      : anchors !== null && anchors < BigInt(lowBalance.anchors);
  return isLow
    ? found(name, 'sync.low_balance', `${detail}; that is less than chain.lowBalance`, send)
    : ok(name, detail);
}

function max(one: bigint, other: bigint): bigint {
  return one > other ? one : other;
}
