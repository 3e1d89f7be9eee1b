// Which two files a light client is started with: the specification of a parachain names its relay chain, and the relay
// chain's own specification usually lies beside it.
import { readdir, readFile, stat } from 'node:fs/promises';
import path from 'node:path';
import * as v from 'valibot';
import { UsageError } from '../usage-error.ts';

export interface LightClientSpecs {
  readonly paraSpec: string;
  /** Absent for a chain of its own, of which `paraSpec` is the spec. */
  readonly relaySpec?: string;
}

/** Raw specs of large chains are tens of MiB. */
const MAX_SPEC_BYTES = 128 * 1024 * 1024;
/** A directory of chain specs has a few; one with more is not one. */
const MAX_CANDIDATES = 64;

const specSchema = v.object({
  id: v.string(),
  /** Polkadot SDK writes snake case; some chains' tools write camel case. */
  relay_chain: v.optional(v.string()),
  relayChain: v.optional(v.string()),
});

/**
 * The specs for a light client of `paraSpec`. Without `relaySpec` the one is taken whose `id` the parachain's spec names as
 * its `relay_chain`, from the directory of the parachain's: `<relay_chain>.json` first, then any other JSON file there. None is
 * looked for when it names no relay chain: it is of a chain of its own.
 * Throws UsageError: `usage.file_unreadable`, or `usage.bad_option` when the two do not belong together.
 */
export async function lightClientSpecs(paraSpec: string, relaySpec?: string): Promise<LightClientSpecs> {
  const para = await readSpec(paraSpec);
  const relayId = para.relay_chain ?? para.relayChain;
  if (relayId === undefined) {
    if (relaySpec === undefined) return { paraSpec };
    throw new UsageError('usage.bad_option', `${paraSpec} is not of a parachain: it names no relay chain`, {
      hint: "--chain takes the parachain's spec, --relay its relay chain's; a chain of its own goes without --relay.",
    });
  }
  if (relaySpec === undefined) return { paraSpec, relaySpec: await findBeside(paraSpec, relayId) };
  const { id } = await readSpec(relaySpec);
  if (id === relayId) return { paraSpec, relaySpec };
  throw new UsageError(
    'usage.bad_option',
    `${paraSpec} is of a parachain of "${relayId}", ${relaySpec} of "${id}"`,
    { hint: `Name the spec with "id": "${relayId}" with --relay, or leave it out and put it beside.` },
  );
}

async function findBeside(paraSpec: string, relayId: string): Promise<string> {
  const directory = path.dirname(paraSpec);
  const own = path.basename(paraSpec);
  const all = (await readdir(directory)).filter((name) => name.endsWith('.json') && name !== own).sort();
  const usual = `${relayId}.json`;
  const candidates = [...all.filter((name) => name === usual), ...all.filter((name) => name !== usual)];
  const found: string[] = [];
  for (const name of candidates.slice(0, MAX_CANDIDATES)) {
    const file = path.join(directory, name);
    // Whatever else lies there is none of our business.
    const id = await readSpec(file).then(
      (spec) => spec.id,
      () => undefined,
    );
    if (id !== relayId) continue;
    if (name === usual) return file;
    found.push(file);
  }
  const [only] = found;
  if (only !== undefined && found.length === 1) return only;
  throw new UsageError(
    'usage.bad_option',
    only === undefined
      ? `no *.json beside ${paraSpec} is the spec of its relay chain "${relayId}"`
      : `${found.length} files beside ${paraSpec} are specs of its relay chain "${relayId}"`,
    { hint: `Name one with --relay, or call it ${path.join(directory, usual)}.` },
  );
}

async function readSpec(file: string): Promise<v.InferOutput<typeof specSchema>> {
  let text: string;
  try {
    const { size } = await stat(file);
    if (size > MAX_SPEC_BYTES) throw new RangeError(`larger than ${MAX_SPEC_BYTES} bytes`);
    text = await readFile(file, 'utf8');
  } catch (cause) {
    throw unreadable(file, cause instanceof Error ? cause.message : String(cause), cause);
  }
  try {
    return v.parse(specSchema, JSON.parse(text));
  } catch (cause) {
    throw unreadable(file, 'it is no chain spec in JSON', cause);
  }
}

function unreadable(file: string, why: string, cause: unknown): UsageError {
  return new UsageError('usage.file_unreadable', `the chain spec ${file} cannot be used: ${why}`, {
    cause,
    hint: 'A node of the chain writes its spec with `build-spec --raw`, without the genesis state where it is large.',
  });
}
