import { randomInt } from 'node:crypto';
import { Option, type Command } from 'commander';
import { duration } from '../duration-option.ts';
import { addBrokerOptions, deskOptions, type BrokerArguments } from '../broker-options.ts';
import { UsageError } from '../usage-error.ts';
import { untilInterrupted } from '../until-interrupted.ts';
import type { TopView } from './top-view.ts';

interface TopOptions extends BrokerArguments {
  readonly station?: string;
  readonly once?: true;
  readonly json?: true;
  readonly wait: number;
}

const HELP = `
On a terminal: a list of the fleet, worst first; enter looks at a station, ? shows the keys. Into a pipe, or with --once: what the
broker keeps, once. Of the fleet only what the list shows is subscribed to; samples, lines and log of a station while it is looked at.

Exit status of --once: 0 every station is online and without a fault, 1 one is not, there is none, or not all could be heard.

Examples:
  delmonicos top --broker mqtts://broker.example
  delmonicos top --broker mqtts://broker.example --station DE-ACME-0001
  delmonicos top --broker mqtts://broker.example --once --json | jq '.stations[] | select(.is == "fault")'
  delmonicos top --broker mqtts://broker.example --json          JSON lines: each change, until it is stopped`;

export function registerTopCommand(program: Command): void {
  const top = program
    .command('top')
    .description('shows a fleet, or one station, as its stations tell it over MQTT')
    .addOption(new Option('--station <name>', 'begins with this station; with --once or --json: only it'))
    .option('--once', 'prints what the broker keeps, and ends')
    .option('--json', 'with --once one JSON document, otherwise JSON lines of what changes')
    .option('--wait <duration>', 'with --once: at most so long for what the broker keeps', duration, 5_000)
    .addHelpText('after', HELP)
    .action(showFleet);
  addBrokerOptions(top);
}

async function showFleet(options: TopOptions): Promise<void> {
  const { station = null } = options;
  if (station !== null && !isName(station))
    throw new UsageError('usage.bad_option', `--station: "${station}" is no name of a station`);
  const [{ openDesk, Fleet, FleetFeed, deskNowMs }, { systemMonotonicClock }] = await Promise.all([
    import('../../fleet/index.ts'),
    import('../../service/index.ts'),
  ]);
  const broker = deskOptions(options);
  const desk = openDesk(broker, {
    clock: systemMonotonicClock,
    random: () => randomInt(2 ** 32) / 2 ** 32,
  });
  const fleet = new Fleet();
  const listeners: Parameters<TopView['onHeard']>[0][] = [];
  const feed = new FleetFeed(desk, fleet, nameOf(broker.url), (message, received) => {
    for (const listener of listeners) listener(message, received);
  });
  const view: TopView = {
    ...{ fleet, feed, station, json: options.json === true, nowMs: deskNowMs },
    onHeard: (listener) => void listeners.push(listener),
    onLink: (listener) => void desk.onChange(listener),
  };
  try {
    await show(view, options, () => desk.connected());
  } finally {
    await desk.close();
  }
}

async function show(view: TopView, options: TopOptions, connected: () => Promise<void>): Promise<void> {
  if (options.json === true && options.once !== true) {
    const { followChanges } = await import('./follow-changes.ts');
    return followChanges(view, untilInterrupted());
  }
  if (options.once === true || !isScreen()) {
    const { lookOnce } = await import('./look-once.ts');
    await connected();
    return lookOnce(view, options.wait);
  }
  const { lookLive } = await import('./interactive.ts');
  return lookLive(view);
}

function isName(name: string): boolean {
  return name !== '' && name.length <= 128 && !/\p{Surrogate}/u.test(name);
}

/** Host and port: a user in the URL is nobody's business who looks over a shoulder. */
function nameOf(url: string): string {
  return new URL(url).host;
}

/** Somebody sits before a terminal that can do more than write lines. */
function isScreen(): boolean {
  return process.stdin.isTTY && process.stdout.isTTY && process.env['TERM'] !== 'dumb';
}
