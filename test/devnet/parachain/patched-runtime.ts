// Another version of the parachain's runtime, made from the one there is: no other comes out of the npm registry. The
// WebAssembly is patched in place, so that nothing in it moves.
import { decompress } from 'fzstd';
import { runCalls } from '../chain/runtime.ts';
import { type Bytes, concat, EMPTY, toHex, utf8 } from '../encoding/bytes.ts';
import { decodeUint, encodeBytes, encodeUint, ScaleReader } from '../encoding/scale.ts';
import { decodeVarint } from '../encoding/varint.ts';
import { DevnetError } from '../errors.ts';
import { get, put, type State } from '../storage/state.ts';
import { CODE } from '../storage/storage-keys.ts';

/** `CODE_BLOB_BOMB_LIMIT`'s companion, `ZSTD_PREFIX` of sp-maybe-compressed-blob: what follows is a zstd frame. */
const ZSTD_PREFIX = Uint8Array.of(0x52, 0xbc, 0x53, 0x76, 0x46, 0xdb, 0x8e, 0x05);

const MAGIC_AND_VERSION = 8;
const CUSTOM_SECTION = 0;

/** A signed LEB128 of two bytes holds no more; the number that stands there now has as many. */
const MAX_SPEC_VERSION = 8_191;

export interface RuntimePatch {
  readonly specVersion: number;
  /** The name of a call that the metadata shall no longer have. */
  readonly without?: string;
}

/**
 * The code of `genesis`, as WebAssembly, with a version above that in `state`, and maybe without a call in its metadata:
 * what an earlier upgrade took away is there again.
 * @throws DevnetError `devnet.bad_input`: the version cannot be written, or there is no call of this name
 */
export async function patchRuntime(
  genesis: State,
  state: State,
  { specVersion, without }: RuntimePatch,
): Promise<Bytes> {
  const wasm = decompressCode(get(genesis, CODE) ?? EMPTY);
  const versioned = withSpecVersion(wasm, specVersion, specVersionOf(state));
  return without === undefined ? versioned : await withoutName(state, versioned, without);
}

export function specVersionOf(state: State): number {
  return readVersion(decompressCode(get(state, CODE) ?? EMPTY)).spec;
}

/** What `:code` holds may be compressed or not (sp-maybe-compressed-blob). */
function decompressCode(code: Bytes): Bytes {
  const isCompressed = Buffer.from(code.subarray(0, ZSTD_PREFIX.length)).equals(ZSTD_PREFIX);
  return isCompressed ? decompress(code.subarray(ZSTD_PREFIX.length)) : code;
}

interface Version {
  readonly authoring: number;
  readonly spec: number;
  readonly implementation: number;
  readonly transaction: number;
}

/** An identifier and a version. */
const API_BYTES = 12;

/** From the custom section `runtime_version`: `RuntimeVersion` of sp-version begins with two names. */
function readVersion(wasm: Bytes): Version {
  const reader = new ScaleReader(customSection(wasm, 'runtime_version'));
  const u32 = () => Number(decodeUint(reader.take(4)));
  reader.bytes();
  reader.bytes();
  const [authoring, spec, implementation] = [u32(), u32(), u32()];
  reader.take(reader.length() * API_BYTES);
  return { authoring, spec, implementation, transaction: u32() };
}

function customSection(wasm: Bytes, name: string): Bytes {
  for (let position = MAGIC_AND_VERSION; position < wasm.length;) {
    const size = decodeVarint(wasm, position + 1);
    if (size === undefined) break;
    const payload = wasm.subarray(size.end, size.end + size.value);
    const nameSize = decodeVarint(payload);
    if (wasm[position] === CUSTOM_SECTION && nameSize !== undefined) {
      const nameEnd = nameSize.end + nameSize.value;
      if (toHex(payload.subarray(nameSize.end, nameEnd)) === toHex(utf8(name))) {
        return payload.subarray(nameEnd);
      }
    }
    position = size.end + size.value;
  }
  throw new DevnetError('devnet.bad_input', `the runtime has no custom section ${name}`);
}

const I32_CONST = 0x41;
const I64_CONST = 0x42;
const I32_LT_U = 0x49;
const I64_STORE = 0x37;

/**
 * Where the version stands: in the custom section and in the constant that Core_version returns, both between the
 * authoring and the implementation version; in Executive::initialize_block, which compares it with that of the block
 * before and stores it (`System.LastRuntimeUpgrade`); and in what a signature must be for, before the transaction version.
 */
function withSpecVersion(wasm: Bytes, specVersion: number, above: number): Bytes {
  const { authoring, spec, implementation, transaction } = readVersion(wasm);
  if (!Number.isInteger(specVersion) || specVersion <= above || specVersion > MAX_SPEC_VERSION) {
    throw new DevnetError(
      'devnet.bad_input',
      `a spec version between ${above + 1} and ${MAX_SPEC_VERSION}, not ${specVersion}`,
    );
  }
  const inVersion = (version: number) =>
    concat(encodeUint(authoring, 4), encodeUint(version, 4), encodeUint(implementation, 4));
  const compared = (version: number) =>
    Uint8Array.of(I32_CONST, ...encodeSignedLeb128(BigInt(version)), I32_LT_U);
  const stored = (version: number) =>
    Uint8Array.of(I64_CONST, ...encodeSignedLeb128(BigInt(version)), I64_STORE);
  const signed = (version: number) => {
    const both = (BigInt(transaction) << 32n) | BigInt(version);
    return Uint8Array.of(I64_CONST, ...encodeSignedLeb128(both), I64_STORE);
  };
  const patched = Buffer.from(wasm);
  replace(patched, inVersion(spec), inVersion(specVersion), 2);
  for (const place of [compared, stored, signed]) replace(patched, place(spec), place(specVersion), 1);
  return new Uint8Array(patched);
}

/** As WebAssembly has its constants. */
function encodeSignedLeb128(value: bigint): readonly number[] {
  const low = Number(value & 0x7fn);
  const isLast = value >= -0x40n && value < 0x40n;
  return isLast ? [low] : [low | 0x80, ...encodeSignedLeb128(value >> 7n)];
}

function replace(wasm: Buffer, from: Bytes, to: Bytes, times: number): void {
  const found = positionsOf(wasm, from);
  if (found.length !== times) {
    throw new DevnetError(
      'devnet.unsupported',
      `the runtime has ${toHex(from)} ${found.length} times, not ${times}`,
    );
  }
  for (const position of found) wasm.set(to, position);
}

function positionsOf(haystack: Bytes, needle: Bytes): readonly number[] {
  const buffer = Buffer.from(haystack.buffer, haystack.byteOffset, haystack.byteLength);
  const found: number[] = [];
  for (let at = buffer.indexOf(needle); at >= 0; at = buffer.indexOf(needle, at + 1)) found.push(at);
  return found;
}

/**
 * Names lie in the data section once each and without anything between them: the right one is that whose change makes
 * the metadata have the name less often.
 */
async function withoutName(state: State, wasm: Bytes, name: string): Promise<Bytes> {
  const bytes = utf8(name);
  let patched = wasm;
  let count = await countInMetadata(state, patched, name);
  if (bytes.length === 0 || count === 0) {
    throw new DevnetError('devnet.bad_input', `the metadata has no call "${name}"`);
  }
  for (const position of positionsOf(wasm, bytes)) {
    const candidate = patched.slice();
    candidate.fill(REPLACEMENT, position, position + bytes.length);
    const left = await countInMetadata(state, candidate, name);
    if (left >= count) continue;
    patched = candidate;
    count = left;
    if (count === 0) return patched;
  }
  throw new DevnetError('devnet.unsupported', `cannot take "${name}" out of the metadata`);
}

const REPLACEMENT = 'x'.charCodeAt(0);

/** As a SCALE string. */
async function countInMetadata(state: State, wasm: Bytes, name: string): Promise<number> {
  const withCode: State = new Map(state);
  put(withCode, CODE, wasm);
  const { result } = await runCalls(withCode, [{ method: 'Metadata_metadata', argument: EMPTY }]);
  return positionsOf(result, encodeBytes(utf8(name))).length;
}
