import { InvalidArgumentError, Option, type Command } from 'commander';
import { initKey, type InitOptions } from './key-init.ts';
import { makeOperatorKey, type OperatorKeyOptions } from './key-operator.ts';
import { rotateKeyCommand, type RotateOptions } from './key-rotate.ts';
import { showKey, type ShowOptions } from './key-show.ts';
import { addSealingOptions } from './seed-options.ts';
import { stateDirectory } from '../state-directory.ts';

export function registerKeyCommand(program: Command): void {
  const key = program.command('key').description("the station's root seed and the keys that come out of it");
  const init = key
    .command('init')
    .description('makes the root seed, once, and shows what comes out of it')
    .argument('[dir]', 'state directory')
    .option('--after-loss', 'the seed of the log here is gone: keep that log aside and begin a new identity')
    .option(
      '--config <file>',
      'with --after-loss: station.yaml, when it says where the high-water mark or the TPM is',
    )
    .option('--json', 'one JSON document, as of `key show`');
  addSealingOptions(init, 'file').action((directory: string | undefined, options: InitOptions) =>
    initKey(stateDirectory(directory), options),
  );
  key
    .command('show')
    .description("prints where the seed is, the public keys, the chain account and the log's verifier key")
    .argument('[dir]', 'state directory')
    .option(
      '--origin <text>',
      "the log's origin; default: that of the log here, or delmonicos/<chain account>",
    )
    .addOption(ss58PrefixOption())
    .option('--json', 'one JSON document')
    .action((directory: string | undefined, options: ShowOptions) =>
      showKey(stateDirectory(directory), options),
    );
  const rotate = key
    .command('rotate')
    .description('hands the log over to a new root seed, signed by both; the service must be stopped')
    .argument('[dir]', 'state directory')
    .option('--config <file>', 'station.yaml, when it says where the high-water mark or the TPM is')
    .option('--destroy-old', 'do not keep the old seed; what is left on the old chain account is lost')
    .addOption(ss58PrefixOption())
    .option('--json', 'one JSON document');
  addSealingOptions(rotate, 'where the present one is').action(
    (directory: string | undefined, options: RotateOptions) =>
      rotateKeyCommand(stateDirectory(directory), options),
  );
  key
    .command('operator')
    .description('makes a key for whoever asks stations from afar (`delmonicos ask`); no key of a station')
    .argument('<file>', 'the private key, to be made: readable for its owner only, never overwritten')
    .requiredOption('--name <name>', 'whose it is, such as support@acme.example: stands in the journal')
    .addOption(
      new Option('--may <permission>', 'what the lines for station.yaml let it do')
        .choices(['read', 'act'])
        .default('read'),
    )
    .option('--json', 'one JSON document')
    .action((file: string, options: OperatorKeyOptions) => makeOperatorKey(file, options));
}

function ss58PrefixOption(): Option {
  return new Option('--ss58-prefix <number>', 'address prefix of the chain').default(42).argParser((text) => {
    if (!/^\d{1,5}$/.test(text) || Number(text) > 16_383) {
      throw new InvalidArgumentError('a whole number between 0 and 16383');
    }
    return Number(text);
  });
}
