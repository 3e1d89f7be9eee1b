// The runtime of the relay chain, 845 bytes: just the functions that a light client calls on a relay chain, answered
// from relay storage. It executes no blocks: relay-chain.ts puts them together.
import { blake2b } from '@noble/hashes/blake2.js';
import wabt from 'wabt';
import { type Bytes, concat, utf8 } from '../encoding/bytes.ts';
import { encodeBytes, encodeUint } from '../encoding/scale.ts';
import { encodeVarint } from '../encoding/varint.ts';
import {
  AURA_AUTHORITIES,
  GRANDPA_AUTHORITIES,
  GRANDPA_SET_ID,
  PARAS_HEADS,
  VALIDATION_DATA_TAIL,
} from '../storage/storage-keys.ts';

export const RELAY_SLOT_MS = 6_000;

const watString = (bytes: Bytes): string =>
  `"${Array.from(bytes, (byte) => `\\${byte.toString(16).padStart(2, '0')}`).join('')}"`;

const WAT = `(module
  (import "env" "ext_storage_read_version_1" (func $read (param i64 i64 i32) (result i64)))
  (import "env" "ext_hashing_twox_64_version_1" (func $twox64 (param i64) (result i32)))
  (memory (export "memory") 3)
  (global (export "__heap_base") i32 (i32.const 131072))
  (data (i32.const 0) ${watString(AURA_AUTHORITIES)})
  (data (i32.const 32) ${watString(GRANDPA_AUTHORITIES)})
  (data (i32.const 64) ${watString(GRANDPA_SET_ID)})
  (data (i32.const 96) ${watString(VALIDATION_DATA_TAIL)})
  (data (i32.const 128) ${watString(PARAS_HEADS)}) ;; followed by twox64(para id) and the para id: 44 bytes
  (data (i32.const 256) ${watString(encodeUint(RELAY_SLOT_MS, 8))})
  ;; 1024: the answer

  ;; A pointer-size, as runtime functions and host functions pass it.
  (func $slice (param $pointer i32) (param $length i32) (result i64)
    (i64.or
      (i64.extend_i32_u (local.get $pointer))
      (i64.shl (i64.extend_i32_u (local.get $length)) (i64.const 32))))

  ;; Copies a storage value to $out; returns its length, or -1 when there is none.
  (func $load (param $key i32) (param $length i32) (param $out i32) (result i32)
    (local $option i32)
    (local.set $option (i32.wrap_i64 (call $read
      (call $slice (local.get $key) (local.get $length))
      (call $slice (local.get $out) (i32.const 65536))
      (i32.const 0))))
    (if (result i32) (i32.load8_u (local.get $option))
      (then (i32.load offset=1 align=1 (local.get $option)))
      (else (i32.const -1))))

  (func $stored (param $key i32) (param $length i32) (result i64)
    (call $slice
      (i32.const 1024)
      (call $load (local.get $key) (local.get $length) (i32.const 1024))))

  (func (export "AuraApi_slot_duration") (param i32 i32) (result i64)
    (call $slice (i32.const 256) (i32.const 8)))
  (func (export "AuraApi_authorities") (param i32 i32) (result i64)
    (call $stored (i32.const 0) (i32.const 32)))
  (func (export "GrandpaApi_grandpa_authorities") (param i32 i32) (result i64)
    (call $stored (i32.const 32) (i32.const 32)))
  (func (export "GrandpaApi_current_set_id") (param i32 i32) (result i64)
    (call $stored (i32.const 64) (i32.const 32)))

  ;; (para id: u32, assumption: u8)
  ;;   -> Option<{ parent_head, relay_parent_number, relay_parent_storage_root, max_pov_size }>
  (func (export "ParachainHost_persisted_validation_data") (param $in i32) (param i32) (result i64)
    (local $length i32)
    (i64.store (i32.const 160) (i64.load align=1 (call $twox64 (call $slice (local.get $in) (i32.const 4)))))
    (i32.store (i32.const 168) (i32.load align=1 (local.get $in)))
    (local.set $length (call $load (i32.const 128) (i32.const 44) (i32.const 1025)))
    (i32.store8 (i32.const 1024) (i32.ge_s (local.get $length) (i32.const 0)))
    (if (i32.lt_s (local.get $length) (i32.const 0))
      (then (return (call $slice (i32.const 1024) (i32.const 1)))))
    (local.set $length (i32.add (local.get $length) (i32.const 1)))
    (local.set $length (i32.add (local.get $length)
      (call $load
        (i32.const 96)
        (i32.const ${VALIDATION_DATA_TAIL.length})
        (i32.add (local.get $length) (i32.const 1024)))))
    (call $slice (i32.const 1024) (local.get $length)))
)`;

const APIS: readonly (readonly [name: string, version: number])[] = [
  ['Core', 4],
  ['AuraApi', 1],
  ['GrandpaApi', 3],
  ['ParachainHost', 2],
];

/** The WebAssembly of the runtime, with the two custom sections that say its version and its APIs. */
export async function assembleRelayRuntime(): Promise<Bytes> {
  const module = (await wabt()).parseWat('relay.wat', WAT);
  try {
    return concat(
      new Uint8Array(module.toBinary({}).buffer),
      customSection('runtime_version', encodeRuntimeVersion()),
      customSection(
        'runtime_apis',
        concat(
          ...APIS.map(([api, version]) => concat(blake2b(utf8(api), { dkLen: 8 }), encodeUint(version, 4))),
        ),
      ),
    );
  } finally {
    module.destroy();
  }
}

/** `RuntimeVersion` of sp-version, without the APIs: they have a section of their own. */
function encodeRuntimeVersion(): Bytes {
  const name = encodeBytes(utf8('devnet-relay'));
  const authoring = encodeUint(1, 4);
  const spec = encodeUint(1, 4);
  const implementation = encodeUint(1, 4);
  const noApis = Uint8Array.of(0);
  const transaction = encodeUint(1, 4);
  const state = Uint8Array.of(1);
  return concat(name, name, authoring, spec, implementation, noApis, transaction, state);
}

function customSection(name: string, content: Bytes): Bytes {
  const payload = concat(encodeVarint(name.length), utf8(name), content);
  return concat(Uint8Array.of(0), encodeVarint(payload.length), payload);
}
