import { InvalidArgumentError, Option, type Command } from 'commander';
import type { MeterProfile, Parity } from '../../../hal/contract/index.ts';
import type { LineOptions } from '../../../hal/line/index.ts';
import { UsageError } from '../usage-error.ts';

/** How the meter is connected, as given on the command line. */
export interface LineArguments {
  readonly serial?: string;
  readonly baud?: number;
  readonly parity?: Parity;
  readonly dataBits?: 7 | 8;
  readonly stopBits?: 1 | 2;
  readonly tcp?: string;
  readonly rtuOverTcp?: string;
}

/** Registered port of Modbus TCP (IANA: mbap). */
const MODBUS_PORT = 502;

export function addLineOptions(command: Command): Command {
  return command
    .option('--serial <device>', 'serial port, such as /dev/ttyS1')
    .addOption(
      new Option('--baud <rate>', "baud rate (default: the profile's)").argParser(wholeNumber(1, 4e6)),
    )
    .addOption(
      new Option('--parity <parity>', "parity (default: the profile's)").choices(['none', 'even', 'odd']),
    )
    .addOption(
      new Option('--data-bits <bits>', "data bits (default: the profile's)").argParser(wholeNumber(7, 8)),
    )
    .addOption(
      new Option('--stop-bits <bits>', "stop bits (default: the profile's)").argParser(wholeNumber(1, 2)),
    )
    .option('--tcp <host:port>', 'Modbus TCP server; the port is 502 unless given')
    .option('--rtu-over-tcp <host:port>', 'gateway that hands serial bytes through');
}

/** `--unit`, for commands that talk to one meter. */
export function unitOption(): Option {
  return new Option('--unit <id>', "Modbus unit id (default: the profile's)").argParser(wholeNumber(0, 255));
}

/** @throws UsageError unless exactly one kind of line is given, with nothing that is for another kind. */
export function lineOptionsOf(given: LineArguments, profile: MeterProfile): LineOptions {
  const targets = [given.serial, given.tcp, given.rtuOverTcp].filter((target) => target !== undefined);
  if (targets.length !== 1) {
    throw new UsageError('usage.bad_option', 'give exactly one of --serial, --tcp, --rtu-over-tcp');
  }
  const { baudRate, parity, dataBits, stopBits } = profile.link;
  if (given.serial !== undefined) {
    return {
      id: given.serial,
      kind: 'serial',
      path: given.serial,
      baudRate: given.baud ?? baudRate,
      parity: given.parity ?? parity,
      dataBits: given.dataBits ?? dataBits,
      stopBits: given.stopBits ?? stopBits,
    };
  }
  for (const name of ['baud', 'parity', 'dataBits', 'stopBits'] as const) {
    if (given[name] !== undefined) {
      throw new UsageError('usage.bad_option', `--${kebab(name)} is for --serial only`);
    }
  }
  if (given.tcp !== undefined) {
    return { id: given.tcp, kind: 'tcp', ...endpointOf(given.tcp, 'tcp') };
  }
  const gateway = given.rtuOverTcp ?? '';
  return { id: gateway, kind: 'rtuOverTcp', ...endpointOf(gateway, 'rtuOverTcp') };
}

/** Address of `--tcp` or `--rtu-over-tcp`. @throws UsageError */
export function endpointOf(text: string, kind: 'tcp' | 'rtuOverTcp'): { host: string; port: number } {
  return kind === 'tcp' ? endpoint(text, '--tcp', MODBUS_PORT) : endpoint(text, '--rtu-over-tcp');
}

/** `host:port`, `[2001:db8::1]:502`, or a host alone where there is a usual port. */
function endpoint(text: string, option: string, usualPort?: number): { host: string; port: number } {
  const match = /^(?:\[([^\]]+)\]|([^:[\]]+))(?::(\d{1,5}))?$/.exec(text);
  const host = match?.[1] ?? match?.[2];
  const port = match?.[3] === undefined ? usualPort : Number(match[3]);
  if (host === undefined || port === undefined || port < 1 || port > 65_535) {
    throw new UsageError('usage.bad_option', `${option} needs HOST:PORT, not "${text}"`);
  }
  return { host, port };
}

/** Parser of an option that is a whole number within bounds. */
export function wholeNumber(min: number, max: number): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (!/^\d+$/.test(text) || value < min || value > max) {
      throw new InvalidArgumentError(`a whole number between ${min} and ${max}`);
    }
    return value;
  };
}

function kebab(name: string): string {
  return name.replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
}
