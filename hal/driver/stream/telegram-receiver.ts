import { unreachable, type DecodedTelegram, type StreamProtocol } from '../../contract/index.ts';
import { createIec62056Receiver, type Received } from '../iec62056/index.ts';
import { createP1Receiver } from '../p1/index.ts';
import { SmlReceiver } from '../sml/index.ts';

/** A telegram of any of the protocols. `checked`: a checksum stood behind it. */
export type Telegram = Pick<DecodedTelegram, 'ok' | 'why' | 'meter' | 'values'> & {
  readonly checked: boolean;
};

/** Finds the telegrams in a stream of bytes. */
export interface TelegramReceiver {
  push(bytes: Uint8Array): readonly Telegram[];
  /** The stream was interrupted: what is unfinished is refused. */
  end(): readonly Telegram[];
}

export function receiverOf(protocol: StreamProtocol): TelegramReceiver {
  switch (protocol) {
    case 'sml': {
      const receiver = new SmlReceiver();
      const checked = (telegram: DecodedTelegram): Telegram => ({ ...telegram, checked: true });
      return {
        push: (bytes) => receiver.push(bytes).map(checked),
        end: () => receiver.end().map(checked),
      };
    }
    case 'p1': {
      const receiver = createP1Receiver();
      return { push: (bytes) => receiver.receive(bytes), end: () => receiver.end() };
    }
    case 'iec62056': {
      const receiver = createIec62056Receiver();
      const telegrams = (received: readonly Received[]): Telegram[] =>
        received.flatMap((message) => (message.kind === 'telegram' ? [message.telegram] : []));
      return { push: (bytes) => telegrams(receiver.receive(bytes)), end: () => telegrams(receiver.end()) };
    }
    default:
      return unreachable(protocol);
  }
}
