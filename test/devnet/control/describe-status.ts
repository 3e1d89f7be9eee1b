import { type DevnetStatus, type Heights } from '../devnet.ts';
import { type Link } from '../link/link.ts';

/** For a person, in a few lines. */
export function describeStatus({ relay, parachain, finality, peers, rpc, link }: DevnetStatus): string {
  const heights = ({ best, finalized }: Heights) => `best ${best}, final ${finalized}`;
  const servers = [
    ...peers.map(({ name, up, connections, faults, address }) =>
      describeServer({ name, up, connections, faults, address }),
    ),
    ...(rpc === undefined ? [] : [describeServer({ ...rpc, name: 'rpc', address: rpc.url })]),
  ];
  return [
    `relay       ${heights(relay)}${finality === 'stalled' ? ' (finality is stalled)' : ''}`,
    `parachain   ${heights(parachain)}`,
    ...servers,
    `link        ${describeLink(link)}`,
  ].join('\n');
}

interface Server {
  readonly name: string;
  readonly up: boolean;
  readonly connections: number;
  readonly faults: object;
  readonly address: string;
}

function describeServer({ name, up, connections, faults, address }: Server): string {
  const on = Object.entries(faults)
    .filter(([, value]) => value !== false && value !== 0)
    .map(([fault, value]) => (value === true ? fault : `${fault} ${value}`));
  return [
    name.padEnd(11),
    up ? `${connections} connected` : 'cut',
    ...(on.length > 0 ? [`[${on.join(', ')}]`] : []),
    address,
  ].join(' ');
}

function describeLink({ bitsPerSecond, delayMs, lossPercent, cutAfterBytes }: Link): string {
  const words = [
    ...(bitsPerSecond === null ? [] : [`${bitsPerSecond} bit/s each way`]),
    ...(delayMs === 0 ? [] : [`${delayMs} ms each way`]),
    ...(lossPercent === 0 ? [] : [`${lossPercent} % of segments lost`]),
    ...(cutAfterBytes === null ? [] : [`connections end after ${cutAfterBytes} bytes`]),
  ];
  return words.length === 0 ? 'open' : words.join(', ');
}
