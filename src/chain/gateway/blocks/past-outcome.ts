import { type Hex, hexToBytes } from '../../anchor-evidence.ts';
import type { OperationParams, OperationResult } from '../../protocol.ts';
import { ScaleInputError, ScaleReader } from '../../scale.ts';
import { outcomeOf } from '../runtime/outcome.ts';
import type { Runtime } from '../runtime/runtime.ts';

/** What is asked about a finalized block of the past. */
export interface PastState {
  readonly finalizedNumber: number;
  /** The runtime of now, whose keys of System are those of any runtime. */
  readonly latest: Runtime;
  /** The runtime of that version, as far as it was loaded in this life of the gateway. */
  runtimeOf(specVersion: number): Runtime | undefined;
  /** Storage after that block; null: nothing stands there. Throws what the link throws. */
  storage(key: Hex, at: Hex): Promise<Hex | null>;
}

/**
 * So many states a node keeps that is no archive (`--state-pruning` of Substrate, 256 unless said otherwise). Nobody owes
 * an answer about what lies deeper, however often it is asked for.
 */
const KEPT_STATES = 256;
/** Substrate's words for a state that it has no more. */
const DISCARDED = /discarded|pruned/i;
const NOT_KNOWN: OperationResult<'outcome'> = { success: null, fee: null, error: null };

/**
 * What became of an extrinsic, by the events of its block, read as the runtime wrote them that executed it. Not known (null)
 * where the state is gone or that runtime is not at hand: events read by another one's metadata would be something made up.
 * Throws what the link throws when it may be different next time.
 */
export async function pastOutcome(
  state: PastState,
  { block, extrinsicIndex }: OperationParams<'outcome'>,
): Promise<OperationResult<'outcome'>> {
  try {
    const runtime = await runtimeAt(state, block.hash);
    const key = runtime?.storageKey('System', 'Events');
    if (runtime === undefined || key === undefined) return NOT_KNOWN;
    const events = await state.storage(key, block.hash);
    return events === null ? NOT_KNOWN : outcomeOf(runtime, events, extrinsicIndex);
  } catch (error) {
    if (isGone(error, state.finalizedNumber - block.number)) return NOT_KNOWN;
    throw error;
  }
}

/**
 * System.LastRuntimeUpgrade after a block names the runtime that executed it (FRAME's Executive writes it before anything
 * else). The code in that state would be the wrong one in the block of an upgrade: it is for the next block.
 */
async function runtimeAt(state: PastState, at: Hex): Promise<Runtime | undefined> {
  const { latest } = state;
  const key = latest.storageKey('System', 'LastRuntimeUpgrade');
  const raw = key === undefined ? null : await state.storage(key, at);
  const specVersion = raw === null ? undefined : specVersionIn(raw);
  if (specVersion === undefined || specVersion === latest.version.specVersion) return latest;
  return state.runtimeOf(specVersion);
}

/** `LastRuntimeUpgradeInfo` of FRAME: a compact version, then the name. */
function specVersionIn(raw: Hex): number | undefined {
  try {
    return Number(new ScaleReader(hexToBytes(raw)).compactBig());
  } catch (error) {
    if (error instanceof ScaleInputError) return undefined;
    throw error;
  }
}

/** Answered with an error, over whichever transport; a link that is lost or silent has no `code` of JSON-RPC. */
function isGone(error: unknown, depth: number): boolean {
  const { code, message } = error as { code?: unknown; message?: unknown };
  return typeof code === 'number' && (depth > KEPT_STATES || DISCARDED.test(String(message)));
}
