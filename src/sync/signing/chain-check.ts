// Whether a chain that answers is the one to sign for. Pure.
import { ChainError, type Hex } from '../../chain/index.ts';

/** Throws `chain.wrong_chain` unless it is the pinned one: by configuration, or the first one that was ever reached. */
export function checkGenesis(found: Hex, pinned: string | undefined): void {
  if (pinned === undefined || pinned === found) return;
  throw new ChainError('chain.wrong_chain', `this is another chain: genesis ${found} instead of ${pinned}`, {
    remedy: 'operator',
    details: { found, pinned },
    hint: 'Check the chain specs or the URL. To move a station to another chain, set chain.genesisHash.',
  });
}
