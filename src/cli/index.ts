import { Command, CommanderError } from 'commander';
import { registerAskCommand } from './ask/ask-command.ts';
import { ExitCode, printError } from './output.ts';
import { registerConfigCommand } from './config-command.ts';
import { registerDoctorCommand } from './doctor/doctor-command.ts';
import { registerJournalCommand } from './journal/journal-command.ts';
import { registerKeyCommand } from './key/key-command.ts';
import { registerMeterCommand } from './meter/meter-command.ts';
import { registerOcmfCommand } from './ocmf-command.ts';
import { productVersion } from './product-version.ts';
import { registerProvisionCommand } from './provision/provision-command.ts';
import { registerReceiptCommand } from './receipt/receipt-command.ts';
import { registerRunCommand } from './run-command.ts';
import { registerSessionCommand } from './session-command.ts';
import { registerSyncCommand } from './sync/sync-command.ts';
import { registerTelemetryCommand } from './telemetry-command.ts';
import { registerTopCommand } from './top/top-command.ts';
import { registerUpdateCheckCommand } from './update/update-check-command.ts';

export { endWithoutReader } from './line-writer.ts';

/**
 * Runs one command line and resolves with the exit code: 0 done and good, 1 the thing checked is not good or the work
 * failed, 2 usage or configuration. Never calls process.exit, so that what was written reaches its pipe.
 */
export async function runCommandLine(argv: readonly string[]): Promise<number> {
  const program = new Command('delmonicos')
    .description('Reads the meters of a charging station, signs every reading and anchors it on a chain.')
    .version(productVersion())
    .showHelpAfterError('(add --help for the options)')
    .exitOverride();
  registerRunCommand(program);
  registerAskCommand(program);
  registerConfigCommand(program);
  registerDoctorCommand(program);
  registerKeyCommand(program);
  registerJournalCommand(program);
  registerMeterCommand(program);
  registerOcmfCommand(program);
  registerProvisionCommand(program);
  registerReceiptCommand(program);
  registerSessionCommand(program);
  registerSyncCommand(program);
  registerTelemetryCommand(program);
  registerTopCommand(program);
  registerUpdateCheckCommand(program);
  try {
    await program.parseAsync(argv);
    return Number(process.exitCode ?? ExitCode.good);
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? ExitCode.good : ExitCode.usage;
    return printError(error);
  }
}
