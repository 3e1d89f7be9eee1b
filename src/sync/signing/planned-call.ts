// The call that an intent is to be, as bytes: named by the configuration, found in the chain's metadata, filled by the core.
// The gateway says where a call stands and what its arguments are; the arguments' bytes are ours, whatever it says. Pure.
import {
  ANCHOR_FIELDS,
  type AnchorCall,
  type AnchorField,
  bytesToHex,
  type CallIndex,
  type CallName,
  ChainError,
  type ChainFacts,
  encodeAnchorCall,
  encodeRemarkCall,
  fitsEncoding,
  hexToBytes,
  REMARK,
} from '../../chain/index.ts';
import type { Intent } from '../outbox/intent.ts';
import type { ChainOptions } from '../ports.ts';

/** What of the configuration says which call carries a checkpoint. */
export type CallOptions = Pick<ChainOptions, 'call' | 'pallet' | 'callIndex'>;

export interface PlannedCall {
  /** Index and arguments. */
  readonly bytes: Uint8Array;
  /** How the arguments were filled, for the evidence; undefined: it is a remark. */
  readonly recipe: AnchorCall | undefined;
}

/**
 * System.remark_with_event where System is pallet 0, as on every Substrate chain known: call 7 today, 8 in runtimes before
 * 2022 (when fill_block was still in front). What else ever stood there (kill_prefix, do_task) gives a signer nothing.
 */
export const REMARK_CALL_INDICES: readonly CallIndex[] = [
  [0, 7],
  [0, 8],
];

/** The call to name when connecting. */
export function callNameOf({ call, pallet }: CallOptions): CallName {
  return call === 'pallet' && pallet !== undefined ? { pallet: pallet.name, name: pallet.call } : REMARK;
}

/**
 * The call of an intent. Throws `chain.call_missing` when the chain has no such call, or has it where it may not be signed,
 * and `chain.call_mismatch` when its arguments do not fit.
 */
export function plannedCall(intent: Intent, options: CallOptions, facts: ChainFacts): PlannedCall {
  if (intent.kind === 'publish') {
    // Entries always go in a remark, whatever call carries checkpoints.
    const index = remarkIndex(facts, options.call === 'remark' ? options.callIndex : undefined);
    return { bytes: encodeRemarkCall(index, hexToBytes(intent.payload)), recipe: undefined };
  }
  if (options.call === 'remark') {
    const index = remarkIndex(facts, options.callIndex);
    const bytes = encodeRemarkCall(index, new TextEncoder().encode(intent.checkpoint));
    return { bytes, recipe: undefined };
  }
  const recipe = recipeOf(options, facts);
  return { bytes: encodeAnchorCall(recipe, intent.checkpoint), recipe };
}

function remarkIndex({ remark, specName, specVersion }: ChainFacts, pinned: string | undefined): CallIndex {
  if (remark === null) {
    throw new ChainError('chain.call_missing', `${specName} ${specVersion} has no System.remark_with_event`, {
      remedy: 'operator',
      hint: 'Configure another call (chain.call: pallet); entries cannot be published there (chain.publish).',
    });
  }
  const allowed = pinned === undefined ? REMARK_CALL_INDICES : [parseCallIndex(pinned)];
  checkIndex('System.remark_with_event', remark.index, allowed, `${specName} ${specVersion}`);
  return remark.index;
}

/**
 * Without `chain.callIndex` the index of a pallet's call is the gateway's word. What it could do with that: have the
 * checkpoint's own bytes signed as the arguments of another call. With an index it can do nothing.
 */
function recipeOf({ pallet, callIndex }: CallOptions, facts: ChainFacts): AnchorCall {
  const { name: palletName = '', call: name = '', arguments: given } = pallet ?? {};
  const runtime = `${facts.specName} ${facts.specVersion}`;
  const { call, missing } = facts;
  if (call === null) {
    const found = missing?.nearest ?? [];
    const what = missing?.what === 'pallet' ? `pallet ${palletName}` : `call ${palletName}.${name}`;
    throw new ChainError('chain.call_missing', `${runtime} has no ${what}`, {
      remedy: 'operator',
      details: { found },
      hint: `It has ${found.join(', ') || 'none at all'}. Names are as in the chain's metadata.`,
    });
  }
  if (callIndex !== undefined) {
    checkIndex(`${palletName}.${name}`, call.index, [parseCallIndex(callIndex)], runtime);
  }
  const names = call.arguments.map((argument) => argument.name);
  const real = call.arguments.map((one) => `${one.name}: ${one.encoding}`).join(', ') || 'none';
  const refuse = (why: string): ChainError =>
    new ChainError('chain.call_mismatch', `${palletName}.${name} of ${runtime}: ${why}`, {
      remedy: 'operator',
      details: { arguments: call.arguments },
      hint: `Its arguments are: ${real}. Each takes one of ${ANCHOR_FIELDS.join(', ')} (chain.pallet.arguments).`,
    });
  const unknown = Object.keys(given ?? {}).find((argument) => !names.includes(argument));
  if (unknown !== undefined) throw refuse(`it has no argument ${unknown}`);
  const filled = call.arguments.map(({ name: argument, encoding }) => {
    const from = given === undefined ? fieldNamed(argument) : ownValue(given, argument);
    if (from === undefined) throw refuse(`nothing fills its argument ${argument}`);
    if (!fitsEncoding(from, encoding)) {
      throw refuse(`its argument ${argument} (${encoding}) cannot hold the ${from}`);
    }
    return { name: argument, encoding, from };
  });
  return { pallet: palletName, name, index: call.index, arguments: filled };
}

/** Names come from a chain: `constructor` is one like any other. */
function ownValue<T>(map: Readonly<Record<string, T>>, key: string): T | undefined {
  return Object.hasOwn(map, key) ? map[key] : undefined;
}

function fieldNamed(argument: string): AnchorField | undefined {
  return ANCHOR_FIELDS.find((field) => field === argument);
}

function checkIndex(what: string, found: CallIndex, allowed: readonly CallIndex[], runtime: string): void {
  if (allowed.some(([pallet, call]) => pallet === found[0] && call === found[1])) return;
  const index = bytesToHex(Uint8Array.from(found));
  throw new ChainError('chain.call_missing', `${what} is ${index} on ${runtime}, which may not be signed`, {
    remedy: 'operator',
    details: { found: index },
    hint: `If that is right, set chain.callIndex to "${index}".`,
  });
}

/** `0x0007` as pallet and call index. Throws RangeError: the configuration has checked it before. */
function parseCallIndex(text: string): CallIndex {
  const match = /^0x([0-9a-f]{2})([0-9a-f]{2})$/.exec(text);
  if (match === null) throw new RangeError(`no call index: ${text}`);
  return [Number.parseInt(match[1] ?? '', 16), Number.parseInt(match[2] ?? '', 16)];
}
