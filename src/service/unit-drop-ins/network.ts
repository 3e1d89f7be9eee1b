import { isIP } from 'node:net';
import { type Directive, serviceDirective } from './drop-in.ts';

/** Whom a unit talks to over IP: hosts as they are configured, and whether it asks chronyd on this machine. */
export interface Peers {
  readonly hosts: readonly string[];
  readonly asksChrony: boolean;
  /** Peers that no configuration names: a light client finds them by itself. */
  readonly findsPeers: boolean;
}

const LOOPBACK = '127.0.0.1';

/**
 * What of the network a unit keeps. A name is no address: what it stands for is looked up when it is needed and changes, and
 * looking it up needs the resolver; so one name among the peers leaves the addresses open.
 */
export function networkDirectives({ hosts, asksChrony, findsPeers }: Peers): Directive[] {
  const names = [...new Set(hosts.filter((host) => addressOf(host) === undefined))];
  if (findsPeers || names.length > 0) return [];
  const addresses = [
    ...new Set([...(asksChrony ? [LOOPBACK] : []), ...hosts.map((host) => addressOf(host) ?? '')]),
  ];
  if (addresses.length === 0) {
    const why = 'Nothing that is configured needs IP. Unix sockets go on working.';
    return [
      serviceDirective('PrivateNetwork', 'yes', why),
      ...families(['AF_UNIX'], why),
      ...onlyAddresses([], why),
    ];
  }
  const why =
    hosts.length === 0 ? 'Over IP only chronyd is asked.' : 'Every peer is configured by its address.';
  const has = (version: number): boolean => addresses.some((address) => isIP(address) === version);
  return [
    ...onlyAddresses(addresses, why),
    ...families(['AF_UNIX', ...(has(4) ? ['AF_INET'] : []), ...(has(6) ? ['AF_INET6'] : [])], why),
  ];
}

/** Why addresses are left open, for who reads what was made; undefined: they are not. */
export function openNetworkNote({ hosts, findsPeers }: Peers): string | undefined {
  if (findsPeers) return 'a light client finds its peers by itself: their addresses are left open';
  const names = [...new Set(hosts.filter((host) => addressOf(host) === undefined))];
  if (names.length === 0) return undefined;
  return `${names.join(', ')}: a name stands for addresses that change: they are left open`;
}

function onlyAddresses(addresses: readonly string[], why: string): Directive[] {
  return [
    serviceDirective('IPAddressDeny', 'any', why),
    // Of a drop-in that was there before.
    serviceDirective('IPAddressAllow', '', why),
    ...addresses.map((address) => serviceDirective('IPAddressAllow', address, why)),
  ];
}

function families(list: readonly string[], why: string): Directive[] {
  return [
    serviceDirective('RestrictAddressFamilies', '', why),
    serviceDirective('RestrictAddressFamilies', list.join(' '), why),
  ];
}

/** Without brackets and zone, which an address filter does not know. */
function addressOf(host: string): string | undefined {
  const address = host.replace(/^\[(.*)\]$/, '$1').replace(/%.*$/, '');
  return isIP(address) === 0 ? undefined : address;
}
