import type { Command } from 'commander';
import { checkClock, checkDisk, checkKey } from './doctor-host.ts';
import { checkLines } from './doctor-lines.ts';
import { checkBroker, checkChain } from './doctor-network.ts';
import { ok, type Finding } from './finding.ts';
import { ExitCode, print, printJson } from '../output.ts';
import { stateDirectory } from '../state-directory.ts';

interface DoctorOptions {
  readonly config: string;
  readonly state?: string;
  readonly json?: true;
}

export function registerDoctorCommand(program: Command): void {
  program
    .command('doctor')
    .description('checks lines, meters, clock, disk, key, broker and chain, and says what to do about each')
    .requiredOption('--config <file>', 'station.yaml')
    .option('--state <dir>', 'state directory; default: $STATE_DIRECTORY, otherwise ./state')
    .option('--json', 'one JSON document')
    .action(doctor);
}

async function doctor(options: DoctorOptions): Promise<void> {
  const [{ loadStationConfig }, { listProfileIds }, { findJournalWriter }] = await Promise.all([
    import('../../config/index.ts'),
    import('../../../hal/profile/index.ts'),
    import('../../journal/index.ts'),
  ]);
  const config = loadStationConfig(options.config, { knownProfiles: await listProfileIds() });
  const directory = stateDirectory(options.state);
  const { running, pid } = findJournalWriter(directory);
  const whyNot = running ? `the service runs (pid ${pid ?? 'unknown'}) and has the lines` : undefined;
  const findings: Finding[] = [
    ok('configuration', `${config.lines.length} lines, ${config.meters.length} meters`),
    ok('service', running ? `runs, pid ${pid ?? 'unknown'}` : 'does not run'),
    ...(await checkLines(config, whyNot)),
    await checkClock(config),
    await checkDisk(directory, config.journal.maxSizeBytes),
    await checkKey(directory, config),
    ...(await Promise.all([checkBroker(config), checkChain(config, directory)])).flat(),
  ];
  const isGood = findings.every(({ result }) => result !== 'failed');
  if (!isGood) process.exitCode = ExitCode.bad;
  if (options.json === true) return printJson({ ok: isGood, findings });
  for (const { name, result, detail, advice } of findings) {
    print(`${result.padEnd(11)}  ${name}: ${detail}`);
    if (advice !== null) print(`${' '.repeat(13)}-> ${advice}`);
  }
}
