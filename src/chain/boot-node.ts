import { isIPv4, isIPv6 } from 'node:net';

/** Base58 of an ed25519 key's identity multihash, or of a SHA-256 multihash: what libp2p peer ids are in practice. */
const PEER_ID = /^(?:12D3KooW[1-9A-HJ-NP-Za-km-z]{44}|Qm[1-9A-HJ-NP-Za-km-z]{44})$/;
const DOMAIN_NAME =
  /^(?=.{1,253}$)(?:[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9])?\.)*[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.?$/i;
const FORM = '/ip4|ip6|dns|dns4|dns6/HOST/tcp/PORT[/ws|/wss|/tls/ws]/p2p/PEER-ID';

/** What is wrong with a boot node's multiaddress, for people; undefined when a light client on Node.js can dial it. */
export function bootNodeProblem(address: string): string | undefined {
  const [, hostType, host = '', transport, port = '', ...rest] = address.split('/');
  const peer = rest.splice(-2);
  const layers = rest.join('/');
  if (!address.startsWith('/') || transport !== 'tcp' || peer[0] !== 'p2p')
    return `it is not of the form ${FORM}`;
  if (!isHost(hostType, host)) return `"${hostType}/${host}" is no host`;
  if (!/^\d{1,5}$/.test(port) || Number(port) < 1 || Number(port) > 65_535) return `"${port}" is no TCP port`;
  if (!['', 'ws', 'wss', 'tls/ws'].includes(layers))
    return `"/${layers}" is not supported; it must be ${FORM}`;
  if (!PEER_ID.test(peer[1] ?? '')) return `"${peer[1]}" is no peer id`;
  return undefined;
}

function isHost(type: string | undefined, host: string): boolean {
  if (type === 'ip4') return isIPv4(host);
  if (type === 'ip6') return isIPv6(host);
  return ['dns', 'dns4', 'dns6'].includes(type ?? '') && DOMAIN_NAME.test(host);
}
