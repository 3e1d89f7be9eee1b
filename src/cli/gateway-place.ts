import type { GatewayPlace } from '../chain/index.ts';

/**
 * Where this command gets a chain gateway from: `$DELMONICOS_GATEWAY_SOCKET`, behind which systemd starts one as another user
 * for each connection (docs/systemd.md), otherwise the program beside the bundle, as a child.
 */
export function gatewayPlace(socket = process.env['DELMONICOS_GATEWAY_SOCKET']): GatewayPlace {
  return socket ? { socket } : new URL('./gateway.js', import.meta.url);
}
