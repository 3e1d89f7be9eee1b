import { existsSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import type { StationError } from '../../../hal/contract/index.ts';
import type { ChainTransport, GatewayEvent } from '../../chain/index.ts';
import type { AnchoredBlock, BlockFinality, FinalityAnswer } from '../../receipt/index.ts';

/** A running chain gateway that answers one kind of question. */
export interface OpenBlockFinality extends BlockFinality {
  close(): Promise<void>;
}

export interface FinalityOptions {
  /** Until the chain can be asked, and for each answer. Default: a minute for a node, three for a light client. */
  readonly timeoutMs?: number | undefined;
  /** Told of each step that a person waits for, in words. */
  readonly onProgress?: (words: string) => void;
}

const NODE_TIMEOUT_MS = 60_000;
const LIGHT_CLIENT_TIMEOUT_MS = 180_000;

/**
 * Starts a chain gateway and connects it: seconds for a node, up to minutes for a light client on a slow link.
 * Rejects with a `chain.*` StationError, and leaves nothing running then.
 */
export async function openBlockFinality(
  transport: ChainTransport,
  { timeoutMs, onProgress = () => {} }: FinalityOptions = {},
): Promise<OpenBlockFinality> {
  const { ChainError, GatewayProcess } = await import('../../chain/index.ts');
  const isNode = transport.transport === 'rpc';
  const withinMs = timeoutMs ?? (isNode ? NODE_TIMEOUT_MS : LIGHT_CLIENT_TIMEOUT_MS);
  const progress = new Progress(onProgress);
  const gateway = await GatewayProcess.start({
    entry: gatewayEntry(),
    clock: {
      nowMonoMs: () => performance.now(),
      sleep: (durationMs, signal) => sleep(durationMs, undefined, signal === undefined ? {} : { signal }),
    },
    log: () => {},
    onEvent: (event) => progress.hear(event),
  });
  try {
    const { genesisHash } = await gateway.request('connect', { transport, call: null }, withinMs);
    return {
      async isFinal(block: AnchoredBlock): Promise<FinalityAnswer> {
        const about = { number: block.blockNumber, hash: block.blockHash };
        const { verdict, finalized } = await gateway.request('checkBlock', { block: about }, withinMs);
        const by = isNode ? 'node' : 'light client';
        const askedOf = transport.transport === 'rpc' ? `the node at ${transport.url}` : 'a light client';
        return { genesisHash, verdict, askedOf, by, finalizedNumber: finalized.number };
      },
      close: () => gateway.stop(),
    };
  } catch (error) {
    await gateway.stop();
    if (!(error instanceof ChainError) || error.code !== 'chain.timeout') throw error;
    const { last } = progress;
    const where = last === undefined ? '' : `; it was ${last}`;
    throw new ChainError('chain.timeout', `no answer in ${withinMs / 1_000} s${where}`, {
      cause: error,
      hint: isNode
        ? 'Ask another node, or wait longer with --timeout.'
        : 'Look at the network, the clock, and the boot nodes in the specs; or wait longer with --timeout.',
    });
  }
}

/** The gateway's steps in words, each told once. */
class Progress {
  readonly #tell: (words: string) => void;
  last: string | undefined;

  constructor(tell: (words: string) => void) {
    this.#tell = tell;
  }

  hear(event: GatewayEvent): void {
    if (event.type !== 'progress') return;
    const words = wordsOf(event);
    if (words === undefined || words === this.last) return;
    this.last = words;
    this.#tell(words);
  }
}

/** Undefined for what is no news: the start, and the end that the answer follows at once. */
function wordsOf({ stage, peers, best }: Extract<GatewayEvent, { type: 'progress' }>): string | undefined {
  switch (stage) {
    case 'finding-peers':
      return 'looking for peers';
    case 'syncing': {
      const from = peers === null ? '' : ` with ${peers} ${peers === 1 ? 'peer' : 'peers'}`;
      return `catching up${from}${best === null ? '' : `, at block ${best}`}`;
    }
    case 'loading-runtime':
      return "loading the chain's runtime";
    case 'starting':
    case 'ready':
      return undefined;
  }
}

/** What could not be asked, for the check's detail: with what to do about it. */
export function unansweredWords({ code, message, hint }: StationError): string {
  return `the chain could not be asked [${code}]: ${message}${hint === undefined ? '' : ` (${hint})`}`;
}

/** Beside the bundle on a device and in a checkout; from source the last build. */
function gatewayEntry(): string {
  const beside = fileURLToPath(new URL('./gateway.js', import.meta.url));
  return existsSync(beside) ? beside : fileURLToPath(new URL('../../../dist/gateway.js', import.meta.url));
}
