// Executes runtimes: the parachain's real one, and for the proofs of calls the relay chain's too.
import { get_runtime_version, run_task } from '@acala-network/chopsticks-executor';
import { type Bytes, fromHex, toHex } from '../encoding/bytes.ts';
import { DevnetError } from '../errors.ts';
import { get, type State } from '../storage/state.ts';
import { CODE } from '../storage/storage-keys.ts';
import { type StateVersion } from '../storage/trie-node.ts';

export interface RuntimeCall {
  /** `Api_method` */
  readonly method: string;
  /** SCALE-encoded */
  readonly argument: Bytes;
}

/** What the executor answers, as far as it is used here. */
interface TaskResponse {
  readonly Error?: unknown;
  readonly Call?: {
    readonly result: string;
    /** An entry without a value was deleted. */
    readonly storageDiff: readonly (readonly [key: string, value?: string | null])[];
  };
}

export interface CallOutcome {
  /** Of the last call, SCALE-encoded. */
  readonly result: Bytes;
  /** The state after all calls. */
  readonly state: State;
}

/** What was read of a state. */
export interface Reads {
  /** Looked up, found or not. In hex. */
  readonly keys: Set<string>;
}

let lastTaskId = 0;

/**
 * Makes calls one after the other in one instance, and leaves `state` as it is. Compiling the runtime takes most of the
 * time, once per run: so calls are put together where just the last result counts.
 * What is read of `state` is added to `reads`.
 * @throws DevnetError `devnet.runtime_failed`
 */
export async function runCalls(
  state: State,
  calls: readonly RuntimeCall[],
  reads: Reads = { keys: new Set() },
): Promise<CallOutcome> {
  const task = {
    id: lastTaskId++,
    wasm: codeInHex(codeOf(state)),
    calls: calls.map(({ method, argument }) => [method, [toHex(argument)]]),
    mockSignatureHost: 0,
    allowUnresolvedImports: false,
    runtimeLogLevel: 0,
    storageProofSize: 0,
  };
  const response = (await run_task(task, storageOf(state, reads))) as TaskResponse;
  if (response.Call === undefined) {
    const methods = calls.map(({ method }) => method).join(' + ');
    throw new DevnetError('devnet.runtime_failed', `${methods}: ${JSON.stringify(response.Error)}`);
  }
  const after: State = new Map(state);
  for (const [key, value] of response.Call.storageDiff) {
    if (value === null || value === undefined) after.delete(key);
    else after.set(key, fromHex(value));
  }
  return { result: fromHex(response.Call.result), state: after };
}

/** The version of the trie that the runtime uses. */
export async function stateVersionOf(state: State): Promise<StateVersion> {
  const version = (await get_runtime_version(toHex(codeOf(state)))) as { readonly stateVersion: number };
  return version.stateVersion === 1 ? 1 : 0;
}

function codeOf(state: State): Bytes {
  const code = get(state, CODE);
  if (code === undefined) throw new DevnetError('devnet.bad_input', 'the genesis has no :code');
  return code;
}

const hexOfCode = new WeakMap<Bytes, string>();

/** Megabytes, the same ones for each call. */
function codeInHex(code: Bytes): string {
  const known = hexOfCode.get(code) ?? toHex(code);
  hexOfCode.set(code, known);
  return known;
}

type ExecutorStorage = Parameters<typeof run_task>[1];

function storageOf(state: State, reads: Reads): ExecutorStorage {
  let sortedKeys: readonly string[] | undefined;
  return {
    getStorage: async (key) => {
      reads.keys.add(key);
      const value = state.get(key);
      return value === undefined ? undefined : toHex(value);
    },
    getNextKey: async (prefix, key) => {
      sortedKeys ??= [...state.keys()].sort();
      const next = sortedKeys.find((candidate) => candidate > key);
      // A proof of what comes next is one of where it is and of where it is not.
      reads.keys.add(key).add(next ?? key);
      return next?.startsWith(prefix) === true ? next : undefined;
    },
    offchainGetStorage: async () => undefined,
    offchainTimestamp: async () => Date.now(),
    offchainRandomSeed: async () => toHex(new Uint8Array(32)),
    offchainSubmitTransaction: async () => false,
  };
}
