import { InvalidArgumentError, Option, type Command } from 'commander';
import type { CommandArguments } from './ask-request.ts';
import { addBrokerOptions, type BrokerArguments } from '../broker-options.ts';
import { duration } from '../duration-option.ts';

export interface AskArguments extends BrokerArguments, CommandArguments {
  readonly key?: string;
  readonly stationKey?: string;
  readonly timeout?: number;
  readonly believeStationTime?: true;
  readonly list?: true;
  readonly json?: true;
}

const HELP = `
The command is signed with --key, which the station's telemetry.operators must name (delmonicos key operator makes one). Every
command stands in the station's journal. Receipts, proofs and entries are verified before they are written; everything else is
what came through the broker.

Exit status: 0 answered and good, 1 not good, refused or not answered, 2 usage.

Examples:
  delmonicos ask --list
  delmonicos ask DE-ACME-0001 doctor --broker mqtts://broker.example --key support.pem
  delmonicos ask DE-ACME-0001 meter trace evse1 --for 10s --broker mqtts://broker.example --key support.pem
  delmonicos ask DE-ACME-0001 journal receipt --index 86411 -o reading.receipt --broker mqtts://broker.example --key support.pem`;

export function registerAskCommand(program: Command): void {
  const ask = program
    .command('ask')
    .description('asks a station over MQTT: its faults, a meter, its journal')
    .argument('[station]', 'station.name, as its topics carry it')
    .argument('[command...]', 'such as doctor, meter read METER, journal stat: see --list')
    .option('--list', 'lists the commands, and what a key needs for each')
    .option('--key <file>', "the operator's private key: ed25519, PKCS#8 PEM")
    .option(
      '--station-key <hex|vkey>',
      "the station's public key as you know it; otherwise the one that it tells is taken on trust",
    )
    .addOption(count('--index <index>', 'journal receipt: an entry; may be given again').argParser(collect))
    .option('--session <id>', 'journal receipt: a charging session')
    .addOption(count('--size <size>', 'journal proof: of the tree of so many entries'))
    .addOption(count('--from <index>', 'journal entries: the first one'))
    .addOption(count('--to <index>', 'journal entries: the one behind the last; default: the end of the log'))
    .option(
      '--for <duration>',
      'meter trace (default 10s), meter watch (1m), log level (10m): how long',
      duration,
    )
    .option('-o, --output <file>', 'journal proof, receipt, entries: where to')
    .option(
      '--timeout <duration>',
      'how long the station may be silent; default: 30s, and what it needs',
      duration,
    )
    .option('--believe-station-time', "sign what acts for a time far ahead of this machine's, too")
    .option('--json', 'one JSON document; meter trace: JSON lines')
    .addHelpText('after', HELP)
    .action(async (station: string | undefined, words: readonly string[], options: AskArguments) =>
      (await import('./ask.ts')).ask(station, words, options),
    );
  addBrokerOptions(ask);
}

function count(flags: string, description: string): Option {
  return new Option(flags, description).argParser(index);
}

function collect(text: string, before: readonly number[] = []): readonly number[] {
  return [...before, index(text)];
}

function index(text: string): number {
  const number = Number(text);
  if (!/^\d+$/.test(text) || !Number.isSafeInteger(number)) throw new InvalidArgumentError('a whole number');
  return number;
}
