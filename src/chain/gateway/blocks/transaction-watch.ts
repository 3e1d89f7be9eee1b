import type { ProviderInterface } from '@polkadot/rpc-provider/types';
import * as v from 'valibot';
import { type Hex, hexSchema } from '../../anchor-evidence.ts';
import { ChainError } from '../../errors.ts';
import type { BlockRef, GatewayEvent } from '../../protocol.ts';
import type { BlockReader } from './block-reader.ts';
import { toChainError } from '../chain.ts';

type TransactionEvent = Extract<GatewayEvent, { type: 'transaction' }>;
type Status = TransactionEvent['status'];

const hash32 = v.pipe(hexSchema(32), v.length(66));
/** TransactionStatus of Substrate's author API, as legacy JSON-RPC writes it. */
const statusSchema = v.union([
  v.picklist(['future', 'ready', 'dropped', 'invalid']),
  v.pipe(v.looseObject({}), v.transform(Object.entries)),
]);

/** "Already imported" is what a node says to bytes that it has in its pool: just what was wanted. */
const ALREADY_IMPORTED = 1013;
/** Substrate's author errors: invalid, unknown validity, banned, cycles, pool full, unactionable, ... */
const AUTHOR_ERRORS = { from: 1000, to: 1099 };

/**
 * Follows the last submitted extrinsic, one at a time. What is told here are hints that save time: the truth is the
 * account's nonce and the body of a finalized block, because a light client may go from broadcast straight to finalized,
 * and a node may forget a transaction without a word.
 */
export class TransactionWatch {
  readonly #provider: ProviderInterface;
  readonly #blocks: BlockReader;
  readonly #emit: (event: GatewayEvent) => void;
  #open: { readonly id: number | string } | undefined;
  #current = 0;

  constructor(provider: ProviderInterface, blocks: BlockReader, emit: (event: GatewayEvent) => void) {
    this.#provider = provider;
    this.#blocks = blocks;
    this.#emit = emit;
  }

  /** Resolves when the network has it. Throws `chain.refused` when a node says that it cannot be included (effect unknown). */
  async submit(extrinsic: Hex, watch: number): Promise<void> {
    await this.#close();
    this.#current = watch;
    try {
      const id = await this.#provider.subscribe(
        'author_extrinsicUpdate',
        'author_submitAndWatchExtrinsic',
        [extrinsic],
        (error, result: unknown) => {
          if (error === null && watch === this.#current) void this.#report(watch, result);
        },
      );
      this.#open = { id };
    } catch (cause) {
      const code = codeOf(cause);
      if (code === ALREADY_IMPORTED) return;
      if (code === undefined || code < AUTHOR_ERRORS.from || code > AUTHOR_ERRORS.to)
        throw toChainError(cause);
      throw new ChainError(
        'chain.refused',
        `the network refuses the extrinsic: ${(cause as Error).message}`,
        {
          effect: 'unknown',
          details: { code },
          cause,
        },
      );
    }
  }

  async #close(): Promise<void> {
    const open = this.#open;
    this.#open = undefined;
    if (open === undefined) return;
    await this.#provider
      .unsubscribe('author_extrinsicUpdate', 'author_unwatchExtrinsic', open.id)
      .catch(() => false);
  }

  async #report(watch: number, result: unknown): Promise<void> {
    const parsed = v.safeParse(statusSchema, result);
    if (!parsed.success) return;
    const [kind, value] = typeof parsed.output === 'string' ? [parsed.output] : (parsed.output[0] ?? ['']);
    const status = STATUSES[kind];
    if (status === undefined) return;
    const block = await this.#blockOf(value);
    this.#emit({ type: 'transaction', watch, status, block: block ?? null, detail: kind });
  }

  async #blockOf(hash: unknown): Promise<BlockRef | undefined> {
    const parsed = v.safeParse(hash32, hash);
    if (!parsed.success) return undefined;
    const header = await this.#blocks.header(parsed.output).catch(() => undefined);
    return header === undefined ? undefined : { number: header.number, hash: header.hash };
  }
}

const STATUSES: Readonly<Record<string, Status>> = {
  future: 'pending',
  ready: 'pending',
  broadcast: 'pending',
  inBlock: 'in-block',
  retracted: 'retracted',
  finalityTimeout: 'retracted',
  finalized: 'finalized',
  usurped: 'dropped',
  dropped: 'dropped',
  invalid: 'dropped',
};

/** Both transports' errors carry the JSON-RPC code as `code`. */
function codeOf(error: unknown): number | undefined {
  const code = (error as { code?: unknown } | null)?.code;
  return typeof code === 'number' ? code : undefined;
}
