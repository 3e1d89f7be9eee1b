// Whether a chain that answers is the one to sign for. Pure.
import { InvariantError } from '../../hal/contract/index.ts';
import { bytesToHex, type CallIndex, ChainError, type ChainFacts, type Hex } from '../chain/index.ts';

/** Throws `chain.wrong_chain` unless it is the pinned one: by configuration, or the first one that was ever reached. */
export function checkGenesis(found: Hex, pinned: string | undefined): void {
  if (pinned === undefined || pinned === found) return;
  throw new ChainError('chain.wrong_chain', `this is another chain: genesis ${found} instead of ${pinned}`, {
    remedy: 'operator',
    details: { found, pinned },
    hint: 'Check the chain specs or the URL. To move a station to another chain, set chain.genesisHash.',
  });
}

/** Facts of a chain whose call may be signed. */
export type CheckedFacts = ChainFacts & { readonly call: NonNullable<ChainFacts['call']> };

/** Throws `chain.call_missing` unless the chain has its remark where it may be signed. */
export function checkCall(facts: ChainFacts, allowed: readonly CallIndex[]): asserts facts is CheckedFacts {
  const { call: named, specName, specVersion } = facts;
  if (named === null) throw new InvariantError('the gateway was not asked for a call');
  const [pallet, call] = named.index;
  if (allowed.some((one) => one[0] === pallet && one[1] === call)) return;
  const found = bytesToHex(Uint8Array.of(pallet, call));
  throw new ChainError(
    'chain.call_missing',
    `System.remark_with_event is ${found} on ${specName} ${specVersion}, which may not be signed`,
    { remedy: 'operator', details: { found }, hint: `If that is right, set chain.callIndex to "${found}".` },
  );
}

/** `0x0007` as pallet and call index. Throws RangeError: the configuration has checked it before. */
export function parseCallIndex(text: string): CallIndex {
  const match = /^0x([0-9a-f]{2})([0-9a-f]{2})$/.exec(text);
  if (match === null) throw new RangeError(`no call index: ${text}`);
  return [Number.parseInt(match[1] ?? '', 16), Number.parseInt(match[2] ?? '', 16)];
}
