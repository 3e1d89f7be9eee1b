// What the runtime made of an included extrinsic, as the events of its block tell. Pure.
import type { Codec } from '@polkadot/types/types';
import type { Hex } from '../../anchor-evidence.ts';
import type { OperationResult } from '../../protocol.ts';
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
  return {
    success: failed === undefined && succeeded === undefined ? null : failed === undefined,
    fee: feeOf(own),
    error: failed === undefined ? null : nameOf(runtime, failed.data[0] as unknown as DispatchError),
  };
}

/** Runtimes before 2022 have no event for it: what was withdrawn first, less what came back. */
function feeOf(events: readonly EventRecord['event'][]): string | null {
  const named = (section: string, method: string) =>
    events.filter((one) => one.section === section && one.method === method);
  // who, actual_fee, tip
  const paid = named('transactionPayment', 'TransactionFeePaid')[0]?.data[1]?.toString();
  if (paid !== undefined) return paid;
  const [who, amount] = named('balances', 'Withdraw')[0]?.data ?? [];
  if (who === undefined || amount === undefined) return null;
  const back = named('balances', 'Deposit').filter(({ data }) => data[0]?.toString() === who.toString());
  const refunded = back.reduce((sum, { data }) => sum + BigInt(data[1]?.toString() ?? 0), 0n);
  return String(BigInt(amount.toString()) - refunded);
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
