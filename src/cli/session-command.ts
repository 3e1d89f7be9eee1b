import { Option, type Command } from 'commander';
import type { SessionView } from '../session/index.ts';
import { askService, DEFAULT_SOCKET } from './ask-service.ts';
import { ExitCode, note, print, printJson } from './output.ts';

interface SocketOptions {
  readonly socket: string;
  readonly json?: true;
}

interface BeginOptions extends SocketOptions {
  readonly evse: string;
  readonly meter: string;
  readonly idType?: string;
  readonly idToken?: string;
}

interface EndOptions extends SocketOptions {
  readonly reason?: string;
}

/** For people and scripts; charging software talks to the socket itself (docs/sessions.md). */
export function registerSessionCommand(program: Command): void {
  const session = program
    .command('session')
    .description('charging sessions of the running service, over its control socket');
  const withSocket = (command: Command): Command =>
    command
      .option('--socket <path>', 'control socket of the service (control.socket)', DEFAULT_SOCKET)
      .option('--json', 'one JSON document');
  withSocket(session.command('begin <sessionId>'))
    .description('reads the meter and records the begin; repeated, it gives the same record')
    .requiredOption('--evse <id>', 'where')
    .requiredOption('--meter <id>', 'id of its meter in station.yaml')
    .option('--id-type <type>', 'who charges, as OCMF has it: ISO14443, EMAID, CENTRAL ...')
    .option('--id-token <data>', 'the card number or contract; goes into the log')
    .action(begin);
  withSocket(session.command('end <sessionId>'))
    .description('reads the meter and records the end; repeated, it gives the same record')
    .addOption(
      new Option('--reason <reason>', 'why it ends').choices([
        'ended',
        'local',
        'remote',
        'aborted',
        'power-failure',
      ]),
    )
    .action(end);
  withSocket(session.command('list [sessionId]'))
    .description('the open sessions, or one that the service remembers')
    .action(list);
}

async function begin(
  sessionId: string,
  { evse, meter, idType, idToken, ...options }: BeginOptions,
): Promise<void> {
  const token =
    idToken === undefined && idType === undefined
      ? {}
      : { idToken: { type: idType ?? 'UNDEFINED', data: idToken } };
  await show({ session: 'begin', sessionId, evseId: evse, meterId: meter, ...token }, options);
}

async function end(sessionId: string, { reason, ...options }: EndOptions): Promise<void> {
  await show({ session: 'end', sessionId, ...(reason !== undefined && { reason }) }, options);
}

async function list(sessionId: string | undefined, options: SocketOptions): Promise<void> {
  await show({ session: 'status', ...(sessionId !== undefined && { sessionId }) }, options);
}

async function show(request: object, { socket, json }: SocketOptions): Promise<void> {
  const answer = await askService(socket, request);
  const { session, sessions } = answer as { session?: SessionView; sessions?: readonly SessionView[] };
  if (json === true) return printJson(session ?? sessions);
  const views = sessions ?? (session === undefined ? [] : [session]);
  if (views.length === 0) note('no open session');
  for (const view of views) print(lineOf(view));
  if (session?.end && session.energyWh === null) process.exitCode = ExitCode.bad;
}

function lineOf({ sessionId, evseId, meterId, state, begin: from, end: to, energyWh }: SessionView): string {
  const began = `${sessionId}  ${evseId}  meter ${meterId} (${from.meterSerial})  ${state}  from ${from.time} ${from.clock}`;
  const total = `${from.totalWh ?? '?'} Wh ${from.quality}`;
  if (to === null) return `${began}  ${total}`;
  const energy = energyWh === null ? 'energy not to be billed' : `${energyWh} Wh`;
  return `${began} to ${to.time} ${to.clock}  ${total} to ${to.totalWh ?? '?'} Wh ${to.quality}  ${energy}`;
}
