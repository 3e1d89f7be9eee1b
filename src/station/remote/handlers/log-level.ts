import { RemoteError } from '../../../remote/index.ts';
import type { Handler } from '../handler.ts';
import type { RemoteParts } from '../remote-parts.ts';

/** Which lines of the log are published, for a while; then the configured level holds again by itself. */
export function logLevel({ logTail }: Pick<RemoteParts, 'logTail'>): Handler<'log level'> {
  return async ({ level, forMs }) => {
    if (logTail === undefined) throw new RemoteError('remote.unavailable', 'there is no log over MQTT');
    return logTail.setFor(level, forMs);
  };
}
