import type { Command } from 'commander';
import { checkClock, checkDisk, checkKey } from './doctor-host.ts';
import { checkLines } from './doctor-lines.ts';
import { checkBroker, checkChain } from './doctor-network.ts';
import { askRunningService } from './ask-running-service.ts';
import { found, notChecked, ok, type Finding } from './finding.ts';
import type { StationConfig } from '../../config/index.ts';
import { nameOf, worstState, type HealthItem } from '../../health/index.ts';
import { ExitCode, harmlessLine, print, printJson } from '../output.ts';
import { stateDirectory } from '../state-directory.ts';

interface DoctorOptions {
  readonly config: string;
  readonly state?: string;
  readonly json?: true;
}

export function registerDoctorCommand(program: Command): void {
  program
    .command('doctor')
    .description(
      'what the running service says of its health, or checks of lines, meters, clock, disk, key; broker and chain; and what to do',
    )
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
  const list = running ? await askRunningService(config) : undefined;
  const place = { config, directory, pid };
  const items =
    list !== undefined && 'items' in list
      ? [...list.items, ...(await besidesService(place, list.items))]
      : await allByItself(place, list);
  const isGood = worstState(items) !== 'fault';
  if (!isGood) process.exitCode = ExitCode.bad;
  if (options.json === true) {
    const asOfMs = list !== undefined && 'asOfMs' in list ? list.asOfMs : null;
    return printJson({ ok: isGood, running, health: { state: worstState(items), asOfMs, items } });
  }
  for (const item of items) printItem(item);
}

interface Place {
  readonly config: StationConfig;
  readonly directory: string;
  readonly pid: number | undefined;
}

function checkConfiguration({ config }: Place): Finding {
  return ok('configuration', `${config.lines.length} lines, ${config.meters.length} meters`);
}

/** Everything, as far as it can be seen from here. @param silent a service runs, and cannot be asked: it keeps the lines */
async function allByItself(
  place: Place,
  silent: { readonly why: string; readonly hangs?: true } | undefined,
): Promise<Finding[]> {
  const { config, directory, pid } = place;
  const runs = `runs, pid ${pid ?? 'unknown'}`;
  const whyNot = silent === undefined ? undefined : `the service ${runs}, and has the lines`;
  return [
    checkConfiguration(place),
    silent === undefined ? ok('service', 'does not run') : ofSilentService(`${runs}; ${silent.why}`, silent),
    ...(await checkLines(config, whyNot)),
    ...(await checkClock(config)),
    ...(await checkDisk(directory, config)),
    await checkKey(directory, config),
    ...(await Promise.all([checkBroker(config), checkChain(config, directory)])).flat(),
  ];
}

/** That it hangs is a fault; that it cannot be asked from here, or not yet, is not. */
function ofSilentService(detail: string, { hangs }: { readonly hangs?: true }): Finding {
  return hangs === true ? found('service', 'service.no_answer', detail) : notChecked('service', detail);
}

/** What a running service does not look at by itself: whether others can be reached, and what the chain says when asked. */
async function besidesService(place: Place, told: readonly HealthItem[]): Promise<Finding[]> {
  const { config, directory } = place;
  const isBrokerWell = told.every(({ check, state }) => check !== 'broker' || state === 'ok');
  const findings = await Promise.all([
    isBrokerWell ? [] : checkBroker(config).then((finding) => [finding]),
    checkChain(config, directory),
  ]);
  const own = (finding: Finding): Finding =>
    finding.subject === undefined ? { ...finding, subject: 'by doctor' } : finding;
  return [own(checkConfiguration(place)), ...findings.flat().map(own)];
}

/** What comes over a socket, or from a device, is printed without control characters. */
function printItem(item: HealthItem): void {
  const code = item.code === null ? '' : ` [${item.code}]`;
  print(harmlessLine(`${item.state.padEnd(8)} ${nameOf(item)}:${code} ${item.detail}`));
  if (item.advice !== null) print(harmlessLine(`${' '.repeat(9)}-> ${item.advice}`));
}
