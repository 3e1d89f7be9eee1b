import path from 'node:path';
import type { ChainConfig, StationConfig } from '../../config/index.ts';
import { deviceDirectives, isPlainPath } from './devices.ts';
import { type Directive, type DropIn, serviceDirective } from './drop-in.ts';
import { networkDirectives, openNetworkNote, type Peers } from './network.ts';

/** What is asked of the machine on which the units will run. */
export interface MachineFacts {
  /** The device node that a path leads to; undefined: there is none now, or this is another machine. */
  readonly deviceNode: (path: string) => string | undefined;
  /** Whether there is a TPM and the group that may use it, for what is configured as `auto`. */
  readonly hasTpm: boolean;
}

export interface UnitDropIns {
  readonly files: readonly DropIn[];
  /** What was left open or has to be done by hand, and why. */
  readonly notes: readonly string[];
}

const CORE = 'delmonicos.service.d/50-station.conf';
const GATEWAY = 'delmonicos-gateway@.service.d/50-station.conf';
/** Every file that can come out; one that does not is of no more use where it was before. */
export const DROP_INS = [CORE, GATEWAY] as const;
const KERNEL_TPM = '/dev/tpmrm0';
const TPM_GROUP = 'tss';
/** What the unit gives anyway. */
const OWN_DIRECTORIES = ['/var/lib/delmonicos', '/run/delmonicos'];
/** Where the gateway's unit lets nobody look (ProtectHome=, InaccessiblePaths=). */
const HIDDEN_FROM_GATEWAY = [
  '/home',
  '/root',
  '/run/user',
  '/var/lib/delmonicos',
  '/run/delmonicos',
  '/boot',
];

/**
 * Drop-ins that narrow the units of core and gateway (systemd/) to what this configuration needs, and widen them where it needs
 * more than the units give. Pure, but for what `machine` looks up.
 */
export function unitDropIns(config: StationConfig, machine: MachineFacts): UnitDropIns {
  const core = corePeers(config);
  const gateway = gatewayPeers(config.chain);
  const notes = [
    ...noteOf('core', openNetworkNote(core)),
    ...noteOf('gateway', openNetworkNote(gateway)),
    ...pathNotes(config),
  ];
  const files = [
    { path: CORE, directives: coreDirectives(config, core, machine) },
    { path: GATEWAY, directives: networkDirectives(gateway) },
  ];
  return { files: files.filter(({ directives }) => directives.length > 0), notes };
}

function coreDirectives(config: StationConfig, peers: Peers, machine: MachineFacts): Directive[] {
  const tpm = tpmDevice(config, machine);
  const ports = config.lines.flatMap((line) =>
    line.kind === 'serial' && isPlainPath(line.path)
      ? [{ path: line.path, node: machine.deviceNode(line.path) }]
      : [],
  );
  return [
    ...startLimits(config),
    ...deviceDirectives(ports, tpm === undefined ? [] : [tpm]),
    ...(tpm === undefined
      ? []
      : [serviceDirective('SupplementaryGroups', TPM_GROUP, 'The TPM belongs to this group.')]),
    ...networkDirectives(peers),
    ...clockDirectives(config),
    ...writtenElsewhere(config),
  ];
}

function corePeers({ lines, telemetry, clock }: StationConfig): Peers {
  const lineHosts = lines.flatMap((line) => (line.kind === 'serial' ? [] : [line.host]));
  const broker = telemetry.mqtt && new URL(telemetry.mqtt.url).hostname;
  return {
    hosts: [...lineHosts, ...(broker === undefined ? [] : [broker])],
    asksChrony: clock.source === 'auto' || clock.source === 'chrony',
    findsPeers: false,
  };
}

function gatewayPeers(chain: ChainConfig | undefined): Peers {
  const hosts = chain?.transport === 'rpc' ? [new URL(chain.url).hostname] : [];
  return { hosts, asksChrony: false, findsPeers: chain?.transport === 'light-client' };
}

/** A token locks after a few wrong PINs; whoever starts again and again locks it for good. */
function startLimits({ identity }: StationConfig): Directive[] {
  if (identity.seed !== 'pkcs11') return [];
  const why =
    'A wrong PIN is tried once a start, and a token locks after a few: two starts, and then no more by itself.';
  return (
    [
      ['StartLimitIntervalSec', 'infinity'],
      ['StartLimitBurst', '2'],
      ['OnFailure', ''],
    ] as const
  ).map(([key, value]) => ({ section: 'Unit', key, value, why }));
}

function tpmDevice({ identity, journal }: StationConfig, { hasTpm }: MachineFacts): string | undefined {
  const isWanted = identity.seed === 'tpm' || journal.counter === 'tpm';
  if (!isWanted && !(hasTpm && journal.counter === 'auto')) return undefined;
  const device = /^device:(\/\S+)$/.exec(identity.tpm?.tcti ?? '')?.[1] ?? KERNEL_TPM;
  return isPlainPath(device) ? device : KERNEL_TPM;
}

function clockDirectives({ clock }: StationConfig): Directive[] {
  if (clock.source !== 'kernel') return [];
  const why =
    'The kernel is asked for the time (adjtimex with nothing to set). To set it takes a capability that is not there.';
  return [
    serviceDirective('ProtectClock', 'no', why),
    serviceDirective('SystemCallFilter', 'adjtimex clock_adjtime clock_adjtime64', why),
  ];
}

/** The file system is read only to the unit, besides its own directories. */
function writtenElsewhere({ journal, control, telemetry }: StationConfig): Directive[] {
  const files = [journal.highWater, control?.socket, telemetry.prometheus?.socket].filter(
    (file) => file !== undefined,
  );
  const directories = [...new Set(files.map((file) => path.dirname(file)))];
  return directories
    .filter((directory) => isPlainPath(directory) && !isBelow(directory, OWN_DIRECTORIES))
    .map((directory) =>
      serviceDirective('ReadWritePaths', directory, 'Written outside of the state directory, as configured.'),
    );
}

function pathNotes({ lines, chain, control, journal, telemetry }: StationConfig): string[] {
  const ports = lines.flatMap((line) => (line.kind === 'serial' ? [line.path] : []));
  const odd = [...ports, journal.highWater, control?.socket, telemetry.prometheus?.socket].filter(
    (file) => file !== undefined && !isPlainPath(file),
  );
  const specs = chain?.transport === 'light-client' ? [chain.relaySpec, chain.paraSpec] : [];
  const hidden = specs.filter((file) => file !== undefined && isBelow(file, HIDDEN_FROM_GATEWAY));
  return [
    ...odd.map((file) => `${JSON.stringify(file)} cannot stand in a unit file: allow it by hand`),
    ...hidden.map((file) => `the gateway's unit cannot read ${file}: put it below /etc/delmonicos/chain`),
  ];
}

function isBelow(file: string, directories: readonly string[]): boolean {
  return directories.some((directory) => file === directory || file.startsWith(`${directory}/`));
}

function noteOf(unit: string, note: string | undefined): string[] {
  return note === undefined ? [] : [`${unit}: ${note}`];
}
