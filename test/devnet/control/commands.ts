// What can be asked of a running network, in words or as JSON. Pure: text in, a call of Devnet out.
import { DevnetError } from '../errors.ts';
import { OPEN_LINK } from '../link/link.ts';
import { type RemoteMethod } from '../messages.ts';
import { noFaults } from '../peer/faults.ts';
import { noRpcFaults } from '../rpc/rpc-faults.ts';
import { readLinkWords } from './link-words.ts';
import { Parameters } from './parameters.ts';

/** A method of `Devnet`, with its arguments. */
export interface ControlCall {
  readonly method: RemoteMethod;
  readonly args: readonly unknown[];
}

export interface Command {
  /** In words. */
  readonly usage: string;
  readonly does: string;
  /** Changes nothing. */
  readonly isQuestion?: true;
  /** From words to named parameters. */
  readonly name: (words: readonly string[]) => Readonly<Record<string, unknown>>;
  /** @throws DevnetError `devnet.bad_input` */
  readonly call: (parameters: Parameters) => ControlCall;
}

/** Words that no parameter takes: names that are then refused, as unknown ones in JSON are. */
const spare = (words: readonly string[]) => Object.fromEntries(words.map((word) => [word, true]));
const only =
  (name: string) =>
  ([word, ...more]: readonly string[]) => ({ ...(word !== undefined && { [name]: word }), ...spare(more) });

export const COMMANDS: Readonly<Record<string, Command>> = {
  status: {
    usage: 'status',
    does: 'heights, peers, faults and link',
    isQuestion: true,
    name: spare,
    call: () => ({ method: 'status', args: [] }),
  },
  bytes: {
    usage: 'bytes',
    does: 'what the link has carried, by connection',
    isQuestion: true,
    name: spare,
    call: () => ({ method: 'linkBytes', args: [] }),
  },
  cut: {
    usage: 'cut [PEER | relay | parachain | rpc]',
    does: 'take everything, or this, off the network',
    name: only('target'),
    call: (parameters) => ({ method: 'cut', args: [parameters.optionalText('target')] }),
  },
  restore: {
    usage: 'restore [PEER | relay | parachain | rpc]',
    does: 'bring it back, at the same address',
    name: only('target'),
    call: (parameters) => ({ method: 'restore', args: [parameters.optionalText('target')] }),
  },
  step: {
    usage: 'step',
    does: 'make a parachain block now, and a relay block that includes it',
    name: spare,
    call: () => ({ method: 'step', args: [] }),
  },
  reorg: {
    usage: 'reorg DEPTH [drop]',
    does: 'replace so many unfinalized blocks by a longer fork; drop: without their transactions',
    name: ([depth, drop, ...more]) => ({
      depth,
      ...(drop === 'drop' ? { keepTransactions: false } : spare(drop === undefined ? [] : [drop])),
      ...spare(more),
    }),
    call: (parameters) => {
      const keepTransactions = parameters.optionalBoolean('keepTransactions');
      return { method: 'reorg', args: [{ depth: parameters.wholeNumber('depth'), ...keepTransactions }] };
    },
  },
  finality: {
    usage: 'finality stall | resume',
    does: 'whether blocks become final',
    name: ([word, ...more]) => ({
      mode: { stall: 'stalled', resume: 'live' }[word ?? ''] ?? word,
      ...spare(more),
    }),
    call: (parameters) => ({
      method: 'setFinality',
      args: [parameters.oneOf('mode', ['live', 'stalled'])],
    }),
  },
  voters: {
    usage: 'voters',
    does: 'hand the finality of the relay chain over to another set of GRANDPA voters',
    name: spare,
    call: () => ({ method: 'changeVoters', args: [] }),
  },
  upgrade: {
    usage: 'upgrade [SPEC_VERSION] [without NAME]',
    does: 'give the parachain another runtime, with a call or a pallet less',
    name: (words) => {
      const at = words.indexOf('without');
      const [specVersion, ...more] = at === -1 ? words : words.slice(0, at);
      const [without = '', ...evenMore] = at === -1 ? [] : words.slice(at + 1);
      return {
        ...(specVersion !== undefined && { specVersion }),
        ...(at !== -1 && { without }),
        ...spare([...more, ...evenMore]),
      };
    },
    call: (parameters) => {
      const without = parameters.optionalText('without');
      return {
        method: 'upgradeRuntime',
        args: [
          {
            ...(parameters.has('specVersion') && { specVersion: parameters.wholeNumber('specVersion') }),
            ...(without !== undefined && { without }),
          },
        ],
      };
    },
  },
  fault: {
    usage: 'fault NAME on | off | NUMBER [PEER | relay | parachain]',
    does: `switch a fault; "fault peers off" and "fault rpc off" end them all\n${faultNames()}`,
    name: ([name, value, target, ...more]) => ({
      ...{ name, value },
      ...(target !== undefined && { target }),
      ...spare(more),
    }),
    call: (parameters) => callOfFault(parameters),
  },
  link: {
    usage: 'link open | [20kbit] [600ms] [5%] [cut:BYTES]',
    does: 'what lies before peers and RPC server: speed and delay each way, loss, an end after so many bytes',
    name: readLinkWords,
    call: (parameters) => ({ method: 'setLink', args: [parameters.numbers(Object.keys(OPEN_LINK))] }),
  },
  block: {
    usage: 'block NUMBER',
    does: 'a parachain block',
    isQuestion: true,
    name: only('number'),
    call: (parameters) => ({ method: 'block', args: [parameters.wholeNumber('number')] }),
  },
  find: {
    usage: 'find HEX',
    does: 'the extrinsics of final parachain blocks that contain these bytes',
    isQuestion: true,
    name: only('bytes'),
    call: (parameters) => ({ method: 'findExtrinsics', args: [parameters.text('bytes')] }),
  },
};

/** @throws DevnetError `devnet.bad_input` */
export function readLine(line: string): ControlCall {
  const [name = '', ...words] = line.trim().split(/\s+/);
  const command = commandCalled(name);
  try {
    return callOf(command, command.name(words));
  } catch (thrown) {
    if (!(thrown instanceof DevnetError)) throw thrown;
    throw new DevnetError('devnet.bad_input', `${thrown.message}\nusage: ${command.usage}`);
  }
}

/** `parameters`: whatever JSON was sent. @throws DevnetError `devnet.bad_input` */
export function readCall(name: string, parameters: unknown): ControlCall {
  const command = commandCalled(name);
  if (typeof parameters !== 'object' || parameters === null || Array.isArray(parameters)) {
    throw new DevnetError('devnet.bad_input', 'parameters are an object: {"name": value}');
  }
  return callOf(command, parameters as Readonly<Record<string, unknown>>);
}

function callOf(command: Command, named: Readonly<Record<string, unknown>>): ControlCall {
  const parameters = new Parameters(named);
  const call = command.call(parameters);
  parameters.refuseOthers();
  return call;
}

export function helpText(): string {
  return Object.values(COMMANDS)
    .map(({ usage, does }) => `  ${usage}\n${does.replaceAll(/^/gm, '      ')}`)
    .join('\n');
}

function commandCalled(name: string): Command {
  const command = Object.hasOwn(COMMANDS, name) ? COMMANDS[name] : undefined;
  if (command !== undefined) return command;
  const known = Object.keys(COMMANDS).join(', ');
  throw new DevnetError('devnet.bad_input', `no command "${name}": there are ${known}`);
}

function callOfFault(parameters: Parameters): ControlCall {
  const name = parameters.text('name');
  const target = parameters.optionalText('target');
  const ofPeers = name === 'peers' || Object.hasOwn(noFaults(), name);
  if (!ofPeers && name !== 'rpc' && !Object.hasOwn(noRpcFaults(), name)) {
    throw new DevnetError('devnet.bad_input', `no fault "${name}"\n${faultNames()}`);
  }
  if (!ofPeers && target !== undefined) {
    throw new DevnetError('devnet.bad_input', `"${name}" is a fault of the RPC server, not of ${target}`);
  }
  const none = ofPeers ? { peers: noFaults(), ...noFaults() } : { rpc: noRpcFaults(), ...noRpcFaults() };
  const off = none[name as keyof typeof none];
  const value = parameters.switched('value', off);
  const isAll = typeof off === 'object';
  if (isAll && value !== off) throw new DevnetError('devnet.bad_input', `"${name}" can only be switched off`);
  const faults = isAll ? value : { [name]: value };
  return ofPeers
    ? { method: 'setFaults', args: [faults, target] }
    : { method: 'setRpcFaults', args: [faults] };
}

function faultNames(): string {
  return `peers: ${Object.keys(noFaults()).join(', ')}\nrpc: ${Object.keys(noRpcFaults()).join(', ')}`;
}
