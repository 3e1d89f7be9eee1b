// Why the last try failed and what to do about it. Pure.
import { durationInWords } from './amounts-in-words.ts';
import type { StateInWords, SyncState } from './status-in-words.ts';
import type { SyncFailure, SyncStatus } from './status.ts';

interface Known {
  readonly state: SyncState;
  readonly severity: StateInWords['severity'];
  readonly advice: string | null;
}

const ADVICE_NETWORK = 'Is there a network? `delmonicos doctor` tries what is configured under chain.';

/** By code; what is not here is `failed` or `retrying`, by its remedy. */
const KNOWN: Readonly<Record<string, Known>> = {
  'sync.no_funds': act('no-funds', 'Send some of the chain’s token to the account of `delmonicos key show`.'),
  'chain.call_missing': act('call-missing', 'Set chain.call and chain.pallet to what the chain has.'),
  'chain.call_mismatch': act('call-missing', 'Set chain.pallet.arguments to what the call takes.'),
  'chain.wrong_chain': act(
    'wrong-chain',
    'Check the specs or the URL; chain.genesisHash moves a station on purpose.',
  ),
  'chain.spec_unreadable': act('spec-unreadable', 'Check chain.relaySpec and chain.paraSpec.'),
  'chain.boot_node_invalid': act('spec-unreadable', 'Correct chain.bootNodes.'),
  'chain.clock_wrong': act('clock-wrong', 'Set the clock; docs/time.md.'),
  'chain.unreachable': { state: 'unreachable', severity: 'waiting', advice: ADVICE_NETWORK },
  'chain.timeout': { state: 'unreachable', severity: 'waiting', advice: ADVICE_NETWORK },
  'sync.stalled': {
    state: 'stalled',
    severity: 'waiting',
    advice: 'No peers that serve the chain, or it has stopped to finalize: look at the chain from elsewhere.',
  },
};
const CRASHES = /^chain\.gateway_/;
/** A gateway may end for reasons of its own once or twice. */
const CRASH_LOOP = 3;

function act(state: SyncState, advice: string): Known {
  return { state, severity: 'act', advice };
}

/** The state of a service that waits until it tries again. */
export function failureInWords({
  failure,
  retryInMs,
  lastTry,
  transport,
}: Pick<SyncStatus, 'failure' | 'retryInMs' | 'lastTry' | 'transport'>): StateInWords {
  const again = retryInMs === null ? '' : `; next try in ${durationInWords(retryInMs)}`;
  if (failure === null)
    return { state: 'retrying', severity: 'waiting', text: `waits${again}`, advice: null };
  const { state, severity, advice } = kindOf(failure);
  const times = failure.failures > 1 ? ` (${failure.failures} times in a row)` : '';
  const peerless = transport === 'light-client' && lastTry !== null && lastTry.peers === 0;
  const found = peerless && severity === 'waiting' ? ', without having found a peer' : '';
  const text = `[${failure.code}] ${failure.message}${times}${found}${again}`;
  return { state: found === '' ? state : 'no-peers', severity, text, advice: failure.hint ?? advice };
}

function kindOf({ code, failures, remedy }: SyncFailure): Known {
  const known = KNOWN[code];
  if (known !== undefined) return known;
  if (CRASHES.test(code) && failures >= CRASH_LOOP) {
    return act(
      'crash-loop',
      'Look at the service’s log (chain.gateway_output) and at memory; reinstall the package if it repeats.',
    );
  }
  if (remedy === 'operator' || remedy === 'halt')
    return act('failed', `docs/errors.md says more about ${code}.`);
  return { state: 'retrying', severity: 'waiting', advice: null };
}
