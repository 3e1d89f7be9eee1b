import type { Codec } from '@polkadot/types/types';
import type { Hex } from '../../anchor-evidence.ts';
import type { CallName, ChainFacts } from '../../protocol.ts';
import { findCall, remarkIndex } from './find-call.ts';
import type { Runtime } from './runtime.ts';

/** What the core is told of a chain, out of its metadata. */
export function chainFacts(runtime: Runtime, genesisHash: Hex, call: CallName | null): ChainFacts {
  const { version, registry, calls } = runtime;
  const symbol = registry.chainTokens[0];
  const decimals = registry.chainDecimals[0];
  const remark = remarkIndex(calls);
  return {
    genesisHash,
    specName: version.specName,
    specVersion: version.specVersion,
    transactionVersion: version.transactionVersion,
    ss58Format: registry.chainSS58 ?? null,
    token: symbol === undefined || decimals === undefined ? null : { symbol, decimals },
    signedExtensions: [...registry.signedExtensions],
    ...(call === null ? { call: null, missing: null } : findCall(calls, call)),
    remark: remark && { index: [...remark] },
    limits: limitsOf(runtime),
    existentialDeposit: runtime.constant('Balances', 'ExistentialDeposit')?.toString() ?? null,
  };
}

interface Weight {
  readonly refTime?: Codec;
  readonly proofSize?: Codec;
}

/** The types of constants are the chain's; these two are FRAME's. What is not there is not known. */
function limitsOf(runtime: Runtime): ChainFacts['limits'] {
  const length = runtime.constant('System', 'BlockLength') as unknown as
    { max?: { normal?: Codec } } | undefined;
  const weights = runtime.constant('System', 'BlockWeights') as unknown as
    { perClass?: { normal?: { maxExtrinsic?: { unwrapOr(none: null): Weight | null } } } } | undefined;
  const weight = weights?.perClass?.normal?.maxExtrinsic?.unwrapOr(null);
  const normal = length?.max?.normal?.toString();
  return {
    extrinsicBytes: normal === undefined ? null : Number(normal),
    refTime: weight?.refTime?.toString() ?? null,
    proofSize: weight?.proofSize?.toString() ?? null,
  };
}
