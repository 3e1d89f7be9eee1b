// What the gateway tells of a transaction, as news for the outbox. Pure.
import { unreachable } from '../../../hal/contract/index.ts';
import type { GatewayEvent } from '../../chain/index.ts';
import type { OutboxEvent } from '../outbox/outbox-model.ts';
import type { AttemptName } from './perform-command.ts';

/** Undefined: nothing that the outbox would want to know. */
export function newsOf(
  { status, block }: GatewayEvent & { type: 'transaction' },
  about: AttemptName,
): OutboxEvent | undefined {
  switch (status) {
    case 'pending':
      return undefined;
    case 'in-block':
      return block === null ? undefined : { type: 'included', ...about, block };
    case 'retracted':
      return { type: 'retracted', ...about };
    case 'finalized':
    case 'dropped':
      return { type: 'hint', ...about, block: block?.hash ?? null };
    default:
      return unreachable(status);
  }
}
