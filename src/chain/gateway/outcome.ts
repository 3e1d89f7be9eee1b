// What the runtime made of an included extrinsic, as the events of its block tell. Pure.
import type { Codec } from '@polkadot/types/types';
import type { Hex } from '../anchor-evidence.ts';
import type { OperationResult } from '../protocol.ts';
import type { Runtime } from './runtime.ts';

interface EventRecord {
  readonly phase: { readonly isApplyExtrinsic: boolean; readonly asApplyExtrinsic: Codec };
  readonly event: { readonly section: string; readonly method: string; readonly data: readonly Codec[] };
}

interface DispatchError {
  readonly isModule: boolean;
  readonly asModule: Parameters<Runtime['registry']['findMetaError']>[0];
  readonly type: string;
  readonly value: Codec;
}

/** `events`: the value of System.Events after the block. */
export function outcomeOf(runtime: Runtime, events: Hex, extrinsicIndex: number): OperationResult<'outcome'> {
  const records = runtime.decodeStorage('System', 'Events', events) as unknown as readonly EventRecord[];
  const own = records
    .filter(
      ({ phase }) => phase.isApplyExtrinsic && Number(phase.asApplyExtrinsic.toString()) === extrinsicIndex,
    )
    .map(({ event }) => event);
  const event = (section: string, method: string) =>
    own.find((one) => one.section === section && one.method === method);
  const failed = event('system', 'ExtrinsicFailed');
  const succeeded = event('system', 'ExtrinsicSuccess');
  const paid = event('transactionPayment', 'TransactionFeePaid');
  return {
    success: failed === undefined && succeeded === undefined ? null : failed === undefined,
    // who, actual_fee, tip
    fee: paid?.data[1]?.toString() ?? null,
    error: failed === undefined ? null : nameOf(runtime, failed.data[0] as unknown as DispatchError),
  };
}

function nameOf({ registry }: Runtime, error: DispatchError): string {
  if (!error.isModule) {
    const inner = error.value.toString();
    return inner === '' || inner === 'null' ? error.type : `${error.type}.${inner}`;
  }
  try {
    const { section, name } = registry.findMetaError(error.asModule);
    return `${section.charAt(0).toUpperCase()}${section.slice(1)}.${name}`;
  } catch {
    return `Module.${error.asModule.toString()}`;
  }
}
