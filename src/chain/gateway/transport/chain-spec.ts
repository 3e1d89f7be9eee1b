import { createHash } from 'node:crypto';
import { readFile, stat } from 'node:fs/promises';
import * as v from 'valibot';
import { bootNodeProblem } from '../../boot-node.ts';
import { ChainError } from '../../errors.ts';

/** Raw specs of large chains are tens of MiB; beyond this it is not a chain spec. */
const MAX_SPEC_BYTES = 128 * 1024 * 1024;

const optionalText = v.optional(v.nullable(v.string()));
const optionalId = v.optional(v.nullable(v.pipe(v.number(), v.integer())));
const specSchema = v.looseObject({
  id: v.string(),
  name: v.string(),
  bootNodes: v.array(v.string()),
  genesis: v.record(v.string(), v.unknown()),
  relay_chain: optionalText,
  relayChain: optionalText,
  para_id: optionalId,
  paraId: optionalId,
});

/** A chain spec, ready for the light client. */
export interface ChainSpec {
  readonly file: string;
  readonly id: string;
  /** `id` of the relay chain that a parachain's spec names. */
  readonly relayChain: string | undefined;
  readonly paraId: number | undefined;
  /** Of what makes it this chain and no other: not its boot nodes, nor the checkpoint to begin at. */
  readonly identity: string;
  readonly bootNodes: readonly string[];
  readonly text: string;
}

/** The chain of which blocks are followed, and the relay chain it is part of, if it is part of one. */
export interface SpecPair {
  readonly relay: ChainSpec | undefined;
  readonly para: ChainSpec;
}

export interface SpecFiles {
  readonly relaySpec?: string | undefined;
  readonly paraSpec: string;
  /** In place of the boot nodes that the specs name. */
  readonly bootNodes?: { readonly relay?: readonly string[]; readonly para?: readonly string[] } | undefined;
}

/**
 * Reads what is needed to follow a parachain, or a chain of its own when the spec names no relay chain. Throws
 * `chain.spec_unreadable` with what is wrong and in which file, or `chain.boot_node_invalid`.
 */
export async function readSpecs({ relaySpec, paraSpec, bootNodes }: SpecFiles): Promise<SpecPair> {
  const [relay, para] = await Promise.all([
    relaySpec === undefined ? undefined : readSpec(relaySpec, bootNodes?.relay),
    readSpec(paraSpec, bootNodes?.para),
  ]);
  if (para.relayChain === undefined) return { relay: undefined, para: checkSolo(relay, para) };
  if (relay === undefined) {
    throw unreadable(
      paraSpec,
      'no_relay_spec',
      `it is a parachain of "${para.relayChain}" and needs that chain's spec too`,
    );
  }
  if (relay.relayChain !== undefined) {
    throw unreadable(
      relay.file,
      'relay_is_parachain',
      `it is a parachain's ("${relay.id}"), where a relay chain's is needed`,
    );
  }
  if (para.relayChain !== relay.id) {
    throw unreadable(
      paraSpec,
      'other_relay',
      `it is a parachain of "${para.relayChain}", but ${relay.file} is of "${relay.id}"`,
    );
  }
  if (para.paraId === undefined)
    throw unreadable(paraSpec, 'no_para_id', 'it names a relay chain and no para_id');
  return { relay, para };
}

function checkSolo(relay: ChainSpec | undefined, para: ChainSpec): ChainSpec {
  if (para.paraId !== undefined)
    throw unreadable(para.file, 'no_relay_chain', 'it has a para_id and names no relay chain');
  if (relay === undefined) return para;
  if (relay.relayChain === para.id) {
    throw unreadable(
      para.file,
      'swapped',
      `it is the relay chain's, and ${relay.file} the parachain's: they are swapped`,
    );
  }
  throw unreadable(
    para.file,
    'no_parachain',
    `it names no relay chain (relay_chain), so it is no parachain of "${relay.id}"; a chain of its own needs no relaySpec`,
  );
}

async function readSpec(file: string, bootNodes: readonly string[] | undefined): Promise<ChainSpec> {
  const text = await readText(file);
  let spec: v.InferOutput<typeof specSchema>;
  try {
    spec = v.parse(specSchema, JSON.parse(text));
  } catch (cause) {
    throw unreadable(
      file,
      'no_spec',
      'it is not a JSON chain spec with id, name, bootNodes and genesis',
      cause,
    );
  }
  if (spec.genesis['raw'] === undefined && spec.genesis['stateRootHash'] === undefined) {
    throw unreadable(file, 'not_raw', 'its genesis is not raw: export it with `build-spec --raw`');
  }
  return {
    file,
    id: spec.id,
    relayChain: spec.relay_chain ?? spec.relayChain ?? undefined,
    paraId: spec.para_id ?? spec.paraId ?? undefined,
    identity: createHash('sha256')
      .update(JSON.stringify([spec.id, spec.genesis]))
      .digest('hex'),
    bootNodes: bootNodes ?? spec.bootNodes,
    text: bootNodes === undefined ? text : JSON.stringify({ ...spec, bootNodes: checked(bootNodes) }),
  };
}

async function readText(file: string): Promise<string> {
  try {
    if ((await stat(file)).size > MAX_SPEC_BYTES) throw new Error('it is too large');
    return await readFile(file, 'utf8');
  } catch (cause) {
    throw unreadable(file, 'no_file', cause instanceof Error ? cause.message : String(cause), cause);
  }
}

function checked(bootNodes: readonly string[]): readonly string[] {
  for (const address of bootNodes) {
    const problem = bootNodeProblem(address);
    if (problem === undefined) continue;
    throw new ChainError('chain.boot_node_invalid', `the boot node ${address} cannot be used: ${problem}`, {
      remedy: 'operator',
      hint: 'Check chain.bootNodes: multiaddresses that end in /p2p/ and the peer id.',
    });
  }
  return bootNodes;
}

/** What is wrong with a spec, for programs; `refused`: the light client does not take it. */
export type SpecProblem =
  | 'no_file'
  | 'no_spec'
  | 'not_raw'
  | 'no_relay_spec'
  | 'relay_is_parachain'
  | 'other_relay'
  | 'no_para_id'
  | 'no_relay_chain'
  | 'no_parachain'
  | 'swapped'
  | 'refused';

export function unreadable(file: string, problem: SpecProblem, why: string, cause?: unknown): ChainError {
  return new ChainError('chain.spec_unreadable', `the chain spec ${file} cannot be used: ${why}`, {
    remedy: 'operator',
    cause,
    details: { file, problem },
    hint: 'Check chain.relaySpec and chain.paraSpec: raw chain specs, the parachain naming its relay chain.',
  });
}
