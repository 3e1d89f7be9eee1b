import { randomInt } from 'node:crypto';
import { isatty } from 'node:tty';
import { Option, type Command } from 'commander';
import { StationError, type Log, type LogLevel } from '../../hal/contract/index.ts';
import type { ServiceNotify } from '../service/index.ts';
import type { RunRequests, StationEvent } from '../station/index.ts';
import { gatewayPlace } from './gateway-place.ts';
import { endWithoutReader, lineWriter } from './line-writer.ts';
import { ExitCode, exitCodeOf } from './output.ts';
import { productVersion } from './product-version.ts';
import { stateDirectory } from './state-directory.ts';

/** After the stop nothing should be left that keeps the process alive; this long is waited for it. */
const LINGER_MS = 2_000;
const STDIN = 0;

interface RunOptions {
  readonly config: string;
  readonly state?: string;
  readonly logLevel: LogLevel;
  readonly newSeed: boolean;
  readonly json?: true;
}

export function registerRunCommand(program: Command): void {
  program
    .command('run')
    .description(
      'the service: reads, signs, stores, anchors, until SIGTERM or SIGINT; SIGHUP: takes the configuration anew',
    )
    .requiredOption('--config <file>', 'station.yaml')
    .option('--state <dir>', 'state directory; default: $STATE_DIRECTORY, otherwise ./state')
    .addOption(
      new Option('--log-level <level>', 'least level that is logged on stderr')
        .choices(['debug', 'info', 'warning', 'error'])
        .default('info'),
    )
    .option('--no-new-seed', 'never makes a root seed, also at the very first start: provisioning does that')
    .option('--json', 'JSON lines on stdout: started, committed, meter, sync, degraded, reload, stopped')
    .action(run);
}

async function run(options: RunOptions): Promise<void> {
  const requests = await followSignals();
  const [{ loadConfiguration, startStation, Supervisor }, service] = await Promise.all([
    import('../station/index.ts'),
    import('../service/index.ts'),
  ]);
  service.keepHeapSmall();
  const tell = lineWriter(process.stdout);
  process.stdout.off('error', endWithoutReader);
  const clock = service.systemMonotonicClock;
  const journald = service.goesToJournald(process.env['JOURNAL_STREAM'], process.stderr.fd);
  const write = lineWriter(process.stderr);
  const log = service.createLog({ level: options.logLevel, journald, write, clock });
  const { env: environment, pid } = process;
  const monotonicUs = (): bigint => process.hrtime.bigint() / 1_000n;
  const notify = await service.openServiceNotify({ environment, pid, monotonicUs, log });
  const onEvent = (event: StationEvent): void => {
    if (options.json) tell(JSON.stringify(event));
  };
  const place = { configPath: options.config, stateDirectory: stateDirectory(options.state), log };
  const supervisor = new Supervisor({
    ...{ requests, notify, clock, log, onEvent },
    check: () => loadConfiguration(place, 'look'),
    start: (order) =>
      startStation({
        ...{ ...place, ...order, clock, onEvent },
        credentialsDirectory: process.env['CREDENTIALS_DIRECTORY'],
        // Several are separated by colons (systemd.exec(5)); the first is ours.
        runtimeDirectory: process.env['RUNTIME_DIRECTORY']?.split(':')[0],
        mayMakeSeed: options.newSeed,
        gatewayEntry: gatewayPlace(),
        version: productVersion(),
        wallClock: service.systemWallClock(),
        random: () => randomInt(2 ** 32) / 2 ** 32,
        reload: (why) => requests.reload(why),
      }),
  });
  endOnCrash(log, notify, () => supervisor.flush());
  try {
    process.exitCode = (await supervisor.run()) === 'stopped' ? ExitCode.good : ExitCode.bad;
  } catch (error) {
    if (!journald) throw error;
    // In the journal a line has a priority, and what has several lines is one line.
    const { code = 'internal', hint } = error instanceof StationError ? error : {};
    log('error', 'station.not_started', { code, error, ...(hint !== undefined && { hint }) });
    process.exitCode = exitCodeOf(error);
  } finally {
    // What hangs in a system call (a device that is gone) must not keep a stopped service alive; it is given up.
    setTimeout(() => process.exit(), LINGER_MS).unref();
  }
}

/** From the first moment on: SIGHUP ends a process that does not listen to it. */
async function followSignals(): Promise<RunRequests> {
  const early: NodeJS.Signals[] = [];
  let follow = (signal: NodeJS.Signals): void => void early.push(signal);
  const onTerminal = isatty(STDIN);
  for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const) process.on(signal, () => follow(signal));
  const requests = new (await import('../station/index.ts')).RunRequests();
  follow = (signal) => {
    // The terminal that it was started on is gone: whoever started it does not want it any more.
    const isHangUp = signal === 'SIGHUP' && onTerminal && !isatty(STDIN);
    if (signal === 'SIGHUP' && !isHangUp) requests.reload(signal);
    else requests.stop(signal);
  };
  for (const signal of early) follow(signal);
  return requests;
}

/**
 * An error that nobody foresaw: nothing that is in memory can be relied on, so what is signed and waiting is committed, and the
 * service manager starts a new process, which goes on from what is on disk.
 */
function endOnCrash(log: Log, notify: ServiceNotify, flush: () => Promise<void>): void {
  let crashed = false;
  process.on('uncaughtException', (error: unknown, origin) => {
    if (crashed) process.exit(ExitCode.bad);
    crashed = true;
    const code = error instanceof StationError ? error.code : 'internal';
    const stack = error instanceof Error ? error.stack : undefined;
    log('error', 'service.crashed', { code, error, origin, stack });
    notify.stopping(`ended by an unforeseen error (${code})`);
    void flush()
      .catch((cause: unknown) => log('error', 'service.not_flushed', { error: cause }))
      .finally(() => process.exit(ExitCode.bad));
  });
}
