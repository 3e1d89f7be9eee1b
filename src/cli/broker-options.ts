import { accessSync, constants } from 'node:fs';
import { Option, type Command } from 'commander';
import type { DeskOptions } from '../fleet/index.ts';
import { note } from './output.ts';
import { UsageError } from './usage-error.ts';

/** Never on a command line: every user of the machine can list those. */
const PASSWORD_VARIABLE = 'DELMONICOS_BROKER_PASSWORD';

export interface BrokerArguments {
  readonly broker?: string;
  readonly username?: string;
  readonly passwordFile?: string;
  readonly ca?: string;
  readonly cert?: string;
  readonly certKey?: string;
  readonly serverName?: string;
}

/** How a broker is reached: shared by all that sits at one. */
export function addBrokerOptions(command: Command): Command {
  return command
    .addOption(
      new Option('--broker <url>', 'mqtts://host[:port], or mqtt://host[:port]').env('DELMONICOS_BROKER'),
    )
    .option('--username <name>', 'user at the broker')
    .option('--password-file <file>', `its password; otherwise $${PASSWORD_VARIABLE}`)
    .option('--ca <file>', "PEM: trusted instead of the system's CAs")
    .option('--cert <file>', 'PEM: client certificate')
    .option('--cert-key <file>', 'PEM: its key')
    .option('--server-name <name>', "the name in the broker's certificate; default: the host of the URL");
}

/**
 * What a desk is opened with. Warns, on stderr, of a password that everybody on the way could read.
 * @throws UsageError `usage.bad_option`, `usage.file_unreadable`; TelemetryError `config.telemetry_url` comes from openDesk
 */
export function deskOptions(given: BrokerArguments, environment = process.env): DeskOptions {
  const { broker: url, username, passwordFile, ca, cert, certKey, serverName } = given;
  if (url === undefined || url === '') {
    throw new UsageError('usage.bad_option', 'which broker? --broker URL, or $DELMONICOS_BROKER');
  }
  const password = passwordFile === undefined ? environment[PASSWORD_VARIABLE] || undefined : undefined;
  const hasPassword = password !== undefined || passwordFile !== undefined;
  if (hasPassword && username === undefined)
    throw new UsageError('usage.bad_option', 'a password goes with --username');
  if ((cert === undefined) !== (certKey === undefined))
    throw new UsageError('usage.bad_option', '--cert and --cert-key go together');
  const isTls = !/^mqtt:/i.test(url);
  if (!isTls && [ca, cert, serverName].some((one) => one !== undefined))
    throw new UsageError('usage.bad_option', '--ca, --cert and --server-name go with mqtts://');
  if (hasPassword && !isTls && !isOwnMachine(url))
    note('warning: over mqtt:// everybody on the way can read the password; mqtts:// encrypts it');
  for (const file of [passwordFile, ca, cert, certKey]) if (file !== undefined) mustBeReadable(file);
  return {
    url,
    ...(password !== undefined && { password }),
    ...(serverName !== undefined && { serverName }),
    credentials: {
      ...(username !== undefined && { username }),
      ...(passwordFile !== undefined && { passwordFile }),
      ...(ca !== undefined && { caFile: ca }),
      ...(cert !== undefined && { certFile: cert }),
      ...(certKey !== undefined && { keyFile: certKey }),
    },
  };
}

function isOwnMachine(url: string): boolean {
  const host = URL.canParse(url) ? new URL(url).hostname : '';
  return host === 'localhost' || host === '[::1]' || /^127\./.test(host);
}

function mustBeReadable(file: string): void {
  try {
    accessSync(file, constants.R_OK);
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new UsageError('usage.file_unreadable', `cannot read ${file}: ${why}`, { cause });
  }
}
