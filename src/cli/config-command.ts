import type { Command } from 'commander';
import type { UnitsOptions } from './config/config-units.ts';
import { registerSignedConfigCommands } from './config/signed-config-commands.ts';
import { ExitCode, note, print, printJson } from './output.ts';

export function registerConfigCommand(program: Command): void {
  const config = program.command('config').description('validates a configuration, prints its JSON Schema');

  config
    .command('check')
    .description('validates a station.yaml; every problem with its line')
    .argument('<file>', 'station.yaml')
    .option('--json', 'one JSON document: {ok, problems: [{line, column, path, message}]}')
    .action(async (file: string, options: { json?: boolean }) => {
      const { ConfigError, loadStationConfigWith } = await import('../config/index.ts');
      const profiles = await import('../../hal/profile/index.ts');
      try {
        const found = await loadStationConfigWith(profiles, file);
        if (options.json) printJson({ ok: true, problems: [] });
        else print(`${file}: good (${found.lines.length} lines, ${found.meters.length} meters)`);
      } catch (error) {
        if (!(error instanceof ConfigError)) throw error;
        if (options.json) printJson({ ok: false, problems: error.problems });
        else note(`${file}: ${error.message}`);
        process.exitCode = ExitCode.usage;
      }
    });

  config
    .command('schema')
    .description('prints the JSON Schema of station.yaml, for editors')
    .action(async () => {
      const { STATION_JSON_SCHEMA } = await import('../config/index.ts');
      print(JSON.stringify(STATION_JSON_SCHEMA, null, 2));
    });

  config
    .command('units')
    .description("drop-ins that narrow the service's systemd units to what the configuration needs")
    .argument('<file>', 'station.yaml')
    .option('-o, --output <dir>', 'write them below it, such as /etc/systemd/system; default: print them')
    .option('--json', 'one JSON document: {files: [{path, directives, text}], notes}')
    .action(async (file: string, options: UnitsOptions) =>
      (await import('./config/config-units.ts')).printUnits(file, options),
    );

  registerSignedConfigCommands(config);
}
