import type { Command } from 'commander';
import { DEFAULT_SOCKET } from '../ask-service.ts';
import { duration } from '../duration-option.ts';
import { syncNow } from './sync-now.ts';
import { showSyncStatus } from './sync-status.ts';

export function registerSyncCommand(program: Command): void {
  const sync = program.command('sync').description('the outbox: what reaches the chain, and when');
  sync
    .command('status')
    .description(
      'what sync does, why it does nothing, and what to do; exit status 1 when somebody has to act',
    )
    .argument('[dir]', 'state directory')
    .option('--watch', 'goes on: one line for each change, until Ctrl-C')
    .option('--socket <path>', 'control socket of the running service (control.socket)', DEFAULT_SOCKET)
    .option('--json', 'one JSON document; with --watch JSON lines')
    .action(showSyncStatus);
  sync
    .command('now')
    .description(
      'anchors what the journal holds and waits until it is final; asks the running service, if there is one',
    )
    .requiredOption('--config <file>', 'station.yaml')
    .option('--state <dir>', 'state directory; default: $STATE_DIRECTORY, otherwise ./state')
    .option('--socket <path>', 'control socket of the running service; default: control.socket of the file')
    .option(
      '--timeout <duration>',
      'how long to wait, as 90s or 10m; a running service goes on after it',
      duration,
    )
    .option('--json', 'one JSON document')
    .action(syncNow);
}
