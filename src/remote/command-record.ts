import type { CommandBody } from '../journal/index.ts';
import { COMMANDS } from './command-catalogue.ts';
import type { Judgement } from './command-gate.ts';

/**
 * What the journal holds of an accepted command, appended before it is carried out. One that acts is on disk first: it is
 * evidence of who made the station do something. One that only looks waits for the group of the readings.
 */
export function recordOfAccepted({
  command,
  operator,
  digest,
}: Extract<Judgement, { verdict: 'accepted' }>): {
  readonly body: CommandBody;
  readonly durability: 'sample' | 'billing';
} {
  return {
    body: { command: command.name, operator: operator.name, digest, outcome: 'accepted' },
    durability: COMMANDS[command.name] === 'act' ? 'billing' : 'sample',
  };
}
