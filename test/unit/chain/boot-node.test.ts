import { expect, it } from 'vitest';
import { bootNodeProblem } from '../../../src/chain/boot-node.ts';

const PEER = '12D3KooWSz8r2WyCdsfWHgPyvD8GKQdJ1UAiRmrcrs8sQB3fe2KU';

it.each([
  `/dns/polkadot-bootnode-0.polkadot.io/tcp/30333/p2p/${PEER}`,
  `/dns4/a.example/tcp/443/wss/p2p/${PEER}`,
  `/dns6/localhost/tcp/443/tls/ws/p2p/${PEER}`,
  `/ip4/127.0.0.1/tcp/1/ws/p2p/${PEER}`,
  `/ip6/2001:db8::1/tcp/65535/ws/p2p/${PEER}`,
  '/dns/a.example/tcp/30333/p2p/QmbLHAnMoJPWSCR5Zhtx6BHJX9KiKNN6tpvbUcqanj75Nb',
])('%s can be dialled', (address) => {
  expect(bootNodeProblem(address)).toBeUndefined();
});

it.each([
  ['', 'form'],
  ['wss://a.example', 'form'],
  [`/dns/a.example/tcp/30333`, 'form'],
  [`/dns/a.example/udp/30333/quic-v1/p2p/${PEER}`, 'form'],
  [`dns/a.example/tcp/30333/p2p/${PEER}`, 'form'],
  [`/ip4/1.2.3/tcp/30333/p2p/${PEER}`, 'no host'],
  [`/ip6/127.0.0.1/tcp/30333/p2p/${PEER}`, 'no host'],
  [`/dns/a b/tcp/30333/p2p/${PEER}`, 'no host'],
  [`/dns/-a/tcp/30333/p2p/${PEER}`, 'no host'],
  [`/dns/a.example/tcp/0/p2p/${PEER}`, 'no TCP port'],
  [`/dns/a.example/tcp/65536/p2p/${PEER}`, 'no TCP port'],
  [`/dns/a.example/tcp/x/p2p/${PEER}`, 'no TCP port'],
  [`/dns/a.example/tcp/1/quic/p2p/${PEER}`, 'not supported'],
  [`/dns/a.example/tcp/1/p2p/${PEER}0`, 'no peer id'],
  [`/dns/a.example/tcp/1/p2p/`, 'no peer id'],
])('%s cannot: %s', (address, problem) => {
  expect(bootNodeProblem(address)).toContain(problem);
});
