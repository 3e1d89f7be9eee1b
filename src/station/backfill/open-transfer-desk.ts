import { LISTENED, type Listener } from '../../telemetry/index.ts';
import type { RemoteParts } from '../remote/remote-parts.ts';
import type { ReplyRoom } from '../remote/reply-room.ts';
import { signedTree } from './sign-tree.ts';
import { TransferDesk } from './transfer-desk.ts';

export type TransferParts = Pick<RemoteParts, 'journal' | 'identity'> & {
  readonly options: Pick<RemoteParts['options'], 'stateDirectory' | 'clock'>;
  readonly replies: Pick<ReplyRoom, 'send'>;
};

/**
 * The desk for transfers of entries, and the listener that brings it credit. Its `handle` is the handler of `journal entries`.
 * @param isHeldBack whether entries wait in telemetry because the day's budget is used up
 */
export function openTransferDesk(
  { options, journal, identity, replies }: TransferParts,
  isHeldBack: () => boolean,
): { readonly desk: TransferDesk; readonly listener: Listener } {
  const { stateDirectory: directory, clock } = options;
  const desk = new TransferDesk({
    ...{ directory, clock, isHeldBack },
    logSize: () => journal.size,
    signTree: (size) => signedTree({ directory, journal, identity }, size),
    send: (reply, signal) => replies.send(reply, signal),
  });
  const listener = {
    ...LISTENED.credit,
    receive: ({ payload }: { payload: Uint8Array }) => desk.credit(payload),
  };
  return { desk, listener };
}
