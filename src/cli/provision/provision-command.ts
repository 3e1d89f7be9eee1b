import { Option, type Command } from 'commander';
import type { FirstBootOptions } from './first-boot.ts';
import type { ShowRecordOptions } from './record.ts';
import type { ResetOptions } from './reset.ts';

/** Where systemd's encrypted seed, the record and the installer's code are, unless told otherwise. */
export const DEFAULT_OUT = '/var/lib/delmonicos-provision';
/** Where systemd looks for the credential that delmonicos.service loads by its name (systemd.exec(5), LoadCredentialEncrypted=). */
const DEFAULT_CREDENTIAL = '/etc/credstore.encrypted/root-seed';

export function registerProvisionCommand(program: Command): void {
  const provision = program
    .command('provision')
    .description('makes a device a station, says what it is, and makes it a device again');
  placed(provision.command('first-boot'))
    .description("makes the root seed, once, seals it, and writes the installer's code and a signed record")
    .addOption(
      new Option('--seal <kind>', 'where the seed is kept')
        .choices(['credential', 'file', 'tpm', 'pkcs11'])
        .default('credential'),
    )
    .option('--with-key <key>', 'credential: as of systemd-creds: auto, host, tpm2, host+tpm2', 'auto')
    .option('--pcrs <list>', 'credential, tpm: platform registers that the seed is bound to; default: none')
    .option('--tcti <text>', 'tpm: how it is reached')
    .option('--module <file>', "pkcs11: the token's library")
    .option('--token <label>', "pkcs11: the token's label; its PIN is in $DELMONICOS_PKCS11_PIN")
    .option('--console <file>', 'shows account and code there too, such as /dev/console')
    .option('--json', 'one JSON document')
    .action(async (options: FirstBootOptions) =>
      (await import('./first-boot.ts')).provisionFirstBoot(options),
    );
  provision
    .command('show')
    .description('prints the provisioning record and the code for the installer')
    .argument('[file]', `record.cose; default: ${DEFAULT_OUT}/record.cose`)
    .option('--svg', 'the code as an SVG picture, and nothing else')
    .option('--json', 'one JSON document')
    .action(async (file: string | undefined, options: ShowRecordOptions) =>
      (await import('./record.ts')).showRecord(file, options),
    );
  provision
    .command('verify')
    .description('verifies a provisioning record, and whose it is')
    .argument('<file>', 'record.cose')
    .option('--key <key>', "the station's public key, 64 hexadecimal digits, or its verifier key")
    .option('--json', 'one JSON document: {ok, checks}')
    .action(async (file: string, options: { key?: string; json?: true }) =>
      (await import('./record.ts')).verifyRecordFile(file, options),
    );
  placed(provision.command('reset'))
    .description('factory reset: closes the log, keeps the evidence aside, destroys seed and configurations')
    .requiredOption('--confirm <name>', "the station's name, so that it is this one that is meant")
    .option('--abandon-anchors', 'also where anchors are under way: nobody follows them any more')
    .option('--json', 'one JSON document')
    .action(async (options: ResetOptions) => (await import('./reset.ts')).resetStation(options));
}

function placed(command: Command): Command {
  return command
    .option('--state <dir>', 'state directory; default: $STATE_DIRECTORY, otherwise ./state')
    .option('--config <file>', 'station.yaml')
    .option('--out <dir>', "where the record and the installer's code go", DEFAULT_OUT)
    .option('--credential <file>', 'where the encrypted seed is', DEFAULT_CREDENTIAL);
}
