import { type Bytes, fromHex, type Hex, toHex } from '../encoding/bytes.ts';
import { type State } from '../storage/state.ts';

/** A chain specification, as nodes and light clients read it. */
export interface ChainSpec {
  readonly name: string;
  readonly id: string;
  readonly bootNodes: readonly string[];
  readonly genesis: RawGenesis | { readonly stateRootHash: Hex };
  readonly [more: string]: unknown;
}

export interface RawGenesis {
  readonly raw: { readonly top: Readonly<Record<string, string>>; readonly childrenDefault: object };
}

/** A specification that carries the whole genesis storage. */
export type RawChainSpec = ChainSpec & { readonly genesis: RawGenesis };

export function stateOfGenesis(genesis: RawGenesis): State {
  return new Map(
    Object.entries(genesis.raw.top).map(([key, value]): [string, Bytes] => [
      key.toLowerCase(),
      fromHex(value),
    ]),
  );
}

export function genesisOfState(state: State): RawGenesis {
  const top = Object.fromEntries([...state].map(([key, value]) => [key, toHex(value)]));
  return { raw: { top, childrenDefault: {} } };
}
