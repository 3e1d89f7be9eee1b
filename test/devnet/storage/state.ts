import { type Bytes, toHex } from '../encoding/bytes.ts';

/** The whole storage of a chain at one block: key in hex (lower case, with `0x`) to value. */
export type State = Map<string, Bytes>;

export function put(state: State, key: Bytes, value: Bytes): void {
  state.set(toHex(key), value);
}

export function get(state: State, key: Bytes): Bytes | undefined {
  return state.get(toHex(key));
}
