import { randomInt } from 'node:crypto';
import { Option, type Command } from 'commander';
import type { LogLevel } from '../../hal/contract/index.ts';
import { gatewayPlace } from './gateway-place.ts';
import { endWithoutReader, lineWriter } from './line-writer.ts';
import { ExitCode } from './output.ts';
import { productVersion } from './product-version.ts';
import { stateDirectory } from './state-directory.ts';

/** After the stop nothing should be left that keeps the process alive; this long is waited for it. */
const LINGER_MS = 2_000;

interface RunOptions {
  readonly config: string;
  readonly state?: string;
  readonly logLevel: LogLevel;
  readonly json?: true;
}

export function registerRunCommand(program: Command): void {
  program
    .command('run')
    .description('the service: reads, signs, stores, anchors, until SIGTERM or SIGINT')
    .requiredOption('--config <file>', 'station.yaml')
    .option('--state <dir>', 'state directory; default: $STATE_DIRECTORY, otherwise ./state')
    .addOption(
      new Option('--log-level <level>', 'least level that is logged on stderr')
        .choices(['debug', 'info', 'warning', 'error'])
        .default('info'),
    )
    .option('--json', 'JSON lines on stdout: started, committed, meter, sync, degraded, stopped')
    .action(run);
}

async function run(options: RunOptions): Promise<void> {
  const [{ startStation }, { createLog, keepHeapSmall, systemMonotonicClock, systemWallClock }] =
    await Promise.all([import('../station/index.ts'), import('../service/index.ts')]);
  keepHeapSmall();
  const tell = lineWriter(process.stdout);
  process.stdout.off('error', endWithoutReader);
  const log = createLog({
    level: options.logLevel,
    journald: process.env['JOURNAL_STREAM'] !== undefined,
    write: lineWriter(process.stderr),
    clock: systemMonotonicClock,
  });
  const stopRequested = new Promise<NodeJS.Signals>((resolve) => {
    process.once('SIGTERM', resolve);
    process.once('SIGINT', resolve);
  });
  const station = await startStation({
    configPath: options.config,
    stateDirectory: stateDirectory(options.state),
    credentialsDirectory: process.env['CREDENTIALS_DIRECTORY'],
    gatewayEntry: gatewayPlace(),
    version: productVersion(),
    clock: systemMonotonicClock,
    wallClock: systemWallClock(),
    random: () => randomInt(2 ** 32) / 2 ** 32,
    log,
    onEvent: (event) => {
      if (options.json) tell(JSON.stringify(event));
    },
  });
  const why = await Promise.race([stopRequested, station.failed]);
  if (why instanceof Error) {
    log('error', 'station.failed', { code: why.code, error: why });
    process.exitCode = ExitCode.bad;
  } else log('info', 'station.stopping', { signal: why });
  await station.stop();
  // What hangs in a system call (a device that is gone) must not keep a stopped service alive; it is given up.
  setTimeout(() => process.exit(), LINGER_MS).unref();
}
