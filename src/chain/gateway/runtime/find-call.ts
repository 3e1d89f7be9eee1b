import type { PalletMetadataLatest } from '@polkadot/types/interfaces';
import type { PortableRegistry } from '@polkadot/types';
import type { ArgumentEncoding, CallIndex } from '../../anchor-call.ts';
import { type CallName, type ChainFacts, REMARK } from '../../protocol.ts';

/** What of decoded metadata (V14 and later) is looked at here. */
export interface CallMetadata {
  readonly pallets: readonly PalletMetadataLatest[];
  readonly lookup: PortableRegistry;
}

type NamedCall = NonNullable<ChainFacts['call']>;
type Found = Pick<ChainFacts, 'call' | 'missing'>;

/** Index and arguments of a call by its names, or what was found in its place: names that resemble the missing one. */
export function findCall({ pallets, lookup }: CallMetadata, wanted: CallName): Found {
  const pallet = pallets.find(({ name, calls }) => name.toString() === wanted.pallet && calls.isSome);
  if (pallet === undefined) {
    const names = pallets.filter(({ calls }) => calls.isSome).map(({ name }) => name.toString());
    return { call: null, missing: { what: 'pallet', nearest: nearest(wanted.pallet, names) } };
  }
  const { variants } = lookup.getSiType(pallet.calls.unwrap().type).def.asVariant;
  const call = variants.find(({ name }) => name.toString() === wanted.name);
  if (call === undefined) {
    const names = variants.map(({ name }) => name.toString());
    return { call: null, missing: { what: 'call', nearest: nearest(wanted.name, names) } };
  }
  const named: NamedCall = {
    index: [pallet.index.toNumber(), call.index.toNumber()],
    arguments: call.fields.map((field, at) => ({
      name: field.name.isSome ? field.name.unwrap().toString() : `argument${at}`,
      encoding: encodingOf(lookup, field.type.toNumber()),
    })),
  };
  return { call: named, missing: null };
}

/** The index of System.remark_with_event, or null where there is none. */
export function remarkIndex(metadata: CallMetadata): CallIndex | null {
  return findCall(metadata, REMARK).call?.index ?? null;
}

const INTEGERS: Readonly<Record<string, ArgumentEncoding>> = {
  U8: 'u8',
  U16: 'u16',
  U32: 'u32',
  U64: 'u64',
  U128: 'u128',
};
const FIXED: Readonly<Record<number, ArgumentEncoding>> = { 32: 'fixed32', 64: 'fixed64' };
/** Tuples and structs of one field are that field, as far as bytes go; deeper ones are not worth following. */
const MAX_WRAPPERS = 4;
const MAX_TYPE_NAME = 96;

function encodingOf(lookup: PortableRegistry, id: number, depth = 0): ArgumentEncoding {
  const { def, path } = lookup.getSiType(id);
  const inner = (wrapped: number): ArgumentEncoding =>
    depth < MAX_WRAPPERS ? encodingOf(lookup, wrapped, depth + 1) : other(lookup, id);
  if (def.isPrimitive) return INTEGERS[def.asPrimitive.type] ?? other(lookup, id);
  if (def.isCompact) {
    // A compact of anything but an integer has no bytes of its own; a newtype of an integer has those of the integer.
    const wrapped = encodingOf(lookup, def.asCompact.type.toNumber(), depth + 1);
    return wrapped.startsWith('u') ? 'compact' : other(lookup, id);
  }
  if (def.isSequence) return isByte(lookup, def.asSequence.type.toNumber()) ? 'bytes' : other(lookup, id);
  if (def.isArray) {
    const { type, len } = def.asArray;
    return (isByte(lookup, type.toNumber()) && FIXED[len.toNumber()]) || other(lookup, id);
  }
  // An account is 32 bytes too, and no place for a root hash.
  if (path.at(-1)?.toString() === 'AccountId32') return other(lookup, id);
  const fields = def.isComposite ? def.asComposite.fields.map(({ type }) => type.toNumber()) : [];
  const members = def.isTuple ? def.asTuple.map((type) => type.toNumber()) : fields;
  const [only, ...more] = members;
  return only !== undefined && more.length === 0 ? inner(only) : other(lookup, id);
}

function isByte(lookup: PortableRegistry, id: number): boolean {
  const { def } = lookup.getSiType(id);
  return def.isPrimitive && def.asPrimitive.isU8;
}

function other(lookup: PortableRegistry, id: number): ArgumentEncoding {
  return `other:${lookup.getTypeDef(id).type.slice(0, MAX_TYPE_NAME)}`;
}

const SHOWN = 8;

/** The names that share most with the wanted one, so that a typing error is seen at once. */
function nearest(wanted: string, names: readonly string[]): string[] {
  const pairs = pairsOf(wanted);
  const shared = (name: string): number => [...pairsOf(name)].filter((pair) => pairs.has(pair)).length;
  const score = (name: string): number => (2 * shared(name)) / (pairs.size + pairsOf(name).size || 1);
  return [...names].sort((a, b) => score(b) - score(a)).slice(0, SHOWN);
}

function pairsOf(name: string): ReadonlySet<string> {
  const text = name.toLowerCase().replaceAll('_', '');
  return new Set(Array.from({ length: Math.max(0, text.length - 1) }, (_, i) => text.slice(i, i + 2)));
}
