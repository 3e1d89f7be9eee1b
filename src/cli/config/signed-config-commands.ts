import type { Command } from 'commander';
import type { ApplyOptions } from './config-apply.ts';
import type { SignOptions } from './config-sign.ts';

/** `config sign`, `key`, `apply` and `status`: configurations that the OEM signs (docs/provisioning.md). */
export function registerSignedConfigCommands(config: Command): void {
  config
    .command('sign')
    .description('signs a station.yaml, so that stations which believe the key take it')
    .argument('<file>', 'station.yaml')
    .requiredOption('--key <file>', "the OEM's private key: ed25519, PKCS#8 PEM")
    .requiredOption('-o, --output <file>', 'the signed configuration, *.cose')
    .option(
      '--for <station>',
      "name or public key (64 hexadecimal digits) of the station, or '*' for any; default: its station.name",
    )
    .option('--sequence <number>', 'never below one that a station took before; default: seconds since 1970')
    .option('--not-before <date>', 'not to be taken before; heeded where the clock is synchronised')
    .option('--not-after <date>', 'not to be taken after; one that was taken stays in force')
    .option('--json', 'one JSON document')
    .action(async (file: string, options: SignOptions) =>
      (await import('./config-sign.ts')).signConfigFile(file, options),
    );
  config
    .command('key')
    .description("prints the line for a station's oem-keys")
    .argument('<file>', "the OEM's private key: ed25519, PKCS#8 PEM")
    .requiredOption('--name <name>', 'what the key is called')
    .action(async (file: string, { name }: { name: string }) =>
      (await import('./config-sign.ts')).printOemKey(file, name),
    );
  config
    .command('apply')
    .description('brings a signed configuration to the service on this machine, which judges on it')
    .argument('<file>', '*.cose, or - for stdin')
    .option('--state <dir>', 'state directory; default: $STATE_DIRECTORY, otherwise ./state')
    .option('--reload', 'reload delmonicos.service, so that it looks at once')
    .option('--json', 'one JSON document')
    .action(async (file: string, options: ApplyOptions) =>
      (await import('./config-apply.ts')).applyConfig(file, options),
    );
  config
    .command('status')
    .description('what the service goes by: the file or what the OEM signed, and whether that is on trial')
    .argument('<file>', 'station.yaml, as given to `run --config`')
    .option('--state <dir>', 'state directory; default: $STATE_DIRECTORY, otherwise ./state')
    .option('--json', 'one JSON document')
    .action(async (file: string, options: ApplyOptions) =>
      (await import('./config-apply.ts')).showConfigStatus(file, options),
    );
}
